"""The film of the sample photo: of any size, the same every time, moving smoothly, audible."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from stylecli.media.images.files import read_picture
from stylecli.photos import SAMPLE_PHOTO
from stylecli.photos.film import GOAL, NEAREST, RATE, chord, sample_film, sample_photo

WIDTH, HEIGHT, FRAMES = 192, 108, 24


@pytest.fixture(scope="module")
def film() -> list[NDArray[np.uint8]]:
    return [*sample_film(WIDTH, HEIGHT, FRAMES)]


@pytest.mark.parametrize("size", [(WIDTH, HEIGHT), (97, 65), (64, 96)])
def test_photo_and_film_have_the_size_asked_for(size: tuple[int, int]) -> None:
    for pixels in (sample_photo(*size), next(sample_film(*size, 2))):
        assert pixels.shape == (size[1], size[0], 3)
        assert pixels.dtype == np.uint8


def test_at_its_own_size_the_photo_is_the_file() -> None:
    photo = read_picture(SAMPLE_PHOTO).pixels
    assert np.array_equal(sample_photo(photo.shape[1], photo.shape[0]), photo)


def test_the_film_is_the_same_every_time(film: list[NDArray[np.uint8]]) -> None:
    assert np.array_equal([*sample_film(WIDTH, HEIGHT, FRAMES)], film)


def test_the_film_begins_with_the_whole_photo(film: list[NDArray[np.uint8]]) -> None:
    assert np.abs(film[0].astype(int) - sample_photo(WIDTH, HEIGHT)).mean() < 3  # of 255; another filter makes it small


def test_the_camera_moves_and_never_jumps(film: list[NDArray[np.uint8]]) -> None:
    steps = _steps(film)
    assert min(steps) > 0
    assert max(later / earlier for earlier, later in pairwise(steps[1:-1])) < 2
    assert np.abs(film[-1].astype(int) - film[0]).mean() > 1.5 * max(steps)  # a motion that adds up


def test_no_view_reaches_beyond_the_photo() -> None:
    assert all(NEAREST / 2 <= place <= 1 - NEAREST / 2 for place in GOAL)


def test_the_motion_is_finer_than_a_pixel() -> None:
    steps = _steps([*sample_film(96, 54, 400)][195:206])
    assert max(steps) < 1.5 * min(steps)  # whole pixels would be steps of nothing and steps of much


def test_the_sound_is_audible_and_never_clips() -> None:
    sound = chord(2.0)
    assert sound.shape == (2, 2 * RATE)
    assert sound.dtype == np.float32
    assert 0.3 < np.abs(sound).max() < 0.9
    assert np.sqrt(np.mean(sound**2, axis=1)).min() > 0.02


def test_the_sound_begins_and_ends_in_silence() -> None:
    sound = chord(2.0)
    assert np.abs(sound[:, :200]).max() < 0.03
    assert np.abs(sound[:, -200:]).max() < 0.01


def test_the_sound_is_stereo_and_the_same_every_time() -> None:
    sound = chord(1.0)
    assert not np.allclose(sound[0], sound[1], atol=0.01)
    assert np.array_equal(chord(1.0), sound)


def _steps(frames: list[NDArray[np.uint8]]) -> list[float]:
    """The mean changes from frame to frame, of 255."""
    return [float(np.abs(after.astype(int) - before).mean()) for before, after in pairwise(frames)]
