"""`stylecli video`: stylize a video, list or discard the unfinished work of stopped runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stylecli.cli import options
from stylecli.cli.console import emit_json, progress_shown, say
from stylecli.cli.parameters import RangeType

if TYPE_CHECKING:
    from stylecli.inference.engine import Device, Tiling
    from stylecli.media.video.clip import Hdr, Span
    from stylecli.media.video.resume import Leftover
    from stylecli.stylize.look import Look


def _instead_of_the_command(act: Callable[[Leftover], None]) -> Callable[..., None]:
    """An option's callback that does something with all the unfinished work in a folder and ends the program."""

    def callback(ctx: click.Context, _: click.Parameter, folder: Path | None) -> None:
        from stylecli.media.video.resume import leftovers

        if folder is None or ctx.resilient_parsing:
            return
        for leftover in leftovers(folder):
            act(leftover)
        ctx.exit()

    return callback


def _show(leftover: Leftover) -> None:
    use = "\tat work" if leftover.in_use else ""
    click.echo(f"{leftover.output}\t{leftover.frames} frames\t{leftover.size / 1e6:.1f} MB{use}")


def _discard(leftover: Leftover) -> None:
    from stylecli.media.video.resume import discard

    if leftover.in_use:
        say(f"stylecli: {leftover.output}: is being worked on and stays")
    else:
        discard(leftover)
        _show(leftover)


def _option(name: str, act: Callable[[Leftover], None], text: str) -> Callable[..., click.Command]:
    return click.option(
        name,
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        is_flag=False,
        flag_value=".",
        is_eager=True,
        expose_value=False,
        callback=_instead_of_the_command(act),
        metavar="[DIR]",
        help=text,
    )


list_partial = _option("--list-partial", _show, "Only list the unfinished work for outputs in DIR, or here.")
discard_partial = _option("--discard-partial", _discard, "Only throw away the unfinished work for outputs in DIR.")


@click.command()
@click.argument("source", metavar="IN", type=click.Path(path_type=Path))
@click.option("-s", "--style", required=True, help="A style's name or folder.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="A .mp4, .mov, .mkv, .webm ...; default: IN-STYLE."
)
@click.option("--range", "span", type=RangeType(), help="Only from second A to second B.")
@options.encoder
@options.audio
@click.option(
    "--hdr",
    type=click.Choice(["tonemap", "keep"]),
    default="tonemap",
    show_default=True,
    help="PQ and HLG: brought to SDR, or left as they are.",
)
@click.option(
    "--video-stream", "stream", type=int, default=0, show_default=True, help="Which moving picture, counted from 0."
)
@click.option(
    "--other-videos",
    type=click.Choice(["copy", "drop"]),
    default="copy",
    show_default=True,
    help="What becomes of further moving pictures.",
)
@click.option("--allow-truncated", is_flag=True, help="Keep what can be read of a damaged source, instead of an error.")
@click.option("--strict", is_flag=True, help="Refuse a source with a single frame that is damaged or missing.")
@click.option(
    "--resume/--restart",
    default=True,
    help="Go on where a run of the same command was stopped (the default), or begin again.",
)
@click.option("--keep-frames", type=click.Path(path_type=Path), metavar="DIR", help="Keep the frames as PNG, too.")
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
    source: Path,
    style: str,
    output: Path | None,
    span: Span | None,
    codec: str | None,
    crf: int | None,
    preset: str | None,
    audio: str | None,
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
    """Stylize a video; every frame keeps its timestamp, the file its sound, subtitles and all else.

    What a container cannot hold is converted or left out, with a message, never silently. A run that was stopped, by
    whatever, goes on when the same command is given again.
    """
    from stylecli.inference.engine import Engine
    from stylecli.media.video.plan import VideoOptions
    from stylecli.media.video.writing.codecs import EncoderOptions
    from stylecli.packs.shelves import find_style
    from stylecli.stylize.frame_painter import FramePainter
    from stylecli.stylize.painting import fingerprint
    from stylecli.stylize.videos import stylize_video

    pack = find_style(style, styles_dir, variant=variant)
    output = output or source.with_stem(f"{source.stem}-{pack.name}")
    encoder = EncoderOptions(codec, crf, preset)
    with (
        Engine(pack, device=device, tile=tile, side_by_side=True) as engine,
        progress_shown(as_json=as_json) as progress,
    ):
        options.tell_fallback(engine)
        painter = FramePainter(engine, look)
        result = stylize_video(
            source,
            output,
            paint=painter,
            options=VideoOptions(encoder, span, stream, other_videos == "copy", hdr, allow_truncated, strict, audio),
            fingerprint=fingerprint(engine, pack.model(), look),
            restart=not resume,
            keep_frames=keep_frames,
            overwrite=overwrite,
            progress=progress,
            notice=lambda message: say(f"stylecli: {source}: {message}"),
        )
    if as_json:
        size = {"frames": result.frames, "resumed": result.resumed, "width": result.width, "height": result.height}
        said = {"codec": result.codec, "device": engine.device, "messages": result.messages}
        emit_json({"event": "result", "output": result.path, **size, **said})
    else:
        click.echo(result.path)
