"""Metrics of noise on the photo: how much is left in the stylized picture, and how much faint noise grows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

NOISE = 2 / 255  # standard deviation of the noise in `noise_gain`: two levels of 8 bits, hardly visible


def with_noise(photo: NDArray[np.float32], sigma: float, *, seed: int = 0) -> NDArray[np.float32]:
    """Add Gaussian noise of standard deviation `sigma` to a photo (H, W, 3) in 0..1; the seed determines the noise."""
    noise = np.random.default_rng(seed).normal(0, sigma, photo.shape)
    return np.asarray((photo + noise).clip(0, 1), np.float32)


def noise_left(
    photo: NDArray[np.float32],
    noisy: NDArray[np.float32],
    painted: NDArray[np.float32],
    painted_noisy: NDArray[np.float32],
) -> float:
    """Measure how much of the noise on a photo is left in its stylized picture: 0 none, 1 all of it, above 1 it grew.

    The root mean square of what the noise changes in the output, over that of the noise itself (after clipping).
    """
    return _root_mean_square(painted_noisy - painted) / _root_mean_square(noisy - photo)


def noise_gain(
    stylize: Callable[[NDArray[np.float32]], NDArray[np.float32]], photo: NDArray[np.float32], *, copies: int = 4
) -> float:
    """Measure how much a network amplifies camera noise: deviation of its output over that of its noisy input.

    `photo` is (H, W, 3) in 0..1. Above 1, a video of a still scene flickers.
    """
    random = np.random.default_rng(0)
    outputs = [
        stylize((photo + random.normal(0, NOISE, photo.shape)).astype(np.float32).clip(0, 1)) for _ in range(copies)
    ]
    return float(np.sqrt(np.var(outputs, axis=0, ddof=1).mean()) / NOISE)


def _root_mean_square(difference: NDArray[np.float32]) -> float:
    return float(np.sqrt(np.mean(np.square(difference))))
