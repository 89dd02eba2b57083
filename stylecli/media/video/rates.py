"""Frames brought to a constant rate: dropped where there are too many, repeated where there are too few."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Literal, TypeVar

Rate = Fraction | Literal["cfr"]  # frames a second; "cfr": about as many as the source has

Item = TypeVar("Item")

_NTSC = Fraction(1000, 1001)  # 24, 30 and 60 frames a second are often these
_CLOSE = Fraction(1, 2000)  # relative; 23.976 and 24 differ by twice as much
_SIMILAR = Fraction(3, 100)  # relative: what a variable rate may be off on average
_USUAL = (
    *(Fraction(rate) * _NTSC for rate in (24, 30, 48, 60, 120)),
    *map(Fraction, (24, 25, 30, 48, 50, 60, 100, 120)),
)
_FINEST_CLOCK = 10_000  # ticks a second at least, so that a video that starts late starts on time


def exact_rate(rate: Fraction, *, tolerance: Fraction = _CLOSE) -> Fraction:
    """The usual rate that a rounded one stands for: 23.976 is 24000/1001. Others stay as they are."""
    near = (usual for usual in _USUAL if abs(usual / rate - 1) < tolerance)
    return min(near, key=lambda usual: abs(usual - rate), default=rate)


def usual_rate(rate: Fraction) -> Fraction:
    """The constant rate for a video that has `rate` on average."""
    return exact_rate(rate, tolerance=_SIMILAR).limit_denominator(1001)


def clock_for(rate: Fraction) -> Fraction:
    """Seconds a tick of a clock in which frames of this rate are a whole number of ticks apart."""
    return Fraction(1, rate.numerator * -(-_FINEST_CLOCK // rate.numerator))


def at_rate(
    frames: Iterator[tuple[int, Item]], clock: Fraction, rate: Fraction, *, duration: Callable[[Item], int]
) -> Iterator[tuple[int, Item]]:
    """Frames with their ticks at a constant rate, from the first one's time on.

    frames: ticks in `clock`, which rise. duration: of a frame in such ticks; 0: not known.

    Each frame goes to the nearest place; of two at one place the later one stays; an empty place repeats the frame
    before. The new ticks are those of `clock_for(rate)`.
    """
    new_clock = clock_for(rate)
    step = 1 / rate / new_clock
    start: Fraction | None = None  # seconds
    held: tuple[int, Item] | None = None  # the place and the frame that waits for its successor
    end = Fraction(0)  # seconds: of that frame

    def ticks(place: int) -> int:
        return round((start or 0) / new_clock + place * step)

    for tick, frame in frames:
        time = tick * clock
        start = time if start is None else start
        place = round((time - start) * rate)
        if held is not None:
            yield from ((ticks(between), held[1]) for between in range(held[0], place))
        held, end = (place, frame), (tick + duration(frame)) * clock
    if held is not None and start is not None:
        places = range(held[0], max(held[0] + 1, round((end - start) * rate)))
        yield from ((ticks(place), held[1]) for place in places)
