"""Gaussian blur of small arrays of numbers, real or complex."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylecli.media.pixels import Floats

FAINTEST = 0.2  # share of its middle at which the mask ends, as in libvips
BAND = 64  # rows that are blurred at once: they fit into the processor's cache


def blurred(values: NDArray[Any], sigma: float) -> NDArray[Any]:
    """Return values (H, W) or (H, W, C), real or complex, blurred by a Gaussian; the border is repeated.

    The mask is that of libvips' `gaussblur`, which takes two to five times as long for samples as few as these.
    """
    weights = np.exp(-0.5 * (np.arange(1 + int(sigma * math.sqrt(-2 * math.log(FAINTEST)))) / sigma) ** 2)
    weights = np.asarray(weights / (2 * weights.sum() - weights[0]), np.float32)  # from the middle outwards
    height, width = values.shape[:2]
    result = np.empty_like(values)
    columns = _with_margins(0, width, len(weights) - 1, width)
    for top in range(0, height, BAND):
        bottom = min(top + BAND, height)
        band = _weighted(values[_with_margins(top, bottom, len(weights) - 1, height)], weights)
        result[top:bottom] = _weighted(band[:, columns].swapaxes(0, 1), weights).swapaxes(0, 1)
    return result


def _with_margins(start: int, stop: int, margin: int, length: int) -> NDArray[np.intp]:
    """Return the indices from `start - margin` up to `stop + margin`, those outside 0..length moved to its ends."""
    return np.clip(np.arange(start - margin, stop + margin), 0, length - 1)


def _weighted(values: NDArray[Any], weights: Floats) -> NDArray[Any]:
    """Return the weighted sums of neighbours on the first axis; the result has no margins."""
    margin = len(weights) - 1
    length = len(values) - 2 * margin
    total: NDArray[Any] = weights[0] * values[margin : margin + length]
    for step in range(1, margin + 1):
        before, after = values[margin - step :][:length], values[margin + step :][:length]
        total += weights[step] * (before + after)
    return total
