"""The streams of a video file: which of them is the picture to be painted, and what the others are."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from stylecli.core.errors import MediaError, UsageError
from stylecli.media.video.color import SDR, ColorTags, color_tags, depth, holds_alpha
from stylecli.media.video.hdr import HdrLight, hdr_light

if TYPE_CHECKING:
    from av import VideoFrame, VideoStream
    from av.container import InputContainer
    from av.stream import Stream
    from av.video.codeccontext import VideoCodecContext
    from numpy.typing import NDArray

Kind = Literal["sound", "subtitles", "cover", "video", "attachment", "data"]

_KINDS: Mapping[str, Kind] = {
    "audio": "sound",
    "subtitle": "subtitles",
    "video": "video",
    "attachment": "attachment",
}
# The native decoders of these leave out the alpha, which the container carries beside each packet.
_ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}


@dataclass(frozen=True)
class OtherStream:
    """A stream of a video file that is not the picture."""

    index: int
    kind: Kind
    codec: str  # canonical name, empty if unknown
    channels: int  # of sound
    samples: int  # packets, 0 if unknown
    tags: Mapping[str, str]


def fraction(rational: Any, default: Fraction) -> Fraction:
    """A rational number of PyAV as a Fraction; `default` where it is not set.

    An unset one is None up to PyAV 18 and 0/1 from PyAV 19 on, whose own class of rationals computes in 32 bits.
    """
    return Fraction(rational.numerator, rational.denominator) if rational else default


def tags_of(stream: Stream) -> dict[str, str]:
    """The tags of a stream; bytes that are not UTF-8 are replaced (PyAV 19 hands them on as lone surrogates)."""
    return {_as_text(name): _as_text(value) for name, value in stream.metadata.items()}


def video_stream(container: InputContainer, path: Path, number: int = 0) -> VideoStream:
    """The moving picture `number`, counted from 0; cover art is a video stream of one picture and does not count.

    Raises MediaError where there is none at all, UsageError where there is none of that number.
    """
    moving = [stream for stream in container.streams.video if not is_cover(stream) and stream.codec_context is not None]
    if not moving:
        content = "it holds only sound" if container.streams.audio else f"it is {container.format.long_name}"
        raise MediaError(f"{path}: has no video stream, {content}", hint="Give a file with a moving picture.")
    if not 0 <= number < len(moving):
        raise UsageError(
            f"{path}: has no video stream {number}", hint=f"They are counted from 0, and there are {len(moving)}."
        )
    moving[number].thread_type = "AUTO"
    return moving[number]


def decoder(stream: VideoStream) -> VideoCodecContext:
    """What decodes `stream` with all that it holds."""
    from av import CodecContext, codecs_available

    name = _ALPHA_DECODERS.get(stream.codec_context.codec.canonical_name, "")
    if not announces_alpha(stream) or name not in codecs_available:
        return stream.codec_context
    context = cast("VideoCodecContext", CodecContext.create(name, "r"))
    context.extradata = stream.codec_context.extradata
    context.thread_count = 0  # as many as there are cores
    return context


def announces_alpha(stream: Stream) -> bool:
    """Whether Matroska or WebM say that there is alpha beside the packets."""
    return any(value == "1" for name, value in stream.metadata.items() if name.lower() == "alpha_mode")


def is_cover(stream: Stream) -> bool:
    """Whether it is a picture that stands for the file."""
    from av.stream import Disposition

    return bool(stream.disposition & Disposition.attached_pic)


def dispositions(stream: Stream) -> tuple[str, ...]:
    """What the stream is for, in ffmpeg's words: default, forced, comment, ..."""
    from av.stream import Disposition

    return tuple(kind.name for kind in Disposition if kind.name and stream.disposition & kind)


def other_stream(stream: Stream) -> OtherStream:
    """What can be said of a stream before anything of it is read."""
    context = stream.codec_context
    return OtherStream(
        index=stream.index,
        kind="cover" if is_cover(stream) else _KINDS.get(stream.type, "data"),
        codec=context.codec.canonical_name if context else "",
        channels=getattr(context, "channels", 0),
        samples=stream.frames,
        tags=tags_of(stream),
    )


def _as_text(tag: str) -> str:
    return tag.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


Span = tuple[Fraction, Fraction | None]  # seconds of what a player shows: from, and up to (excluded; None: the end)
Hdr = Literal["tonemap", "keep"]  # what becomes of PQ and HLG: SDR, or left as it is

MICROSECOND = Fraction(1, 1_000_000)  # the clock of libav's containers
_USUAL_RATE = Fraction(25)  # frames a second where a file does not tell; only rate control and estimates look at it
_CLOCKS_OF_THEIR_OWN = ("mpeg", "mpegts")  # broadcast: their clocks do not start at 0 and mean nothing by it


@dataclass(frozen=True)
class Turn:
    """How coded pixels are brought upright: first swap rows and columns, then mirror."""

    swaps_sides: bool = False
    flips_rows: bool = False
    flips_columns: bool = False

    def apply(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """The upright pixels (height, width, 3) or (height, width), contiguous."""
        import numpy as np

        # A pixel moved as one unit moves three times as fast.
        units = pixels.view(f"V{pixels.itemsize * 3}")[..., 0] if pixels.ndim == 3 else pixels  # (height, width)
        upright = units.T if self.swaps_sides else units
        upright = upright[:: -1 if self.flips_rows else 1, :: -1 if self.flips_columns else 1]
        contiguous = np.ascontiguousarray(upright)
        return contiguous[..., None].view(pixels.dtype) if pixels.ndim == 3 else contiguous


@dataclass(frozen=True)
class Clip:
    """What is known of a video before its frames are read."""

    path: Path
    formats: frozenset[str]  # libav's names of the container
    width: int  # upright, in pixels
    height: int
    turn: Turn
    sample_aspect: Fraction  # width / height of an upright pixel
    color: ColorTags  # what the numbers in the file mean
    output_color: ColorTags  # what they mean when they are written: another thing only where HDR becomes SDR
    light: HdrLight | None  # of HDR
    pixel_format: str  # libav's name of the decoded frames' format
    bits: int  # a channel
    side_data: frozenset[str]  # libav's names of what comes along with the first frame
    has_alpha: bool
    is_interlaced: bool
    time_base: Fraction  # seconds a tick
    rate: Fraction  # frames a second, on average
    start: Fraction  # seconds: the timestamp that players show as 0
    zero: Fraction  # seconds: the timestamp that is 0 in what is written
    first: Fraction  # seconds: the timestamp of the first frame
    duration: Fraction | None  # seconds
    number: int  # of the video stream among the moving pictures
    stream: int  # its index among all streams
    dispositions: tuple[str, ...]  # of the video stream
    tags: Mapping[str, str]  # of the video stream
    others: tuple[OtherStream, ...]
    chapters: int

    @property
    def keeps_hdr(self) -> bool:
        """Whether it is HDR and is written as such."""
        return self.light is not None and self.output_color == self.color

    def ticks(self, span: Span | None) -> tuple[int, int | None]:
        """The tick that becomes 0 and the first one that is not wanted: those of `span`, or `zero` (or the first)."""
        if span is None:
            return round(min(self.zero, self.first) / self.time_base), None
        start, end = (None if second is None else _ceil((self.start + second) / self.time_base) for second in span)
        return start or 0, end

    def frames(self, span: Span | None = None) -> int | None:
        """About how many frames there are; None where the file does not tell how long it is."""
        start, end = span or (Fraction(0), None)
        ends = [second for second in (self.duration, end) if second is not None]
        return max(1, round((min(ends) - start) * self.rate)) if ends else None


def probe(path: Path, *, number: int = 0, hdr: Hdr = "tonemap") -> Clip:
    """Open the video at `path` and decode one frame of its moving picture `number`.

    Raises MediaError where there is no picture that can be used, UsageError where it has none of that number.
    """
    with opened(path) as container:
        stream = video_stream(container, path, number)
        frames = (frame for packet in container.demux(stream) for frame in decoder(stream).decode(packet))
        frame = next(frames, None)
        if frame is None:
            raise MediaError(f"{path}: no frame can be decoded", hint="Is it complete?")
        try:
            color = color_tags(frame)
        except MediaError as error:
            raise MediaError(f"{path}: {error.message}", hint=error.hint) from error
        light = hdr_light(color, _side_data(frame))
        turn = _turn(frame)
        aspect = fraction(stream.sample_aspect_ratio, Fraction(1))
        time_base = fraction(stream.time_base, MICROSECOND)
        start = (container.start_time or 0) * MICROSECOND
        return Clip(
            path=path,
            formats=frozenset(container.format.name.split(",")),
            width=frame.height if turn.swaps_sides else frame.width,
            height=frame.width if turn.swaps_sides else frame.height,
            turn=turn,
            sample_aspect=1 / aspect if turn.swaps_sides else aspect,
            color=color,
            output_color=SDR if light and hdr == "tonemap" else color,
            light=light,
            pixel_format=frame.format.name,
            bits=depth(frame.format.name),
            side_data=frozenset(_side_data(frame)),
            has_alpha=announces_alpha(stream) or _has_alpha(frame, frames),
            is_interlaced=frame.interlaced_frame,
            time_base=time_base,
            rate=fraction(stream.average_rate or stream.guessed_rate, _USUAL_RATE),
            start=start,
            zero=start if container.format.name in _CLOCKS_OF_THEIR_OWN else Fraction(0),
            first=(frame.pts or 0) * time_base,
            duration=None if container.duration is None else container.duration * MICROSECOND,
            number=number,
            stream=stream.index,
            dispositions=dispositions(stream),
            tags=tags_of(stream),
            others=tuple(other_stream(other) for other in container.streams if other.index != stream.index),
            chapters=len(container.chapters()),
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
        # An absolute path: libav takes what stands before a colon for a protocol. Tags in a broken encoding are no
        # error in PyAV 19, which has no argument for them any more (`tags_of`).
        lenient: Any = {} if int(av.__version__.partition(".")[0]) >= 19 else {"metadata_errors": "replace"}
        with av.open(str(path.resolve()), "r", **lenient) as container:
            yield container
    except (av.FFmpegError, OSError) as error:
        fault = error.strerror or str(error)
        raise MediaError(f"{path}: cannot be read as a video ({fault})", hint="Is it complete?") from error


def _side_data(frame: VideoFrame) -> Mapping[str, bytes]:
    found: Any = frame.side_data  # iterated, it gives the data in PyAV 18 and the types in PyAV 19; by index, the data
    return {found[index].type.name: bytes(found[index]) for index in range(len(found))}


def _turn(frame: VideoFrame) -> Turn:
    """The display matrix in steps of 90 degrees, mirrors included."""
    matrix = _side_data(frame).get("DISPLAYMATRIX")
    if matrix is None:
        return Turn()
    a, b, _, c, d, *_ = struct.unpack("=9i", matrix)  # x' = a x + c y, y' = b x + d y (libavutil/display.h)
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return Turn(flips_rows=d < 0, flips_columns=a < 0)
    return Turn(swaps_sides=True, flips_rows=b < 0, flips_columns=c < 0)


def _has_alpha(frame: VideoFrame, following: Iterator[VideoFrame]) -> bool:
    """Whether anything is transparent.

    R'G'B' with alpha is what animations are decoded to, whether or not they use it: those are searched for it.
    """
    if not holds_alpha(frame.format.name):
        return False
    return not frame.format.is_rgb or any(
        other.to_ndarray(format="rgba")[..., 3].min() < 255 for other in chain([frame], following)
    )


def _ceil(number: Fraction) -> int:
    return -(-number.numerator // number.denominator)


@dataclass(frozen=True)
class Frame:
    """An upright picture of a video and when it is shown."""

    pixels: NDArray[Any]  # (height, width, 3), R'G'B', uint8 or, of more than 8 bits, uint16
    pts: int  # in the clip's time base
    duration: int  # in the clip's time base; 0 where the file does not tell
    alpha: NDArray[Any] | None = None  # (height, width), of the type of the pixels

    def with_pixels(self, pixels: NDArray[Any]) -> Frame:
        """The same moment with another picture."""
        return replace(self, pixels=pixels)
