"""The distance of two palettes, regardless of where the colours are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylecli.media.linear_light import linear
from stylecli.media.pixels import to_unit

DIRECTIONS = 64  # of the projections
QUANTILES = 256  # compared in each direction
MOST_COLORS = 20_000  # pixels to compare, evenly spread: more change the distance by less than 0.1
# Linear light of sRGB to CIE XYZ, over the white D65 (IEC 61966-2-1).
XYZ_OF_RGB = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def palette_distance(painted: NDArray[Any], painting: NDArray[Any]) -> float:
    """Compute the sliced Wasserstein distance (Bonneel et al. 2015) of the colours of two pictures, in CIE Lab.

    The mean over 64 directions, times 2, so that moving all colours by 10 along one axis gives 10.
    """
    random = np.random.default_rng(0)
    directions = random.normal(size=(3, DIRECTIONS))
    directions /= np.linalg.norm(directions, axis=0)
    at = (np.arange(QUANTILES) + 0.5) / QUANTILES
    one, other = (np.quantile(_colors(pixels) @ directions, at, axis=0) for pixels in (painted, painting))
    return float(2 * np.abs(one - other).mean())


def lab(pixels: NDArray[Any]) -> NDArray[np.float64]:
    """Convert a picture (H, W, 3), sRGB-encoded, to CIE Lab (H, W, 3): L 0..100, a and b about -100..100."""
    xyz = linear(to_unit(pixels)) @ XYZ_OF_RGB.T
    ratio = xyz / XYZ_OF_RGB.sum(1)
    root = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = root[..., 0], root[..., 1], root[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def _colors(pixels: NDArray[Any]) -> NDArray[np.float64]:
    """Return colours (N, 3) in CIE Lab, evenly spread over the picture."""
    colors = pixels.reshape(1, -1, 3)
    return np.asarray(lab(colors[:, :: max(1, colors.shape[1] // MOST_COLORS)])[0])
