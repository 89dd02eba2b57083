"""Reads the frames of a video in order, upright, as R'G'B' pixels with exact timestamps."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from stylecli.core.errors import MediaError
from stylecli.core.progress import Notice
from stylecli.media.pixels import quantize, to_unit
from stylecli.media.video.clip import Clip, Frame, Span, side_data_names
from stylecli.media.video.color import ColorConverter
from stylecli.media.video.deinterlacing import deinterlaced
from stylecli.media.video.hdr import ToneMap
from stylecli.media.video.streams import MICROSECOND, decoder, fraction, opened, video_stream

if TYPE_CHECKING:
    from av import Packet, VideoFrame, VideoStream
    from av.container import InputContainer

LOST_SIDE_DATA = {  # libav's names of what comes with frames and is not written
    "A53_CC": "closed captions inside the picture",
    "DOVI_METADATA": "Dolby Vision",
    "DYNAMIC_HDR_PLUS": "HDR10+",
    "SPHERICAL": "the tags of a 360-degree picture",
    "STEREO3D": "the tags of a stereoscopic picture",
}
_SEEK_MARGIN = Fraction(1)  # seconds: an index by decoding time can point past the wanted frame
_LONGEST_LOSS = Fraction(1, 2)  # seconds: headers round and count silent tails; what lacks more was cut off
_DECLARING_FORMATS = ("avi", "flv", "matroska", "mov")  # their headers give a duration; elsewhere libav guesses it
_UNTIMED_FORMATS = ("avi",)  # libav guesses timestamps, wrongly for B-frames; its clock of decoding is right
_KEEP_WHAT_IS_THERE = "Get the whole file, or keep what can be read with `allow_truncated=True`."
_FEW = 5  # frames that may be lost whatever the length of the video
_LARGEST_LOSS = Fraction(1, 10)  # of all frames; more is not one damaged place
_WIDE = Fraction(3, 2)  # frames: a longer gap may be a hole
_CONSTANT = Fraction(95, 100)  # of all gaps are alike in a video of constant rate
_FINE_TICKS = 10  # in a gap: then one tick may be rounding
_GAPS_TOLD_APART = 1000  # a bound for memory
_TIMES_TOLD = 5
_LOSSY_FORMATS = ("mpeg", "mpegts")  # broken packets belong to them, and decoders conceal what is lost


def read_frames(
    clip: Clip,
    *,
    span: Span | None = None,
    skip: int = 0,
    allow_truncated: bool = False,
    strict: bool = False,
    notice: Notice = lambda _: None,
) -> Generator[Frame, None, None]:
    """Decode the frames of `clip`, or those whose timestamp lies within `span`, in the order of showing.

    The first `skip` of them are decoded and not given: what follows is what a reading from the start gives. The
    timestamps are those of the file, and each is later than the one before. A frame that cannot be decoded is left out.
    `notice` hears of such faults at the end.

    allow_truncated: read what can be read of a file that is cut off or that lacks many frames.
    strict: a single frame that is damaged or missing is an error.

    Raises:
        MediaError: the file is cut off or many frames cannot be decoded, unless `allow_truncated`; or it is not perfect
            and `strict`.
    """
    picture = _Picture(clip)
    first, end = clip.ticks(span)
    found = _Findings(clip, allow_truncated=allow_truncated, strict=strict)
    with opened(clip.path) as container:
        has_timestamps = container.format.name not in _UNTIMED_FORMATS
        frames = deinterlaced(found.interlaced_among(_decoded(container, clip, first, found)))
        count = 0
        for pts, frame in _timed(frames, found, has_timestamps=has_timestamps):
            if pts < first:
                continue
            if end is not None and pts >= end:
                break
            found.damaged += frame.is_corrupt
            found.side_data |= side_data_names(frame)
            found.resized += (frame.width, frame.height) != picture.coded_size
            count += 1
            if count > skip:
                yield picture.of(frame, pts)
        else:
            _check_complete(container, clip, found)
        found.check_frames()
    for remark in found.remarks():
        notice(remark)


class _Picture:
    """Makes upright pixels of the frames of one clip."""

    def __init__(self, clip: Clip) -> None:
        self._clip = clip
        self._converter = ColorConverter(clip.color)
        self._tone_map = ToneMap(clip.light) if clip.light and not clip.keeps_hdr else None
        self.coded_size = (clip.height, clip.width) if clip.turn.swaps_sides else (clip.width, clip.height)

    def of(self, frame: VideoFrame, pts: int) -> Frame:
        clip = self._clip
        bits = clip.bits if self._tone_map is None else 16  # that the tables of the tone map have
        pixels, alpha = self._converter.to_pixels(frame, *self.coded_size, bits=bits, has_alpha=clip.has_alpha)
        if self._tone_map:
            pixels = self._tone_map.apply(pixels)
        if clip.bits <= 8 < bits:
            pixels = quantize(to_unit(pixels), np.uint8)
            alpha = None if alpha is None else quantize(to_unit(alpha), np.uint8)
        return Frame(
            clip.turn.apply(pixels), pts, frame.duration, alpha=None if alpha is None else clip.turn.apply(alpha)
        )


@dataclass
class _Findings:
    """What went wrong while reading and is not worth stopping for; and how far the file reached."""

    clip: Clip
    allow_truncated: bool = False
    strict: bool = False
    cut_off: bool = False
    interlaced: int = 0  # frames
    undecodable: list[Fraction] = field(default_factory=list)  # seconds: timestamps of packets, for each lost frame
    damaged: int = 0  # frames
    late: int = 0  # frames
    resized: int = 0  # frames
    shown: int = 0  # frames
    side_data: set[str] = field(default_factory=set)  # of any frame
    gaps: Counter[int] = field(default_factory=Counter)  # ticks from frame to frame -> how often
    wide_gaps: list[tuple[int, int]] = field(default_factory=list)  # the tick before, and the ticks: of candidates
    missing: Fraction = Fraction(0)  # seconds at the end
    reached: Fraction = Fraction(0)  # seconds: the end of the last packet of any stream
    video_reached: Fraction = Fraction(0)  # seconds: the end of the last frame

    def interlaced_among(self, frames: Iterator[VideoFrame]) -> Iterator[VideoFrame]:
        """Pass the frames on and count."""
        for frame in frames:
            self.interlaced += frame.interlaced_frame
            yield frame

    def lose(self, packet: Packet[Any]) -> None:
        """Count a packet that cannot be decoded."""
        stamp = packet.pts if packet.pts is not None else packet.dts
        time = self.video_reached if stamp is None else stamp * self.clip.time_base
        if self.strict:
            raise MediaError(f"{self.clip.path}: a frame at {_seconds(self._shown_at(time))} cannot be decoded")
        self.undecodable.append(time)

    def step(self, previous: int, pts: int) -> None:
        """Count the time from a frame to the next."""
        gap = pts - previous
        self.gaps[gap if len(self.gaps) < _GAPS_TOLD_APART or gap in self.gaps else -1] += 1
        if gap * self.clip.time_base * self.clip.rate > _WIDE and len(self.wide_gaps) < _GAPS_TOLD_APART:
            self.wide_gaps.append((previous, gap))

    def check_frames(self) -> None:
        """Raise MediaError where more is lost than a user would overlook."""
        lost = len(self.undecodable)
        if lost > _FEW and lost > (lost + self.shown) * _LARGEST_LOSS and not self.allow_truncated:
            fault = f"{lost} of {lost + self.shown} frames cannot be decoded"
            raise MediaError(f"{self.clip.path}: {fault}", hint=_KEEP_WHAT_IS_THERE)
        if self.strict and (faults := list(self._lost_frames())):
            raise MediaError(f"{self.clip.path}: {faults[0]}")

    def remarks(self) -> Iterator[str]:
        if self.interlaced and not self.clip.is_interlaced:  # else it was said before
            yield f"interlaced frames, deinterlaced: {self.interlaced}"
        if self.cut_off:
            yield f"the source is damaged or cut off after {_seconds(self.video_reached)}: what could be read is kept"
        yield from self._lost_frames()
        if self.late:
            yield f"frames that were not later than the one before and are shown one tick after it: {self.late}"
        if self.resized:
            yield f"frames of another size than the first one, scaled to it: {self.resized}"
        for name in sorted(LOST_SIDE_DATA.keys() & (self.side_data - self.clip.side_data)):
            yield f"{LOST_SIDE_DATA[name]}: left out"
        if self.missing:
            yield f"the source ends {_seconds(self.missing)} earlier than its header says"

    def _lost_frames(self) -> Iterator[str]:
        missing = self._missing_frames()
        times = [second for second, _ in missing] or self.undecodable
        if self.undecodable:
            yield f"frames that cannot be decoded and are left out: {len(self.undecodable)}, {self._times(times)}"
        elif missing:
            yield f"frames that the source lacks: {sum(count for _, count in missing)}, {self._times(times)}"
        if self.damaged:
            yield f"damaged frames, decoded as far as possible: {self.damaged}"

    def _missing_frames(self) -> list[tuple[Fraction, int]]:
        """Where frames are missing in a video of constant rate, and how many; a variable rate has no holes."""
        if not self.wide_gaps:
            return []
        usual, _ = self.gaps.most_common(1)[0]
        rounding = 1 if usual >= _FINE_TICKS else 0  # of clocks such as that of Matroska
        alike = sum(self.gaps[usual + offset] for offset in range(-rounding, rounding + 1))
        if usual <= 0 or alike < _CONSTANT * self.gaps.total():
            return []
        return [
            ((tick + usual) * self.clip.time_base, round(gap / usual) - 1)
            for tick, gap in self.wide_gaps
            if round(gap / usual) > 1
        ]

    def _times(self, times: Sequence[Fraction]) -> str:
        told = ", ".join(_seconds(self._shown_at(second)) for second in times[:_TIMES_TOLD])
        return f"at {told}{' and later' if len(times) > _TIMES_TOLD else ''}"

    def _shown_at(self, second: Fraction) -> Fraction:
        """The time that a player shows."""
        return max(Fraction(0), second - self.clip.start)


def _decoded(container: InputContainer, clip: Clip, first: int, found: _Findings) -> Iterator[VideoFrame]:
    """The frames as libav gives them, from some time before the tick `first` on."""
    from av import InvalidDataError

    stream = video_stream(container, clip.path, clip.number)
    context = decoder(stream)
    start = int(first - _SEEK_MARGIN / clip.time_base)
    if start * clip.time_base > clip.first:
        _seek(container, stream, start)

    def decoded(packet: Packet[Any] | None) -> Iterator[VideoFrame]:
        for frame in context.decode(packet):
            if frame.time_base is None:  # PyAV sets it by the packet
                frame.time_base = clip.time_base
            yield frame

    partial: Packet[Any] | None = None  # a packet that is not whole: the last one, or one to be left out
    try:
        for packet in container.demux():
            if packet.pts is not None:
                end = (packet.pts + (packet.duration or 0)) * fraction(packet.time_base, MICROSECOND)
                found.reached = max(found.reached, end)
            if packet.stream.index != stream.index:  # the last, empty packets have no index of their own
                continue
            if partial is not None and packet.size:
                found.lose(partial)
                partial = None
            if packet.is_corrupt and container.format.name not in _LOSSY_FORMATS:
                partial = packet
                continue
            if partial is not None:
                raise InvalidDataError(0, "incomplete packet")
            try:
                yield from decoded(packet)
            except InvalidDataError:
                found.lose(packet)
        if partial is not None:
            raise InvalidDataError(0, "incomplete packet")
    except InvalidDataError as error:
        if found.allow_truncated:
            found.cut_off = True
            with suppress(InvalidDataError):
                yield from decoded(None)  # the frames that it holds back
            return
        fault = f"damaged or cut off after {_seconds(found.video_reached)}"
        raise MediaError(f"{clip.path}: {fault}", hint=_KEEP_WHAT_IS_THERE) from error


def _seek(container: InputContainer, stream: VideoStream, tick: int) -> None:
    """Go to a key frame at or before `tick`; to the start where the format finds none, as MPEG-TS often does."""
    container.seek(tick, stream=stream)
    packet = next(container.demux(stream))
    is_found = packet.is_keyframe and packet.pts is not None and packet.pts <= tick
    if is_found:
        container.seek(tick, stream=stream)
    else:
        container.seek(0)


def _timed(frames: Iterator[VideoFrame], found: _Findings, *, has_timestamps: bool) -> Iterator[tuple[int, VideoFrame]]:
    """Each frame with its timestamp; some streams have none, and broken ones do not always rise."""
    following = 0  # where the next frame is due
    previous: int | None = None
    for frame in frames:
        stamp = frame.pts if has_timestamps else frame.dts
        pts = following if stamp is None else stamp
        if previous is not None and pts <= previous:
            found.late += 1
            pts = previous + 1
        if previous is not None:
            found.step(previous, pts)
        found.shown += 1
        previous, following = pts, pts + max(1, frame.duration)
        found.video_reached = following * fraction(frame.time_base, MICROSECOND)
        yield pts, frame


def _check_complete(container: InputContainer, clip: Clip, found: _Findings) -> None:
    """Compare what there was with what the header promises: to libav a truncated file just ends.

    Raises MediaError where much is missing and notes where a little is.
    """
    if not any(name in container.format.name for name in _DECLARING_FORMATS):
        return
    stream = container.streams[clip.stream]
    if stream.duration is not None:
        promised, reached = clip.first + stream.duration * clip.time_base, found.video_reached
    elif tag := re.fullmatch(r"(\d+):(\d+):(\d+\.\d+)", clip.tags.get("DURATION", "")):  # of Matroska: the end
        hours, minutes, seconds = map(Fraction, tag.groups())
        promised, reached = (hours * 60 + minutes) * 60 + seconds, found.video_reached
    elif clip.duration is not None:
        promised, reached = clip.start + clip.duration, found.reached
    else:
        return
    missing = promised - reached
    if missing > _LONGEST_LOSS and found.allow_truncated:
        found.cut_off = True
    elif missing > _LONGEST_LOSS:
        fault = f"cut off after {_seconds(reached)} of {_seconds(promised)}"
        raise MediaError(f"{clip.path}: {fault}", hint=_KEEP_WHAT_IS_THERE)
    elif missing > 2 / clip.rate:  # headers are often one frame off
        found.missing = missing


def _seconds(seconds: Fraction) -> str:
    return f"{float(seconds):.2f} s"
