"""A constant rate: what the times of a video become, and that sound stays in step."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from stylecli.media.video.plan import VideoOptions
from stylecli.media.video.rates import Rate, at_rate, clock_for, exact_rate, usual_rate
from stylecli.stylize.videos.video import stylize_video
from tests.support.clips import UNEVEN, Made, ffmpeg, make_video, times

MILLISECOND = Fraction(1, 1000)


def placed(ticks: list[int], rate: Fraction, last: int = 0) -> list[tuple[Fraction, int]]:
    """(seconds, number of the frame) at a rate, of frames with these milliseconds."""
    durations = {len(ticks) - 1: last}
    frames = at_rate(iter((tick, number) for number, tick in enumerate(ticks)), MILLISECOND, rate,
                     duration=lambda number: durations.get(number, 0))  # fmt: skip
    return [(tick * clock_for(rate), number) for tick, number in frames]


def test_rounded_times_become_exact_ones() -> None:
    rate = Fraction(24000, 1001)
    frames = placed([round(1000 * number / rate) for number in range(100)], rate)
    assert frames == [(number / rate, number) for number in range(100)]


def test_gaps_are_filled_and_crowds_are_thinned() -> None:
    assert placed([0, 100, 104, 300], Fraction(10)) == [
        (Fraction(0), 0), (Fraction(1, 10), 2), (Fraction(2, 10), 2), (Fraction(3, 10), 3)]  # fmt: skip


def test_the_last_frame_is_held_as_long_as_it_was() -> None:
    assert [number for _, number in placed([0, 100], Fraction(10), last=300)] == [0, 1, 1, 1]


def test_a_video_that_starts_late_starts_as_late() -> None:
    assert placed([333, 433], Fraction(10))[0][0] == pytest.approx(Fraction(333, 1000), abs=1e-4)


@pytest.mark.parametrize(
    ("rounded", "exact"),
    [("23.976", "24000/1001"), ("23.98", "24000/1001"), ("24", "24"), ("29.97", "30000/1001"), ("59.94", "60000/1001"),
     ("25", "25"), ("12.5", "25/2"), ("24000/1001", "24000/1001")],
)  # fmt: skip
def test_rounded_rates_stand_for_exact_ones(rounded: str, exact: str) -> None:
    assert exact_rate(Fraction(rounded)) == Fraction(exact)


@pytest.mark.parametrize(("average", "usual"), [("29.7", "30000/1001"), ("24.8", "25"), ("10", "10"), ("17", "17")])
def test_the_average_of_a_variable_rate_stands_for_a_usual_one(average: str, usual: str) -> None:
    assert usual_rate(Fraction(average)) == Fraction(usual)


@pytest.mark.parametrize(
    ("rate", "expected"), [("cfr", [Fraction(1001 * number, 24000) for number in range(48)]), (Fraction(12), None)]
)
def test_matroska_becomes_a_constant_rate_in_mp4(tmp_path: Path, rate: Rate, expected: list[Fraction] | None) -> None:
    source = tmp_path / "in.mkv"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=24000/1001", "-frames:v", "48", source)
    assert times(source)[1] == Fraction(42, 1000)  # rounded
    result = stylize_video(source, tmp_path / "out.mp4", paint=lambda frame: frame, options=VideoOptions(rate=rate))
    shown = times(tmp_path / "out.mp4")
    assert shown == (expected or [Fraction(number, 12) for number in range(result.frames)])
    assert float(shown[-1]) == pytest.approx(47 * 1001 / 24000, abs=0.09)


def test_a_stopped_run_at_a_constant_rate_goes_on_at_the_same_frame(tmp_path: Path) -> None:
    from stylecli.media.video.clip import probe
    from stylecli.media.video.reading.reader import read_frames

    clip = probe(make_video(tmp_path / "in.mp4", UNEVEN, Made(time_base=MILLISECOND)))
    whole = list(read_frames(clip, rate=Fraction(20)))
    rest = list(read_frames(clip, rate=Fraction(20), skip=7))
    assert [frame.pts for frame in rest] == [frame.pts for frame in whole[7:]]
    assert all(np.array_equal(one.pixels, other.pixels) for one, other in zip(rest, whole[7:], strict=True))
