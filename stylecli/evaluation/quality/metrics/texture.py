"""The metric of texture: strokes in flat areas of the photo, by size, compared with the painting's."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylecli.evaluation.quality.metrics.filters import blur, gradient, luma
from stylecli.media.pixels import Floats

BANDS = (1, 2, 4, 8, 16)  # pixels: standard deviations of the blurs between which the bands lie
FLAT_SHARE = 0.25  # share of the photo that counts as flat: where it changes least
FLAT_REACH = 8.0  # pixels: standard deviation of the blur that averages the changes
LEAST_ENERGY = 1e-4  # root mean square in 0..1: less is no detail at all


def flat_areas(photo: NDArray[Any]) -> NDArray[np.bool_]:
    """Return where a photo (H, W, 3) is flat: the quarter (H, W) with the smallest gradients nearby."""
    down, across = gradient(luma(photo))
    activity = blur(np.square(down) + np.square(across), FLAT_REACH)
    return np.asarray(activity <= np.quantile(activity, FLAT_SHARE))


def band_energies(pixels: NDArray[Any], where: NDArray[np.bool_] | None = None) -> tuple[float, ...]:
    """Compute the root mean square of the luma's detail in each band, finest first, in a part (H, W) of the picture.

    A band is the difference of two Gaussian blurs an octave apart; the first one is what a blur of 1 pixel removes.
    """
    plane = luma(pixels)
    energies = []
    for sigma in BANDS:
        blurred = blur(plane, sigma)
        energies.append(_root_mean_square(plane - blurred, where))
        plane = blurred
    return tuple(energies)


def octaves_apart(energies: tuple[float, ...], wanted: tuple[float, ...]) -> tuple[float, ...]:
    """Return log2 of the ratio of each energy to the wanted one: 0 equal, 1 twice, -1 half."""
    return tuple(
        float(np.log2(max(one, LEAST_ENERGY) / max(other, LEAST_ENERGY)))
        for one, other in zip(energies, wanted, strict=True)
    )


def _root_mean_square(detail: Floats, where: NDArray[np.bool_] | None) -> float:
    inside = detail if where is None else detail[where]
    return float(np.sqrt(np.mean(np.square(inside, dtype=np.float64))))
