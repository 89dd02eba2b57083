"""Reads the frames of a video in order, upright, as R'G'B' pixels with exact timestamps."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from stylecli.core.errors import MediaError
from stylecli.core.progress import Notice
from stylecli.media.pixels import quantize, to_unit
from stylecli.media.video.clip import Clip, Frame, Span
from stylecli.media.video.color import ColorConverter
from stylecli.media.video.hdr import ToneMap
from stylecli.media.video.rates import at_rate, clock_for
from stylecli.media.video.reading.deinterlacing import deinterlaced
from stylecli.media.video.reading.findings import KEEP_WHAT_IS_THERE, Findings, as_seconds
from stylecli.media.video.reading.fragments import ends_in_a_fragment
from stylecli.media.video.side_data import side_data_names
from stylecli.media.video.streams import MICROSECOND, decoder, fraction, opened, video_stream

if TYPE_CHECKING:
    from av import Packet, VideoFrame, VideoStream
    from av.container import InputContainer

_SEEK_MARGIN = Fraction(1)  # seconds: an index by decoding time can point past the wanted frame
_LONGEST_LOSS = Fraction(1, 2)  # seconds: headers round and count silent tails; what lacks more was cut off
_DECLARING_FORMATS = ("avi", "flv", "matroska", "mov")  # their headers give a duration; elsewhere libav guesses it
_UNTIMED_FORMATS = ("avi",)  # libav guesses timestamps, wrongly for B-frames; its clock of decoding is right
_LOSSY_FORMATS = ("hls", "mpeg", "mpegts")  # broken packets belong to them, and decoders conceal what is lost


def read_frames(
    clip: Clip,
    *,
    span: Span | None = None,
    skip: int = 0,
    allow_truncated: bool = False,
    strict: bool = False,
    rate: Fraction | None = None,
    notice: Notice = lambda _: None,
    beat: Callable[[], None] = lambda: None,
) -> Generator[Frame, None, None]:
    """Decode the frames of `clip`, or those whose timestamp lies within `span`, in the order of showing.

    The first `skip` of them are decoded and not given: what follows is what a reading from the start gives. The
    timestamps are those of the file, and each is later than the one before. A frame that cannot be decoded is left out.
    `notice` hears of such faults at the end, `beat` is called whenever the decoder has gone a step forward.

    allow_truncated: read what can be read of a file that is cut off or that lacks many frames.
    strict: a single frame that is damaged or missing is an error.
    rate: frames a second; frames are dropped and repeated, and timestamps are ticks of `clock_for(rate)`. None: the
        frames that there are, with ticks of the clip.

    Raises:
        MediaError: the file is cut off or many frames cannot be decoded, unless `allow_truncated`; or it is not perfect
            and `strict`.
    """
    picture = _Picture(clip)
    first, end = clip.ticks(span)
    found = Findings(clip, allow_truncated=allow_truncated, strict=strict)
    with opened(clip.path) as container:
        has_timestamps = container.format.name not in _UNTIMED_FORMATS
        decoded = deinterlaced(found.interlaced_among(_decoded(container, clip, first, found, beat)))

        def wanted() -> Iterator[tuple[int, VideoFrame]]:
            for pts, frame in _timed(decoded, found, has_timestamps=has_timestamps):
                if pts < first:
                    continue
                if end is not None and pts >= end:
                    break
                found.damaged += frame.is_corrupt
                found.side_data |= side_data_names(frame)
                found.resized += (frame.width, frame.height) != picture.coded_size
                yield pts, frame
            else:
                _check_complete(container, clip, found)

        frames, duration = wanted(), None
        if rate is not None:
            frames = at_rate(frames, clip.time_base, rate, duration=lambda frame: frame.duration)
            duration = round(1 / rate / clock_for(rate))
        for count, (pts, frame) in enumerate(frames, start=1):
            if count > skip:
                yield picture.of(frame, pts, frame.duration if duration is None else duration)
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

    def of(self, frame: VideoFrame, pts: int, duration: int) -> Frame:
        clip = self._clip
        bits = clip.bits if self._tone_map is None else 16  # that the tables of the tone map have
        pixels, alpha = self._converter.to_pixels(frame, *self.coded_size, bits=bits, has_alpha=clip.has_alpha)
        if self._tone_map:
            pixels = self._tone_map.apply(pixels)
        if clip.bits <= 8 < bits:
            pixels = quantize(to_unit(pixels), np.uint8)
            alpha = None if alpha is None else quantize(to_unit(alpha), np.uint8)
        return Frame(clip.turn.apply(pixels), pts, duration, alpha=None if alpha is None else clip.turn.apply(alpha))


def _decoded(
    container: InputContainer, clip: Clip, first: int, found: Findings, beat: Callable[[], None]
) -> Iterator[VideoFrame]:
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
            beat()
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
        fault = f"damaged or cut off after {as_seconds(found.video_reached)}"
        raise MediaError(f"{clip.path}: {fault}", hint=KEEP_WHAT_IS_THERE) from error


def _seek(container: InputContainer, stream: VideoStream, tick: int) -> None:
    """Go to a key frame at or before `tick`; to the start where the format finds none, as MPEG-TS often does."""
    container.seek(tick, stream=stream)
    packet = next(container.demux(stream))
    is_found = packet.is_keyframe and packet.pts is not None and packet.pts <= tick
    if is_found:
        container.seek(tick, stream=stream)
    else:
        container.seek(0)


def _timed(frames: Iterator[VideoFrame], found: Findings, *, has_timestamps: bool) -> Iterator[tuple[int, VideoFrame]]:
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


def _check_complete(container: InputContainer, clip: Clip, found: Findings) -> None:
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
    is_cut = ends_in_a_fragment(clip.path)  # whose lengths no header of the whole tells
    if (is_cut or missing > _LONGEST_LOSS) and found.allow_truncated:
        found.cut_off = True
    elif is_cut:
        raise MediaError(f"{clip.path}: cut off after {as_seconds(reached)}", hint=KEEP_WHAT_IS_THERE)
    elif missing > _LONGEST_LOSS:
        fault = f"cut off after {as_seconds(reached)} of {as_seconds(promised)}"
        raise MediaError(f"{clip.path}: {fault}", hint=KEEP_WHAT_IS_THERE)
    elif missing > 2 / clip.rate:  # headers are often one frame off
        found.missing = missing
