"""The demo's landscape: the same every time, rich, moving smoothly, audible."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from stylecli.landscape import RATE, Landscape, ambience

WIDTH, HEIGHT = 192, 108
FRAME = 1 / 24  # seconds


@pytest.fixture(scope="module")
def landscape() -> Landscape:
    return Landscape(WIDTH, HEIGHT, seconds=1.0)


@pytest.fixture(scope="module")
def frame(landscape: Landscape) -> NDArray[np.uint8]:
    return landscape.frame(0.5)


@pytest.mark.parametrize("size", [(WIDTH, HEIGHT), (97, 65), (64, 96)])
def test_a_frame_has_the_size_asked_for(size: tuple[int, int]) -> None:
    pixels = Landscape(*size).frame(0)
    assert pixels.shape == (size[1], size[0], 3)
    assert pixels.dtype == np.uint8


def test_the_landscape_is_the_same_every_time(landscape: Landscape, frame: NDArray[np.uint8]) -> None:
    assert np.array_equal(Landscape(WIDTH, HEIGHT, seconds=1.0).frame(0.5), frame)
    grainy = landscape.frame(0.5, grain=0.01)
    assert np.array_equal(landscape.frame(0.5, grain=0.01), grainy)
    assert not np.array_equal(grainy, frame)


def test_tones_reach_from_shadow_to_light(frame: NDArray[np.uint8]) -> None:
    low, high = np.percentile(frame.mean(axis=2), (2, 98))
    assert low < 40
    assert high > 190
    counts = np.bincount(frame.mean(axis=2).astype(np.uint8).ravel(), minlength=256)
    assert np.count_nonzero(counts > 5) > 150  # levels in use: gradients, not flat areas


def test_the_sun_is_warm_and_the_sky_is_cool(frame: NDArray[np.uint8]) -> None:
    red, _, blue = frame.astype(int).transpose(2, 0, 1)
    assert np.mean(red - blue > 30) > 0.05
    assert np.mean(blue - red > 15) > 0.10


def test_frames_flow(landscape: Landscape, frame: NDArray[np.uint8]) -> None:
    following, later = landscape.frame(0.5 + FRAME), landscape.frame(0.5 + 10 * FRAME)
    step = np.abs(following.astype(int) - frame).mean()
    stride = np.abs(later.astype(int) - frame).mean()
    assert 0.3 < step < 6  # of 255: everything moves, nothing jumps
    assert stride > 1.5 * step  # a motion that adds up, not flicker


def test_the_horizon_has_no_seam(frame: NDArray[np.uint8]) -> None:
    """A gap between land and sea once showed as a line of bright sky."""
    rows = frame[:, : WIDTH // 3].astype(int).mean(axis=(1, 2))
    horizon = round(0.6 * HEIGHT)
    for row in range(horizon - 2, horizon + 3):
        assert rows[row] < max(rows[row - 2], rows[row + 2]) + 12


def test_the_sound_is_audible_and_never_clips() -> None:
    sound = ambience(2.0)
    assert sound.shape == (2, 2 * RATE)
    assert sound.dtype == np.float32
    assert 0.3 < np.abs(sound).max() < 0.9
    assert np.sqrt(np.mean(sound**2, axis=1)).min() > 0.02


def test_the_sound_begins_and_ends_in_silence() -> None:
    sound = ambience(2.0)
    assert np.abs(sound[:, :200]).max() < 0.01
    assert np.abs(sound[:, -200:]).max() < 0.01


def test_the_sound_is_stereo_and_the_same_every_time() -> None:
    sound = ambience(1.0)
    assert not np.allclose(sound[0], sound[1], atol=0.01)
    assert np.array_equal(ambience(1.0), sound)
