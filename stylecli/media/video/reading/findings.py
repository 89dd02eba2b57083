"""What goes wrong while a video is read: counted, told at the end, or an error where it is too much."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from stylecli.core.errors import MediaError
from stylecli.media.video.clip import Clip

if TYPE_CHECKING:
    from av import Packet, VideoFrame

LOST_SIDE_DATA = {  # libav's names of what comes with frames and is not written
    "A53_CC": "closed captions inside the picture",
    "DOVI_METADATA": "Dolby Vision",
    "DYNAMIC_HDR_PLUS": "HDR10+",
    "SPHERICAL": "the tags of a 360-degree picture",
    "STEREO3D": "the tags of a stereoscopic picture",
}
KEEP_WHAT_IS_THERE = "Get the whole file, or keep what can be read with `allow_truncated=True`."
WITHOUT_STRICT = "Get the whole file, or leave out `strict=True`."
_FEW = 5  # frames that may be lost whatever the length of the video
_LARGEST_LOSS = Fraction(1, 10)  # of all frames; more is not one damaged place
_WIDE = Fraction(7, 4)  # frames: a longer gap may be a hole; an edge of a fragment can be half a frame late
_CONSTANT = Fraction(95, 100)  # of all gaps are alike in a video of constant rate
_FINE_TICKS = 10  # in a gap: then one tick may be rounding
_GAPS_TOLD_APART = 1000  # a bound for memory
_TIMES_TOLD = 5


@dataclass
class Findings:
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
            fault = f"{self.clip.path}: a frame at {as_seconds(self._shown_at(time))} cannot be decoded"
            raise MediaError(fault, hint=WITHOUT_STRICT)
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
            raise MediaError(f"{self.clip.path}: {fault}", hint=KEEP_WHAT_IS_THERE)
        if self.strict and (faults := list(self._lost_frames())):
            raise MediaError(f"{self.clip.path}: {faults[0]}", hint=WITHOUT_STRICT)

    def remarks(self) -> Iterator[str]:
        """The messages for a user."""
        if self.interlaced and not self.clip.is_interlaced:  # else it was said before
            yield f"interlaced frames, deinterlaced: {self.interlaced}"
        if self.cut_off:
            yield f"the source is damaged or cut off after {as_seconds(self.video_reached)}: what could be read is kept"
        yield from self._lost_frames()
        if self.late:
            yield f"frames that were not later than the one before and are shown one tick after it: {self.late}"
        if self.resized:
            yield f"frames of another size than the first one, scaled to it: {self.resized}"
        for name in sorted(LOST_SIDE_DATA.keys() & (self.side_data - self.clip.side_data)):
            yield f"{LOST_SIDE_DATA[name]}: left out"
        if self.missing:
            yield f"the source ends {as_seconds(self.missing)} earlier than its header says"

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
            if gap > _WIDE * usual
        ]

    def _times(self, times: Sequence[Fraction]) -> str:
        told = ", ".join(as_seconds(self._shown_at(second)) for second in times[:_TIMES_TOLD])
        return f"at {told}{' and later' if len(times) > _TIMES_TOLD else ''}"

    def _shown_at(self, second: Fraction) -> Fraction:
        """The time that a player shows."""
        return max(Fraction(0), second - self.clip.start)


def as_seconds(seconds: Fraction) -> str:
    """Seconds as messages show them."""
    return f"{float(seconds):.2f} s"
