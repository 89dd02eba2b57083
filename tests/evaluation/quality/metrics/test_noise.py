from __future__ import annotations

import numpy as np
import pytest

from stylecli.evaluation.quality.metrics.noise import NOISE, noise_gain, noise_left, with_noise


@pytest.mark.parametrize("gain", [0.5, 1.0, 3.0])
def test_noise_gain_is_the_slope_of_a_linear_network(gain: float) -> None:
    grey = np.full((64, 64, 3), 0.5, np.float32)
    # Four copies of 12,288 samples: the estimate is good to about 1 %.
    assert noise_gain(lambda x: 0.1 + gain * x, grey) == pytest.approx(gain, rel=0.03)


def test_a_constant_network_has_no_noise_gain() -> None:
    assert noise_gain(np.zeros_like, np.full((32, 32, 3), 0.5, np.float32)) == 0
    assert NOISE > 0


def test_noise_left_is_the_share_that_a_linear_network_keeps() -> None:
    photo = np.full((8, 8, 3), 0.5, np.float32)
    noisy = with_noise(photo, 0.1)
    for share in (0.0, 0.25, 1.0):
        left = noise_left(photo, noisy, share * photo, share * noisy)
        # 192 samples in single precision.
        assert left == pytest.approx(share, abs=1e-5)


def test_noise_left_by_hand() -> None:
    zero, one = np.zeros((2, 1, 3), np.float32), np.zeros((2, 1, 3), np.float32)
    one[0] = 0.2  # the noise changes one of two pixels by 0.2, the output in both by 0.1
    assert noise_left(zero, one, zero, zero + 0.1) == pytest.approx(0.1 / (0.2 / 2**0.5))


def test_noise_has_the_deviation_asked_for_and_comes_again() -> None:
    grey = np.full((64, 64, 3), 0.5, np.float32)
    noisy = with_noise(grey, 25 / 255)
    # 12,288 samples: good to about 1 %.
    assert noisy.std() == pytest.approx(25 / 255, rel=0.03)
    assert (with_noise(grey, 25 / 255) == noisy).all()
