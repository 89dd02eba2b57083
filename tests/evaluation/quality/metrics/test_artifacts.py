"""Grids, frames and specks that tests draw themselves."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from stylecli.evaluation.quality.metrics.artifacts import frame_energy, grid_energy, speck_density


def test_a_photo_has_hardly_any_grid(photo: NDArray[np.uint8]) -> None:
    assert grid_energy(photo) < 0.8


@pytest.mark.parametrize("period", [2, 4])
def test_a_faint_grid_is_found(photo: NDArray[np.uint8], period: int) -> None:
    gridded = photo.astype(int)
    gridded[::period, ::period] += 4
    assert grid_energy(gridded.clip(0, 255).astype(np.uint8)) > grid_energy(photo) + 0.5


def test_a_pattern_of_another_period_is_no_grid(photo: NDArray[np.uint8]) -> None:
    striped = photo.astype(int)
    striped[::7] += 4
    assert grid_energy(striped.clip(0, 255).astype(np.uint8)) < grid_energy(photo) + 0.2


def test_a_photo_has_no_frame(photo: NDArray[np.uint8]) -> None:
    assert frame_energy(photo) < 1


@pytest.mark.parametrize("width", [1, 4, 12])
def test_a_frame_of_another_tone_is_found(photo: NDArray[np.uint8], width: int) -> None:
    framed = photo // 2 + 100
    framed[width:-width, width:-width] = photo[width:-width, width:-width]
    assert frame_energy(framed) > frame_energy(photo) + 0.5


def test_a_bright_stripe_inside_is_no_frame(photo: NDArray[np.uint8]) -> None:
    striped = photo.copy()
    striped[:, 200:204] = 255
    assert frame_energy(striped) <= frame_energy(photo) + 0.05


def test_a_picture_without_an_inside_has_no_frame_to_tell() -> None:
    with pytest.raises(ValueError, match="too small"):
        frame_energy(np.zeros((40, 100, 3), np.uint8))


@pytest.mark.parametrize("size", [1, 2, 3])
def test_every_dot_is_counted_once_light_or_dark(size: int) -> None:
    grey = np.full((100, 100, 3), 128, np.uint8)
    for place in range(10, 90, 10):  # eight light ones, eight dark ones
        grey[place : place + size, 20 : 20 + size] = 255
        grey[place : place + size, 60 : 60 + size] = 0
    assert speck_density(grey) == 16


def test_lines_edges_and_large_spots_are_no_specks() -> None:
    grey = np.full((100, 100, 3), 128, np.uint8)
    grey[:, 30] = 255  # a line
    grey[50:, 50:] = 20  # an edge and a corner
    grey[10:25, 60:75] = 255  # a spot of 15 pixels
    assert speck_density(grey) == 0


def test_a_photo_has_hardly_any_specks_and_salt_is_found(photo: NDArray[np.uint8]) -> None:
    salted = photo.copy()
    salted[5::20, 5::20] = 255
    expected = 10_000 / 20**2
    assert speck_density(photo) < 1
    # Some fall on light fur, whose contrast is less.
    assert 0.7 * expected < speck_density(salted) < 1.2 * expected
