"""`stylecli image`: stylize pictures and folders of pictures."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from stylecli.cli import options
from stylecli.cli.console import emit_json, progress_shown, say
from stylecli.core.errors import ItemsFailedError, UsageError
from stylecli.media.images.settings import ExrColor
from stylecli.stylize.options import PictureOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from stylecli.inference.engine import Device, Tiling
    from stylecli.packs.pack import StylePack
    from stylecli.stylize.look import Look
    from stylecli.stylize.pictures import Outcome

STREAM = Path("-")
STREAM_FORMAT = ".png"  # of stdout when nothing else is said


@click.command()
@click.argument("inputs", nargs=-1, required=True, type=click.Path(path_type=Path, allow_dash=True), metavar="IN...")
@click.option(
    "-s", "--style", "styles", multiple=True, required=True, help="A style's name or folder; may be repeated."
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, allow_dash=True), help="A file, a folder, or - for stdout."
)
@click.option("-r", "--recursive", is_flag=True, help="Look into subfolders too.")
@click.option("--quality", type=click.IntRange(1, 100), help="Of JPEG, WebP and AVIF.")
@click.option(
    "--color",
    "exr_color",
    type=click.Choice(get_args(ExrColor)),
    default=PictureOptions.exr_color,
    show_default=True,
    help="What EXR files hold: scene-linear light, or colours that are sRGB-encoded already.",
)
@click.option("--strict", is_flag=True, help="Fail where a file holds what the result cannot, instead of telling it.")
@options.variant
@options.look
@options.device
@options.tile
@options.styles_dir
@options.overwrite
@options.as_json
def command(
    inputs: tuple[Path, ...],
    styles: tuple[str, ...],
    output: Path | None,
    recursive: bool,
    quality: int | None,
    exr_color: ExrColor,
    variant: str | None,
    look: Look,
    device: Device,
    tile: Tiling,
    styles_dir: Path | None,
    overwrite: bool,
    strict: bool,
    as_json: bool,
) -> None:
    """Stylize pictures (JPEG, PNG, TIFF, WebP, AVIF, EXR), folders, numbered sequences, or - for stdin.

    Without -o, photo.jpg becomes photo-STYLE.jpg beside it. Many pictures go into the folder OUT; a broken one is
    reported and the others are done (exit code 6); those that are there already are kept.

    A sequence is shot.%04d.exr or shot.[1001-1100].exr; its frames keep their numbers, in the folder OUT their names,
    and OUT may be such a name. So do the frames of `stylecli split`, from which `stylecli assemble` makes a video.
    """
    from stylecli.packs.shelves import find_style
    from stylecli.stylize.jobs import carry_timing, plan_jobs
    from stylecli.stylize.pictures import open_engines, run_jobs

    packs = [find_style(style, styles_dir, variant=variant) for style in styles]
    how = PictureOptions(quality, exr_color, overwrite, strict)
    if STREAM in (*inputs, output):
        if len(inputs) != 1 or len(packs) != 1 or recursive:
            raise UsageError("- stands for one picture in one style", hint="Give one input and one style.")
        _stream(inputs[0], output, packs[0], look, how, device=device, tile=tile)
        return
    jobs = plan_jobs(inputs, [pack.name for pack in packs], output, recursive=recursive)
    with open_engines(packs, device=device, tile=tile, pictures=len(jobs)) as engines:
        options.tell_fallback(next(iter(engines.values())))
        if output:
            carry_timing(inputs, output, overwrite=overwrite)
        tell = _reporter(next(iter(engines.values())).device, as_json=as_json, is_single=len(jobs) == 1)
        with progress_shown(as_json=as_json) as progress:
            outcomes = run_jobs(jobs, engines, look, options=how, progress=progress, report=tell)
    for lost, count in Counter(lost for outcome in outcomes for lost in outcome.lost).items():
        _tell_loss(lost if len(jobs) == 1 else f"{lost} ({count} pictures)")
    _raise_failures(outcomes)


def _stream(
    source: Path,
    output: Path | None,
    pack: StylePack,
    look: Look,
    how: PictureOptions,
    *,
    device: Device,
    tile: Tiling,
) -> None:
    from stylecli.inference.engine import Engine
    from stylecli.media.images.files import encode_picture, read_picture, write_picture
    from stylecli.stylize.pictures import refuse_losses, stylize_picture

    with Engine(pack, device=device, tile=tile) as engine:
        options.tell_fallback(engine)
        picture = read_picture(sys.stdin.buffer.read() if source == STREAM else source, exr_color=how.exr_color)
        stylized = stylize_picture(picture, engine, look)
    notice = refuse_losses(source) if how.strict else _tell_loss
    if output is None or output == STREAM:
        sys.stdout.buffer.write(encode_picture(stylized, STREAM_FORMAT, quality=how.quality, notice=notice))
    else:
        write_picture(stylized, output, quality=how.quality, overwrite=how.overwrite, notice=notice)


def _tell_loss(lost: str) -> None:
    say(f"stylecli: not kept: {lost}")


def _reporter(device: str, *, as_json: bool, is_single: bool) -> Callable[[Outcome], None]:
    def report(outcome: Outcome) -> None:
        job = outcome.job
        if as_json:
            status = "failed" if outcome.error else "kept" if outcome.kept else "done"
            emit_json(
                {
                    "event": "result",
                    "status": status,
                    "input": job.source,
                    "output": job.output,
                    "style": job.style,
                    "width": outcome.width,
                    "height": outcome.height,
                    "seconds": round(outcome.seconds, 3),
                    "device": device,
                    "lost": outcome.lost,
                    **({"message": outcome.error.message, "hint": outcome.error.hint} if outcome.error else {}),
                }
            )
        elif outcome.error:
            if not is_single:  # the fault of a single picture is that of the command, which says it at its end
                say(f"stylecli: {outcome.error}")
        else:
            click.echo(f"{job.output} (kept, it exists)" if outcome.kept else job.output)

    return report


def _raise_failures(outcomes: Sequence[Outcome]) -> None:
    failed = [outcome.error for outcome in outcomes if outcome.error]
    if failed and len(outcomes) == 1:
        raise failed[0]
    if failed:
        raise ItemsFailedError(f"{len(failed)} of {len(outcomes)} pictures failed", hint="The others are done.")
