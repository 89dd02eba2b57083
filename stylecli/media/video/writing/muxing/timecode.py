"""Timecode (SMPTE ST 12-1): the label of a later frame."""

from __future__ import annotations

import re
from fractions import Fraction

_LABEL = re.compile(r"(\d\d):(\d\d):(\d\d)([:;.])(\d\d)")


def later(label: str, frames: int, rate: Fraction) -> str | None:
    """The label of the frame that comes so many frames after the one with `label`, at `rate` frames a second.

    With a `;` labels are dropped, not frames: the first two (at 60, four) of each minute but every tenth. None where
    `label` is none, or none of this rate.
    """
    match = _LABEL.fullmatch(label)
    count = round(rate)  # labels a second
    if not match or not 0 <= int(match[5]) < count:
        return None
    hours, minutes, seconds, number = (int(match[group]) for group in (1, 2, 3, 5))
    dropped = count // 15 if match[4] in ";." else 0  # a minute
    minutes += 60 * hours
    total = (60 * minutes + seconds) * count + number - dropped * (minutes - minutes // 10) + frames
    ten_minutes, minute = 600 * count - 9 * dropped, 60 * count - dropped
    total %= 144 * ten_minutes
    tens, rest = divmod(total, ten_minutes)
    total += 9 * dropped * tens + dropped * max(0, (rest - dropped) // minute)
    seconds, number = divmod(total, count)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{match[4]}{number:02}"
