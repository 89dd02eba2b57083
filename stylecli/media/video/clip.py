"""What is known of a video before its frames are read: size, colours, clock, the other streams."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from stylecli.core.errors import MediaError
from stylecli.media.video.color import BT709, ColorTags, color_tags, depth, holds_alpha
from stylecli.media.video.hdr import HdrLight, hdr_light
from stylecli.media.video.side_data import Turn, side_data_of, turn_of
from stylecli.media.video.streams import (
    MICROSECOND,
    OtherStream,
    announces_alpha,
    decoder,
    dispositions,
    fraction,
    holds_chapters,
    may_be_picture,
    opened,
    other_stream,
    tags_of,
    video_stream,
)

if TYPE_CHECKING:
    from av import VideoFrame, VideoStream
    from av.container import InputContainer
    from numpy.typing import NDArray

Span = tuple[Fraction, Fraction | None]  # seconds of what a player shows: from, and up to (excluded; None: the end)
Hdr = Literal["tonemap", "keep"]  # what becomes of PQ and HLG: SDR, or left as it is

_USUAL_RATE = Fraction(25)  # frames a second where a file does not tell; only rate control and estimates look at it
_COUNTING_FROM_ZERO = ("matroska", "flv")
_CLOCKS_OF_THEIR_OWN = ("hls", "mpeg", "mpegts")  # broadcast: their clocks do not start at 0 and mean nothing by it


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
    tags: Mapping[str, str]  # of the video stream, and a timecode of the file
    others: tuple[OtherStream, ...]
    chapters: int
    has_device_tags: bool  # whether the file has tags by names in reverse domain notation, as phones write them
    reading: Mapping[str, str]  # options of libav with which all streams are found

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
        frames: Iterator[VideoFrame] = (
            frame for packet in container.demux(stream) for frame in decoder(stream).decode(packet)
        )
        frame = next(frames, None)
        if frame is None:
            raise MediaError(f"{path}: no frame can be decoded", hint="Is it complete?")
        if may_be_picture(container):
            second = next(frames, None)
            if second is None:
                raise MediaError(f"{path}: it is a picture, not a video", hint="Use `stylecli image`.")
            frames = chain([second], frames)
        try:
            color = color_tags(frame)
        except MediaError as error:
            raise MediaError(f"{path}: {error.message}", hint=error.hint) from error
        light = hdr_light(color, side_data_of(frame))
        turn = turn_of(frame)
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
            output_color=BT709 if light and hdr == "tonemap" else color,
            light=light,
            pixel_format=frame.format.name,
            bits=depth(frame.format.name),
            side_data=frozenset(side_data_of(frame)),
            has_alpha=announces_alpha(stream) or _has_alpha(frame, frames),
            is_interlaced=frame.interlaced_frame,
            time_base=time_base,
            rate=fraction(stream.average_rate or stream.guessed_rate, _USUAL_RATE),
            start=start,
            zero=start if container.format.name in _CLOCKS_OF_THEIR_OWN else Fraction(0),
            first=(frame.pts or 0) * time_base,
            duration=_duration(container, start),
            number=number,
            stream=stream.index,
            dispositions=dispositions(stream),
            tags=_with_timecode(tags_of(stream), container.metadata),
            others=tuple(_others(container, stream)),
            chapters=len(container.chapters()),
            has_device_tags=any(name.lower().startswith("com.") for name in container.metadata),
            reading=dict(container.container_options),
        )


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


def _duration(container: InputContainer, start: Fraction) -> Fraction | None:
    """Seconds from the start to the end; the headers of some containers count from 0, wherever the start is."""
    if container.duration is None:
        return None
    duration = container.duration * MICROSECOND
    counts_from_zero = any(name in container.format.name for name in _COUNTING_FROM_ZERO)
    return duration - start if counts_from_zero and duration > start > 0 else duration


def _with_timecode(tags: Mapping[str, str], of_file: Mapping[str, str]) -> Mapping[str, str]:
    """MXF and DV tell the timecode as a tag of the file."""
    is_of_file = "timecode" in of_file and not any(name.lower() == "timecode" for name in tags)
    return {**tags, "timecode": of_file["timecode"]} if is_of_file else tags


def _others(container: InputContainer, picture: VideoStream) -> Iterator[OtherStream]:
    for other in container.streams:
        if other.index != picture.index:
            is_rebuilt = other.type == "data" and ("timecode" in tags_of(other) or holds_chapters(container, other))
            yield other_stream(other, is_rebuilt=is_rebuilt)


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
