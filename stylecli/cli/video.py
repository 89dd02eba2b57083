"""`stylecli video`: stylize a video, with its sound and all else."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stylecli.cli import options
from stylecli.cli.bars import progress_shown
from stylecli.cli.output import emit_json, say

if TYPE_CHECKING:
    from stylecli.engine import Device, Tiling
    from stylecli.look import Look
    from stylecli.video import Span


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
@click.option("--keep-frames", type=click.Path(path_type=Path), metavar="DIR", help="Keep the frames as PNG, too.")
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

    What a container cannot hold is converted or left out, with a message, never silently.
    """
    from stylecli.containers import EncoderOptions
    from stylecli.engine import Engine
    from stylecli.pack import find_style
    from stylecli.pipeline import stylize_video
    from stylecli.steadiness import frame_painter

    pack = find_style(style, styles_dir, variant=variant)
    output = output or source.with_stem(f"{source.stem}-{pack.name}")
    with Engine(pack, device=device, tile=tile) as engine, progress_shown(as_json=as_json) as progress:
        options.tell_fallback(engine)
        result = stylize_video(
            source,
            output,
            paint=frame_painter(engine, look),
            options=EncoderOptions(codec, crf, preset),
            span=span,
            keep_frames=keep_frames,
            overwrite=overwrite,
            progress=progress,
            notice=lambda message: say(f"stylecli: {source}: {message}"),
        )
    if as_json:
        facts = {"frames": result.frames, "width": result.width, "height": result.height, "codec": result.codec}
        emit_json(
            {"event": "result", "output": result.path, **facts, "device": engine.device, "messages": result.messages}
        )
    else:
        click.echo(result.path)
