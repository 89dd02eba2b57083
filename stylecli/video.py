"""A video file before its frames are read: how large, how turned, in which colours, with which other streams."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from stylecli.errors import MediaError
from stylecli.video_color import ColorTags, color_tags

if TYPE_CHECKING:
    import numpy as np
    from av import VideoFrame, VideoStream
    from av.container import InputContainer
    from av.stream import Stream
    from numpy.typing import NDArray

Span = tuple[Fraction, Fraction | None]  # seconds of what a player shows: from, and up to (excluded; None: the end)
Kind = Literal["sound", "subtitles", "cover", "video", "attachment", "data"]

MICROSECOND = Fraction(1, 1_000_000)  # the clock of libav's containers
_USUAL_RATE = Fraction(25)  # frames a second where a file does not tell; only rate control and estimates look at it
_KINDS: Mapping[str, Kind] = {
    "audio": "sound",
    "subtitle": "subtitles",
    "video": "video",
    "attachment": "attachment",
}


@dataclass(frozen=True)
class Turn:
    """How coded pixels are brought upright: first swap rows and columns, then mirror."""

    swaps_sides: bool = False
    flips_rows: bool = False
    flips_columns: bool = False

    def apply(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The upright pixels (height, width, 3), contiguous."""
        import numpy as np

        units = pixels.view("V3")[..., 0]  # (height, width): a pixel moved as one unit moves three times as fast
        upright = units.T if self.swaps_sides else units
        upright = upright[:: -1 if self.flips_rows else 1, :: -1 if self.flips_columns else 1]
        return np.ascontiguousarray(upright)[..., None].view(np.uint8)


@dataclass(frozen=True)
class OtherStream:
    """A stream of a video file that is not the picture."""

    index: int
    kind: Kind
    codec: str  # canonical name, empty if unknown
    channels: int  # of sound
    samples: int  # packets, 0 if unknown
    tags: Mapping[str, str]


@dataclass(frozen=True)
class Clip:
    """What is known of a video before its frames are read."""

    path: Path
    width: int  # upright, in pixels
    height: int
    turn: Turn
    sample_aspect: Fraction  # width / height of an upright pixel
    color: ColorTags
    time_base: Fraction  # seconds a tick
    rate: Fraction  # frames a second, on average
    start: Fraction  # seconds: the timestamp that players show as 0
    first: Fraction  # seconds: the timestamp of the first frame
    duration: Fraction | None  # seconds
    stream: int  # the index of the video stream
    tags: Mapping[str, str]  # of the video stream
    others: tuple[OtherStream, ...]
    chapters: int
    remarks: tuple[str, ...]  # what of the picture cannot be kept

    def ticks(self, span: Span | None) -> tuple[int, int | None]:
        """The tick that becomes 0 and the first one that is not wanted: those of `span`, or 0 (or an earlier frame)."""
        if span is None:
            return min(0, round(self.first / self.time_base)), None
        start, end = (None if second is None else _ceil((self.start + second) / self.time_base) for second in span)
        return start or 0, end

    def frames(self, span: Span | None = None) -> int | None:
        """About how many frames there are; None where the file does not tell how long it is."""
        start, end = span or (Fraction(0), None)
        ends = [second for second in (self.duration, end) if second is not None]
        return max(1, round((min(ends) - start) * self.rate)) if ends else None


def probe(path: Path) -> Clip:
    """Open the video at `path` and decode one frame. Raises MediaError where there is no picture that can be used."""
    with opened(path) as container:
        stream = video_stream(container, path)
        frame = next(container.decode(stream), None)
        if frame is None:
            raise MediaError(f"{path}: no frame can be decoded", hint="Is it complete?")
        try:
            color = color_tags(frame)
        except MediaError as error:
            raise MediaError(f"{path}: {error.message}", hint=error.hint) from error
        turn = _turn(frame)
        aspect = stream.sample_aspect_ratio or Fraction(1)
        time_base = stream.time_base or MICROSECOND
        return Clip(
            path=path,
            width=frame.height if turn.swaps_sides else frame.width,
            height=frame.width if turn.swaps_sides else frame.height,
            turn=turn,
            sample_aspect=1 / aspect if turn.swaps_sides else aspect,
            color=color,
            time_base=time_base,
            rate=stream.average_rate or stream.guessed_rate or _USUAL_RATE,
            start=(container.start_time or 0) * MICROSECOND,
            first=(frame.pts or 0) * time_base,
            duration=None if container.duration is None else container.duration * MICROSECOND,
            stream=stream.index,
            tags=dict(stream.metadata),
            others=tuple(_other_stream(other) for other in container.streams if other.index != stream.index),
            chapters=len(container.chapters()),
            remarks=tuple(_remarks(frame, stream)),
        )


@contextmanager
def opened(path: Path) -> Iterator[InputContainer]:
    """The file as a libav container; whatever libav or the system has against it becomes a MediaError."""
    import av  # 0.1 s and all the codecs: not for `--help`

    if not path.is_file():
        raise MediaError(f"{path}: {'is not a file' if path.exists() else 'no such file'}")
    if path.stat().st_size == 0:
        raise MediaError(f"{path}: the file is empty")
    try:
        # An absolute path: libav takes what stands before a colon for a protocol. Tags in a broken encoding are kept.
        with av.open(str(path.resolve()), "r", metadata_errors="replace") as container:
            yield container
    except (av.FFmpegError, OSError) as error:
        fault = error.strerror or str(error)
        raise MediaError(f"{path}: cannot be read as a video ({fault})", hint="Is it complete?") from error


def video_stream(container: InputContainer, path: Path) -> VideoStream:
    """The first stream that moves; cover art is a video stream of one picture. Raises MediaError."""
    for stream in container.streams.video:
        if not _is_cover(stream) and stream.codec_context is not None:
            stream.thread_type = "AUTO"
            return stream
    content = "it holds only sound" if container.streams.audio else f"it is {container.format.long_name}"
    raise MediaError(f"{path}: has no video stream, {content}", hint="Give a file with a moving picture.")


def _is_cover(stream: Stream) -> bool:
    from av.stream import Disposition

    return bool(stream.disposition & Disposition.attached_pic)


def _other_stream(stream: Stream) -> OtherStream:
    context = stream.codec_context
    return OtherStream(
        index=stream.index,
        kind="cover" if _is_cover(stream) else _KINDS.get(stream.type, "data"),
        codec=context.codec.canonical_name if context else "",
        channels=getattr(context, "channels", 0),
        samples=stream.frames,
        tags=dict(stream.metadata),
    )


def _turn(frame: VideoFrame) -> Turn:
    """The display matrix in steps of 90 degrees, mirrors included."""
    side_data = cast("Mapping[str, bytes]", frame.side_data)  # PyAV's stub knows of motion vectors only
    try:
        matrix = side_data["DISPLAYMATRIX"]
    except KeyError:
        return Turn()
    a, b, _, c, d, *_ = struct.unpack("=9i", bytes(matrix))  # x' = a x + c y, y' = b x + d y (libavutil/display.h)
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return Turn(flips_rows=d < 0, flips_columns=a < 0)
    return Turn(swaps_sides=True, flips_rows=b < 0, flips_columns=c < 0)


def _remarks(frame: VideoFrame, stream: VideoStream) -> Iterator[str]:
    components = frame.format.components
    bits = max((component.bits for component in components), default=8)
    if bits > 8:
        yield f"the video has {bits} bits a channel and is written with 8"
    # The native VP9 decoder does not show the alpha that the container announces.
    if any(component.is_alpha for component in components) or stream.metadata.get("alpha_mode") == "1":
        yield "the video has transparency and is written without it"
    if frame.interlaced_frame:
        yield "the video is interlaced and is written progressive, its lines left as they are"


def _ceil(number: Fraction) -> int:
    return -(-number.numerator // number.denominator)
