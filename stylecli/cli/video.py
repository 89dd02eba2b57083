"""`stylecli video`: stylize a video, with its sound and all else."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stylecli.cli import options
from stylecli.cli.bars import progress_shown
from stylecli.cli.leftovers import discard_partial, list_partial
from stylecli.cli.output import emit_json, say

if TYPE_CHECKING:
    from stylecli.engine import Device, Tiling
    from stylecli.look import Look
    from stylecli.video import Hdr, Span


class RangeType(click.ParamType["Span"]):
    """`A:B` in seconds, either of them left out for the start or the end."""

    name = "A:B"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Span:
        """Parse one value of the command line; `1:` and `:2.5` are open at one side."""
        if isinstance(value, tuple):
            return value
        start, colon, end = str(value).partition(":")
        try:
            if not colon:
                raise ValueError
            return Fraction(start or 0), Fraction(end) if end else None
        except (ValueError, ZeroDivisionError):
            self.fail(f"{value!r} is not of the form A:B with seconds, such as 1.5:4.", param, ctx)


@click.command()
@click.argument("source", metavar="IN", type=click.Path(path_type=Path))
@click.option("-s", "--style", required=True, help="A style's name or folder.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="A .mp4, .mov, .mkv, .webm ...; default: IN-STYLE."
)
@click.option("--range", "span", type=RangeType(), help="Only from second A to second B.")
@options.encoder
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
    hdr: Hdr,
    stream: int,
    other_videos: str,
    allow_truncated: bool,
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
    from stylecli import look as looks
    from stylecli.codecs import EncoderOptions
    from stylecli.engine import Engine
    from stylecli.pack import find_style
    from stylecli.pipeline import stylize_video
    from stylecli.steadiness import FramePainter
    from stylecli.video_plan import VideoOptions

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
            options=VideoOptions(encoder, span, stream, other_videos == "copy", hdr, allow_truncated),
            recipe=looks.recipe(engine, pack.model(), look),
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
