from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from stylecli.evaluation.metrics import NOISE, grid_energy, noise_gain


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


@pytest.mark.parametrize("gain", [0.5, 1.0, 3.0])
def test_noise_gain_is_the_slope_of_a_linear_network(gain: float) -> None:
    grey = np.full((64, 64, 3), 0.5, np.float32)
    # Four copies of 12,288 samples: the estimate is good to about 1 %.
    assert noise_gain(lambda x: 0.1 + gain * x, grey) == pytest.approx(gain, rel=0.03)


def test_a_constant_network_has_no_noise_gain() -> None:
    assert noise_gain(np.zeros_like, np.full((32, 32, 3), 0.5, np.float32)) == 0
    assert NOISE > 0
