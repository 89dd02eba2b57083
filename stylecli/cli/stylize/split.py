"""`stylecli split`: write the frames of a video as picture files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from stylecli.cli import options
from stylecli.cli.console import emit, emit_json, progress_shown, say
from stylecli.cli.parameters import PathType

if TYPE_CHECKING:
    from stylecli.media.video.clip import Span

FORMATS = ("png", "tiff", "exr")  # as stylecli.split.FORMATS, which --help must not import


@click.command()
@click.argument("source", metavar="VIDEO", type=PathType())
@click.argument("folder", metavar="DIR", type=PathType())
@click.option(
    "--format",
    "frame_format",
    type=click.Choice(FORMATS),
    default="png",
    show_default=True,
    help="Format of the frames; EXR holds scene-linear half floats.",
)
@click.option(
    "--bits", type=click.Choice(("8", "16")), help="Bits per sample of PNG and TIFF; default: 16 for 10-bit videos."
)
@options.span
@options.as_json
def command(source: Path, folder: Path, frame_format: str, bits: str | None, span: Span | None, as_json: bool) -> None:
    """Write the frames of a video as pictures into the new folder DIR, and their timing into DIR/timing.json.

    `stylecli image DIR -s STYLE -o STYLED` stylizes them; `stylecli assemble STYLED OUT.mp4 --like VIDEO` makes them a
    video again, with the sound and all other streams of the original.
    """
    from stylecli.media.frames.split import split_video

    with progress_shown(as_json=as_json) as progress:
        result = split_video(
            source,
            folder,
            format=frame_format,
            bits=int(bits) if bits else None,
            span=span,
            progress=progress,
            notice=lambda message: say(f"stylecli: {source}: {message}"),
        )
    if as_json:
        facts = {"frames": result.frames, "width": result.width, "height": result.height}
        emit_json({"event": "result", "output": result.folder, **facts, "messages": result.messages})
    else:
        emit(result.folder)
