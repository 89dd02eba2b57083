"""`stylecli video`: stylize videos, list or discard the unfinished work of stopped runs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stylecli.cli import options
from stylecli.cli.console import emit, emit_json, progress_shown, say
from stylecli.cli.parameters import PathType, RateType
from stylecli.core.errors import UsageError

if TYPE_CHECKING:
    from stylecli.inference.engine import Device, Tiling
    from stylecli.media.video.clip import Hdr, Span
    from stylecli.media.video.partial_folders import Leftover
    from stylecli.media.video.rates import Rate
    from stylecli.media.video.writing.codecs import EncoderOptions
    from stylecli.stylize.look import Look
    from stylecli.stylize.videos.run import VideoOutcome

STREAM = Path("-")


def _instead_of_the_command(act: Callable[[Leftover], None]) -> Callable[..., None]:
    """Make an option's callback that calls `act` for all unfinished work in a folder, then ends the program."""

    def callback(ctx: click.Context, _: click.Parameter, folder: Path | None) -> None:
        from stylecli.media.video.partial_folders import leftovers

        if folder is None or ctx.resilient_parsing:
            return
        for leftover in leftovers(folder):
            act(leftover)
        ctx.exit()

    return callback


def _show(leftover: Leftover) -> None:
    use = "\tat work" if leftover.in_use else ""
    emit(f"{leftover.output}\t{leftover.frames} frames\t{leftover.size / 1e6:.1f} MB{use}")


def _discard(leftover: Leftover) -> None:
    from stylecli.media.video.partial_folders import discard

    if leftover.in_use:
        say(f"stylecli: {leftover.output}: kept, since another process works on it")
    else:
        discard(leftover)
        _show(leftover)


def _option(name: str, act: Callable[[Leftover], None], text: str) -> Callable[..., click.Command]:
    return click.option(
        name,
        type=PathType(exists=True, file_okay=False),
        is_flag=False,
        flag_value=".",
        is_eager=True,
        expose_value=False,
        callback=_instead_of_the_command(act),
        metavar="[DIR]",
        help=text,
    )


list_partial = _option(
    "--list-partial", _show, "List the unfinished work for outputs in DIR (default: here), and exit."
)
discard_partial = _option("--discard-partial", _discard, "Discard that unfinished work, and exit.")


@click.command()
@click.argument("sources", nargs=-1, required=True, type=PathType(allow_dash=True), metavar="IN...")
@click.option("-s", "--style", required=True, help="A style's name or folder, or a blend.")
@click.option("-o", "--output", type=PathType(), help="Output: a video (.mp4, .mov, .mkv, .webm ...) or a folder.")
@click.option("-r", "--recursive", is_flag=True, help="Search subfolders too.")
@options.span
@options.encoder
@options.audio
@click.option(
    "--fps", "rate", type=RateType(), help="Constant frame rate: frames a second, or cfr for the source's mean."
)
@click.option(
    "--hdr",
    type=click.Choice(["tonemap", "keep"]),
    default="tonemap",
    show_default=True,
    help="HDR sources (PQ, HLG): convert to SDR, or leave as they are.",
)
@click.option(
    "--video-stream", "stream", type=int, default=0, show_default=True, help="Video stream to paint, counted from 0."
)
@click.option(
    "--other-videos",
    type=click.Choice(["copy", "drop"]),
    default="copy",
    show_default=True,
    help="What to do with further video streams.",
)
@click.option(
    "--allow-truncated", is_flag=True, help="Keep what can be read of a truncated source, instead of failing."
)
@click.option("--strict", is_flag=True, help="Fail if any frame of the source is damaged or missing.")
@click.option(
    "--resume/--restart",
    default=True,
    help="Continue a stopped run of the same command (the default), or start again.",
)
@click.option("--keep-frames", type=PathType(), metavar="DIR", help="Also write the frames as PNG.")
@list_partial
@discard_partial
@options.variant
@options.look
@options.device
@options.tile
@options.styles_dir
@options.overwrite
@options.as_json
def command(
    sources: tuple[Path, ...],
    style: str,
    output: Path | None,
    recursive: bool,
    span: Span | None,
    encoder: EncoderOptions,
    audio: str | None,
    rate: Rate | None,
    hdr: Hdr,
    stream: int,
    other_videos: str,
    allow_truncated: bool,
    strict: bool,
    resume: bool,
    keep_frames: Path | None,
    variant: str | None,
    look: Look,
    device: Device,
    tile: Tiling,
    styles_dir: Path | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Stylize videos, folders of videos, or - for stdin. Timestamps, sound and all other streams are kept.

    Without -o, clip.mov becomes clip-STYLE.mov beside it. With several videos OUT is a folder; one that fails is
    reported and the others are done (exit code 6), and existing results are kept.

    What a container cannot hold is converted or left out, with a message. A run that was stopped, for whatever reason,
    continues when the same command is given again.
    """
    from stylecli.inference.engine import Engine
    from stylecli.media.video.plan import VideoOptions
    from stylecli.packs.shelves import find_style
    from stylecli.stylize.videos.jobs import plan_videos
    from stylecli.stylize.videos.run import VideoStylizer, run_videos

    pack = find_style(style, styles_dir, variant=variant)
    model = None if STREAM in sources else pack.model()  # a pipe cannot be resumed
    how = VideoOptions(encoder, span, stream, other_videos == "copy", hdr, allow_truncated, strict, audio, rate)
    with _without_streams(sources, output) as files:
        jobs = plan_videos(files, pack.name, output, recursive=recursive)
        if keep_frames and len(jobs) > 1:
            raise UsageError(f"{keep_frames}: can hold the frames of one video only", hint="Give one video.")
        with (
            Engine(pack, device=device, tile=tile, side_by_side=True) as engine,
            progress_shown(as_json=as_json) as progress,
        ):
            options.tell_fallback(engine)
            stylize = VideoStylizer(
                engine, model, look, how, restart=not resume, keep_frames=keep_frames, overwrite=overwrite, notice=_tell
            )
            tell = _reporter(engine.device, as_json=as_json, is_single=len(jobs) == 1)
            outcomes = run_videos(jobs, stylize, overwrite=overwrite, progress=progress, report=tell)
    options.raise_failures([outcome.error for outcome in outcomes], "videos")


@contextmanager
def _without_streams(sources: tuple[Path, ...], output: Path | None) -> Iterator[tuple[Path, ...]]:
    """Give the sources, with stdin replaced by a temporary file."""
    if STREAM not in sources:
        yield sources
        return
    if len(sources) > 1 or output is None:
        raise UsageError("- stands for one video", hint="Give it alone, with `output`.")
    from stylecli.media.video.reading.readable import kept_for_a_while

    with kept_for_a_while(sys.stdin.buffer, output) as file:
        yield (file,)


def _tell(source: Path, message: str) -> None:
    say(f"stylecli: {source}: {message}")


def _reporter(device: str, *, as_json: bool, is_single: bool) -> Callable[[VideoOutcome], None]:
    def report(outcome: VideoOutcome) -> None:
        job, result, error = outcome.job, outcome.result, outcome.error
        if as_json and not (is_single and error):
            facts: dict[str, object] = {"status": outcome.status, "input": job.source, "output": job.output}
            if result:
                facts |= {"frames": result.frames, "resumed": result.resumed, "width": result.width}
                facts |= {"height": result.height, "codec": result.codec, "messages": result.messages}
            if error:
                facts |= {"message": error.message, "hint": error.hint}
            emit_json({"event": "result", **facts, "seconds": round(outcome.seconds, 3), "device": device})
        elif error:
            if not is_single:  # the fault of a single video is that of the command, which says it at its end
                say(f"stylecli: {error}")
        else:
            emit(job.output if result else f"{job.output} (kept, it exists)")

    return report
