"""Computed frames and sound -> an MP4 file that every player shows."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from stylecli.video_color import ColorConverter, ColorTags
from stylecli.video_writer import blamed_on

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import OutputContainer
    from av.video.stream import VideoStream

BT709 = ColorTags(matrix=1, primaries=1, transfer=1, full_range=False)
VIDEO_ENCODER = "libx264"
VIDEO_OPTIONS = {"crf": "16", "preset": "medium"}
SOUND_ENCODER = "aac"
SOUND_BIT_RATE = 160_000  # bits a second
SOUND_BLOCK = 1024  # samples in a frame of AAC


@dataclass(frozen=True)
class Sound:
    """Stereo samples (2, N) float32 in -1..1, and how many there are in a second."""

    samples: NDArray[np.float32]
    rate: int


def record(
    path: Path, frames: Iterable[NDArray[np.uint8]], *, size: tuple[int, int], rate: Fraction, sound: Sound
) -> None:
    """Write R'G'B' frames (H, W, 3) of an even `size` (width, height) and sound as H.264 (BT.709) and AAC.

    Raises MediaError; a file that was begun is left to the caller, who writes beside the final name.
    """
    import av

    with ExitStack() as stack:
        with blamed_on(path):
            container = stack.enter_context(av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}))
        picture_stream = _picture_stream(container, size, rate)
        sound_stream = cast("AudioStream", container.add_stream(SOUND_ENCODER, rate=sound.rate, layout="stereo"))
        sound_stream.bit_rate = SOUND_BIT_RATE
        _write_frames(container, picture_stream, frames, path)
        with blamed_on(path):
            _write_sound(container, sound_stream, sound)
            container.close()


def _picture_stream(container: OutputContainer, size: tuple[int, int], rate: Fraction) -> VideoStream:
    stream = cast("VideoStream", container.add_stream(VIDEO_ENCODER, rate=rate, options=VIDEO_OPTIONS))
    stream.width, stream.height = size
    stream.pix_fmt = "yuv420p"
    context = stream.codec_context
    context.time_base = 1 / rate
    context.colorspace, context.color_range = BT709.matrix, BT709.range_code
    context.color_primaries, context.color_trc = BT709.primaries, BT709.transfer
    return stream


def _write_frames(
    container: OutputContainer, stream: VideoStream, frames: Iterable[NDArray[np.uint8]], path: Path
) -> None:
    converter = ColorConverter(BT709)
    for index, pixels in enumerate(frames):
        with blamed_on(path):
            frame = converter.to_frame(pixels, "yuv420p")
            frame.pts, frame.time_base = index, stream.codec_context.time_base
            container.mux(stream.encode(frame))
    with blamed_on(path):
        container.mux(stream.encode(None))


def _write_sound(container: OutputContainer, stream: AudioStream, sound: Sound) -> None:
    from av import AudioFrame

    for start in range(0, sound.samples.shape[1], SOUND_BLOCK):
        block = np.ascontiguousarray(sound.samples[:, start : start + SOUND_BLOCK])
        frame = AudioFrame.from_ndarray(block, format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = sound.rate, start, Fraction(1, sound.rate)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
