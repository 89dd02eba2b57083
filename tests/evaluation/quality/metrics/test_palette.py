"""Palettes whose distance is known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from stylecli.evaluation.quality.metrics.palette import lab, palette_distance


@pytest.mark.parametrize(
    ("color", "expected"),
    [
        ((255, 255, 255), (100, 0, 0)),
        ((0, 0, 0), (0, 0, 0)),
        ((255, 0, 0), (53.24, 80.09, 67.20)),
        ((0, 0, 255), (32.30, 79.19, -107.86)),
    ],
)
def test_lab_of_known_colors(color: tuple[int, ...], expected: tuple[float, ...]) -> None:
    assert lab(np.array([[color]], np.uint8))[0, 0] == pytest.approx(expected, abs=0.1)


def test_the_place_of_a_color_does_not_matter(photo: NDArray[np.uint8]) -> None:
    shuffled = np.random.default_rng(0).permutation(photo.reshape(-1, 3)).reshape(photo.shape)
    assert palette_distance(photo, photo) == 0
    assert palette_distance(shuffled, photo) < 0.5  # other pixels are looked at


def test_the_distance_of_two_greys_is_that_of_their_lightness() -> None:
    dark, light = (np.full((20, 30, 3), level, np.uint8) for level in (100, 150))
    apart = lab(light)[0, 0, 0] - lab(dark)[0, 0, 0]
    # The mean over 64 directions is good to a tenth.
    assert palette_distance(dark, light) == pytest.approx(apart, rel=0.1)


def test_a_hue_that_is_missing_weighs_more_than_a_tint() -> None:
    blue = np.full((40, 40, 3), (30, 60, 160), np.uint8)
    with_yellow = blue.copy()
    with_yellow[:10] = (230, 200, 60)
    tinted = np.full((40, 40, 3), (40, 70, 150), np.uint8)
    assert palette_distance(blue, with_yellow) > 2 * palette_distance(blue, tinted)
