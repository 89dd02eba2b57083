"""`stylecli image`: stylize pictures and folders of pictures."""

from __future__ import annotations

import os
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stylecli.cli import options
from stylecli.cli.console import emit, emit_bytes, emit_json, progress_shown, say
from stylecli.cli.parameters import PathType
from stylecli.cli.stylize import picture_options
from stylecli.cli.stylize.picture_options import STREAM, Output
from stylecli.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from stylecli.core.progress import Notice
    from stylecli.inference.engine import Device, Tiling
    from stylecli.packs.pack import StylePack
    from stylecli.stylize.look import Look
    from stylecli.stylize.options import PictureOptions
    from stylecli.stylize.pictures.jobs import PictureJob
    from stylecli.stylize.pictures.run import Outcome

STREAM_SUFFIX = ".png"  # default format of stdout


@click.command()
@picture_options.sources
@click.option(
    "-s",
    "--style",
    "styles",
    multiple=True,
    required=True,
    help='A style\'s name or folder, or a blend such as "A:0.6+B:0.4"; may be repeated.',
)
@click.option(
    "-o",
    "--output",
    type=picture_options.Target(),
    help="Output: a file, a folder, a template such as 'out/{stem}-{style}.webp', or - for stdout.",
)
@click.option(
    "--format", "format_name", help="Format of the results, such as jpeg; default: that of the source, or png."
)
@click.option("-r", "--recursive", is_flag=True, help="Search subfolders too.")
@click.option(
    "--exclude", multiple=True, help="Skip files in folders that match this glob, such as '*_raw*'; may be repeated."
)
@click.option("--dry-run", is_flag=True, help="Only list what would be written.")
@click.option("-q", "--quiet", is_flag=True, help="Print only errors.")
@picture_options.pictures
@options.variant
@options.look
@click.option(
    "--over",
    type=PathType(dir_okay=False),
    help="Lay the style over this picture instead of over the photo: with --mask, two styles in one picture.",
)
@options.fill
@options.device
@options.tile
@options.styles_dir
@options.as_json
def command(
    inputs: tuple[Path, ...],
    styles: tuple[str, ...],
    output: Output | None,
    format_name: str | None,
    recursive: bool,
    exclude: tuple[str, ...],
    dry_run: bool,
    quiet: bool,
    variant: str | None,
    look: Look,
    over: Path | None,
    fill: float | None,
    how: PictureOptions,
    device: Device,
    tile: Tiling,
    styles_dir: Path | None,
    as_json: bool,
) -> None:
    """Stylize pictures (JPEG, PNG, TIFF, WebP, AVIF, EXR, HEIC, ...), folders, numbered sequences, or - for stdin.

    Without -o, photo.jpg becomes photo-STYLE.jpg beside it. With several pictures OUT is a folder; one that fails is
    reported and the others are done (exit code 6), and existing results are kept. All frames of an animation and all
    pages of a document are painted.

    A sequence is shot.%04d.exr or shot.[1001-1100].exr. Its frames keep their numbers, and in a folder OUT their names;
    OUT may be a sequence, too. Frames of `stylecli split` keep their names; `stylecli assemble` makes a video of them.
    """
    from stylecli.packs.shelves import find_style, style_folders
    from stylecli.stylize.names import suffix_of_format
    from stylecli.stylize.pictures.jobs import carry_timing, plan_jobs
    from stylecli.stylize.pictures.pages import read_over
    from stylecli.stylize.pictures.run import open_engines, run_jobs
    from stylecli.stylize.pictures.selection import Selection

    look = replace(look, over=read_over(over) if over else None, fill=fill)
    packs = [find_style(style, styles_dir, variant=variant) for style in styles]
    suffix = suffix_of_format(format_name) if format_name else ""
    path = output.path if output else None
    notice = _say_nothing if quiet else _notice
    if STREAM in (*inputs, path):
        if len(inputs) != 1 or len(packs) != 1 or recursive:
            raise UsageError("- stands for one picture in one style", hint="Give one input and one style.")
        stream = _Stream(inputs[0], path, suffix, as_json=as_json, notice=notice)
        stream.run(packs[0], look, how, device=device, tile=tile)
        return
    known = (*style_folders(styles_dir), *(pack.name for pack in packs))
    selection = Selection(recursive, exclude, suffix, known, bool(output and output.is_folder))
    jobs = plan_jobs(inputs, [pack.name for pack in packs], path, selection=selection, notice=notice)
    if dry_run:
        _tell_plan(jobs, overwrite=how.overwrite, as_json=as_json)
        return
    with open_engines(packs, device=device, tile=tile, pictures=len(jobs)) as engines:
        options.tell_fallback(next(iter(engines.values())))
        if path:
            carry_timing(inputs, path, overwrite=how.overwrite)
        tell = _reporter(engines[packs[0].name].device, as_json=as_json, is_quiet=quiet, is_single=len(jobs) == 1)
        with progress_shown(as_json=as_json and not quiet) as progress:
            outcomes = run_jobs(jobs, engines, look, options=how, progress=progress, report=tell)
    for lost, count in Counter(lost for outcome in outcomes for lost in outcome.lost).items():
        notice(f"not kept: {lost if len(jobs) == 1 else f'{lost} ({_pictures(count)})'}")
    options.raise_failures([outcome.error for outcome in outcomes], "pictures")


class _Stream:
    """One picture from stdin, to stdout, or both."""

    def __init__(self, source: Path, output: Path | None, suffix: str, *, as_json: bool, notice: Notice) -> None:
        self._source = source
        self._is_stdout = output is None or output == STREAM
        self._output = STREAM if output is None else output
        self._suffix = suffix or (STREAM_SUFFIX if self._is_stdout else self._output.suffix)
        self._as_json, self._notice = as_json, notice

    def run(self, pack: StylePack, look: Look, how: PictureOptions, *, device: Device, tile: Tiling) -> None:
        """Stylize it. --json prints the result on stdout, or on stderr if the picture goes to stdout."""
        from stylecli.core.files import blamed_on, write_atomically
        from stylecli.inference.engine import Engine
        from stylecli.media.images.files import bytes_of, check_target
        from stylecli.stylize.pictures.pages import stylize_bytes
        from stylecli.stylize.pictures.run import refuse_losses

        lost: list[str] = []
        if not self._is_stdout:
            check_target(self._output, overwrite=how.overwrite)
        data = sys.stdin.buffer.read() if self._source == STREAM else bytes_of(self._source)
        with Engine(pack, device=device, tile=tile) as engine:
            options.tell_fallback(engine)
            notice = refuse_losses(self._source) if how.strict else lost.append
            made = stylize_bytes(data, engine, look, options=how, suffix=self._suffix, notice=notice)
            device_used = engine.device
        if self._is_stdout:
            emit_bytes(made)
        else:
            with blamed_on(self._output):
                write_atomically(self._output, made)
        for one in dict.fromkeys(lost):
            self._notice(f"not kept: {one}")
        if self._as_json:
            result = {"event": "result", "status": "done", "input": self._source, "output": self._output}
            emit_json(
                result | {"style": pack.name, "device": device_used, "lost": list(dict.fromkeys(lost))},
                err=self._is_stdout,
            )


def _notice(text: str) -> None:
    say(f"stylecli: {text}")


def _say_nothing(_: str) -> None:
    """Ignore a message; used with --quiet."""


def _pictures(count: int) -> str:
    return f"{count} picture{'s' if count > 1 else ''}"


def _tell_plan(jobs: Sequence[PictureJob], *, overwrite: bool, as_json: bool) -> None:
    for job in jobs:
        status = "failed" if job.fault else "kept" if not overwrite and os.path.exists(job.output) else "planned"  # noqa: PTH110
        if as_json:
            emit_json(
                {"event": "plan", "status": status, "input": job.source, "output": job.output, "style": job.style}
            )
        elif job.fault:
            say(f"stylecli: {job.fault}")
        else:
            _print_path(job.output, " (kept, it exists)" if status == "kept" else "")


def _print_path(path: Path, remark: str = "") -> None:
    """Print a path as the bytes of its name, which need not be text in the encoding of stdout."""
    emit(os.fsencode(path) + remark.encode())


def _reporter(device: str, *, as_json: bool, is_quiet: bool, is_single: bool) -> Callable[[Outcome], None]:
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
        elif not is_quiet:
            _print_path(job.output, " (kept, it exists)" if outcome.kept else "")

    return report
