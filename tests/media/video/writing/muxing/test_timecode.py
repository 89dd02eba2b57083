"""Labels of later frames, by SMPTE ST 12-1."""

from __future__ import annotations

from fractions import Fraction

import pytest

from stylecli.media.video.writing.muxing.timecode import later

NTSC = Fraction(30000, 1001)


@pytest.mark.parametrize(
    ("label", "frames", "rate", "expected"),
    [
        ("10:00:00:00", 30, Fraction(25), "10:00:01:05"),
        ("23:59:59:24", 1, Fraction(25), "00:00:00:00"),
        ("01:00:00:00", 1800, NTSC, "01:01:00:00"),  # labels that are not dropped drift
        ("01:00:00;00", 1800, NTSC, "01:01:00;02"),  # 00 and 01 of a minute are dropped,
        ("01:09:59;29", 1, NTSC, "01:10:00;00"),  # but not of each tenth
        ("00:00:00;00", 17982, NTSC, "00:10:00;00"),
        ("00:00:59;59", 1, Fraction(60000, 1001), "00:01:00;04"),
    ],
)
def test_a_later_frame_has_a_later_label(label: str, frames: int, rate: Fraction, expected: str) -> None:
    assert later(label, frames, rate) == expected


@pytest.mark.parametrize("label", ["10:00:00:25", "noon", ""])
def test_what_is_no_label_of_the_rate_has_no_later_one(label: str) -> None:
    assert later(label, 1, Fraction(25)) is None
