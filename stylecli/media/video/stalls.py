"""Decoders and encoders that do not move any more: native code that waits for ever is an error after some time."""

from __future__ import annotations

from pathlib import Path

from stylecli.core.errors import MediaError
from stylecli.core.threads import Watch

STALL_SECONDS = 300.0  # for one frame: more than the slowest encoder takes for a picture of 8K on two cores


def watch_on_decoder(source: Path) -> Watch:
    """A watch on the thread that decodes `source`."""
    fault = f"{source}: its decoder has not moved for {STALL_SECONDS:g} s"
    return Watch(STALL_SECONDS, MediaError(fault, hint="The file may be damaged. Convert it with another program."))


def watch_on_encoder(output: Path, codec: str) -> Watch:
    """A watch on the thread that encodes `output`."""
    fault = f"{output}: the encoder of {codec} has not moved for {STALL_SECONDS:g} s"
    return Watch(STALL_SECONDS, MediaError(fault, hint="Use another `codec`."))


def watch_on_ffmpeg(fault: str) -> Watch:
    """A watch on an ffmpeg process; `fault` is what it means that it does not end."""
    return Watch(STALL_SECONDS, MediaError(f"{fault} (ffmpeg has not moved for {STALL_SECONDS:g} s)"))
