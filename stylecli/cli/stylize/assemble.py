"""`stylecli assemble`: make a video of picture files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from stylecli.cli import options
from stylecli.cli.console import emit, emit_json, progress_shown, say
from stylecli.cli.parameters import PathType, RateType

if TYPE_CHECKING:
    from fractions import Fraction

    from stylecli.media.video.writing.codecs import EncoderOptions


@click.command()
@click.argument("folder", metavar="DIR", type=PathType())
@click.argument("output", metavar="OUT", type=PathType())
@click.option("--like", metavar="VIDEO", type=PathType(), help="The original video, whose sound and tags are kept.")
@click.option("--fps", "rate", type=RateType(knows_cfr=False), help="Frame rate, for frames without timing.json.")
@options.encoder
@options.audio
@options.overwrite
@options.as_json
def command(
    folder: Path,
    output: Path,
    like: Path | None,
    rate: Fraction | None,
    encoder: EncoderOptions,
    audio: str | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Make a video of the frames that `stylecli split` wrote into DIR.

    Timestamps, sound, subtitles, chapters and all other streams are those of the original. With --fps alone, any
    numbered pictures become a video.
    """
    from stylecli.media.frames.assemble import assemble_video
    from stylecli.media.video.plan import VideoOptions

    with progress_shown(as_json=as_json) as progress:
        result = assemble_video(
            folder,
            output,
            like=like,
            options=VideoOptions(encoder, audio=audio),
            rate=rate,
            overwrite=overwrite,
            progress=progress,
            notice=lambda message: say(f"stylecli: {like or folder}: {message}"),
        )
    if as_json:
        facts = {"frames": result.frames, "width": result.width, "height": result.height, "codec": result.codec}
        emit_json({"event": "result", "output": result.path, **facts, "messages": result.messages})
    else:
        emit(result.path)
