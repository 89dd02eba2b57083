"""`stylecli image`: stylize pictures and folders of pictures."""

from __future__ import annotations

import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stylecli.cli import options
from stylecli.cli.console import emit_json, progress_shown, say
from stylecli.core.errors import ItemsFailedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from stylecli.inference.engine import Device, Engine, Tiling
    from stylecli.media.images.exr import ExrColor
    from stylecli.stylize.look import Look
    from stylecli.stylize.pictures import Outcome

STREAM = Path("-")
STREAM_FORMAT = ".png"  # of stdout when nothing else is said
EXR_COLORS = ("linear", "encoded")  # as stylecli.exr.ExrColor, which --help must not import


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
    type=click.Choice(EXR_COLORS),
    default=EXR_COLORS[0],
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
    variant: str | None,
    look: Look,
    device: Device,
    tile: Tiling,
    styles_dir: Path | None,
    as_json: bool,
    **how: Any,  # recursive, quality, exr_color, strict, overwrite: for _stream and _files
) -> None:
    """Stylize pictures (JPEG, PNG, TIFF, WebP, AVIF, EXR), folders, numbered sequences, or - for stdin.

    Without -o, photo.jpg becomes photo-STYLE.jpg beside it. Many pictures go into the folder OUT; a broken one is
    reported and the others are done (exit code 6); those that are there already are kept.

    A sequence is shot.%04d.exr or shot.[1001-1100].exr; its frames keep their numbers, in the folder OUT their names,
    and OUT may be such a name. So do the frames of `stylecli split`, from which `stylecli assemble` makes a video.
    """
    from stylecli.inference.engine import Engine
    from stylecli.packs.shelves import find_style

    with ExitStack() as stack:
        packs = [find_style(style, styles_dir, variant=variant) for style in styles]
        engines = {pack.name: stack.enter_context(Engine(pack, device=device, tile=tile)) for pack in packs}
        options.tell_fallback(next(iter(engines.values())))
        if STREAM in (*inputs, output):
            _stream(inputs, output, list(engines.values()), look, **how)
        else:
            _files(inputs, output, engines, look, as_json=as_json, **how)


def _stream(
    inputs: Sequence[Path],
    output: Path | None,
    engines: Sequence[Engine],
    look: Look,
    *,
    quality: int | None,
    exr_color: ExrColor,
    overwrite: bool,
    recursive: bool,
    strict: bool,
) -> None:
    from stylecli.media.images.files import encode_picture, read_picture, write_picture
    from stylecli.stylize.pictures import refuse_losses, stylize_picture

    if len(inputs) != 1 or len(engines) != 1 or recursive:
        raise UsageError("- stands for one picture in one style", hint="Give one input and one -s.")
    picture = read_picture(sys.stdin.buffer.read() if inputs[0] == STREAM else inputs[0], exr_color=exr_color)
    stylized = stylize_picture(picture, engines[0], look)
    notice = refuse_losses(inputs[0]) if strict else _tell_loss
    if output in (None, STREAM):
        sys.stdout.buffer.write(encode_picture(stylized, STREAM_FORMAT, quality=quality, notice=notice))
    else:
        assert output is not None
        write_picture(stylized, output, quality=quality, overwrite=overwrite, notice=notice)


def _files(
    inputs: Sequence[Path],
    output: Path | None,
    engines: dict[str, Engine],
    look: Look,
    *,
    recursive: bool,
    quality: int | None,
    exr_color: ExrColor,
    strict: bool,
    overwrite: bool,
    as_json: bool,
) -> None:
    from stylecli.stylize.batch import carry_timing, plan_jobs
    from stylecli.stylize.pictures import run_jobs

    jobs = plan_jobs(inputs, list(engines), output, recursive=recursive)
    if output:
        carry_timing(inputs, output, overwrite=overwrite)
    with progress_shown(as_json=as_json) as progress:
        outcomes = run_jobs(
            jobs,
            engines,
            look,
            quality=quality,
            overwrite=overwrite,
            exr_color=exr_color,
            strict=strict,
            progress=progress,
            report=_reporter(engines, as_json=as_json, is_single=len(jobs) == 1),
        )
    for lost, count in Counter(lost for outcome in outcomes for lost in outcome.lost).items():
        _tell_loss(lost if len(jobs) == 1 else f"{lost} ({count} pictures)")
    failed = [outcome for outcome in outcomes if outcome.error]
    if failed and len(jobs) == 1 and failed[0].error:
        raise failed[0].error
    if failed:
        raise ItemsFailedError(f"{len(failed)} of {len(jobs)} pictures failed", hint="The others are done.")


def _tell_loss(lost: str) -> None:
    say(f"stylecli: not kept: {lost}")


def _reporter(engines: dict[str, Engine], *, as_json: bool, is_single: bool) -> Callable[[Outcome], None]:
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
                    "device": engines[job.style].device,
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
