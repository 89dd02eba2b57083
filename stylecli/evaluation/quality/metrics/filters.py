"""Filters of one plane (H, W): blur, gradient, Laplacian, neighbourhood maxima."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylecli.media.pixels import LUMA, Floats, to_unit


def luma(pixels: NDArray[Any]) -> Floats:
    """Return the luma (H, W) in 0..1 of a picture (H, W, 3), sRGB-encoded."""
    return np.asarray(to_unit(pixels) @ LUMA, np.float32)


def blur(plane: Floats, sigma: float) -> Floats:
    """Blur with a Gaussian of standard deviation `sigma` pixels; the border is repeated outwards."""
    reach = int(np.ceil(3 * sigma))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    for axis in (0, 1):
        margins = [(0, 0), (0, 0)]
        margins[axis] = (reach, reach)
        padded = np.pad(plane, margins, mode="edge")
        length = plane.shape[axis]
        pieces = (padded.take(range(place, place + length), axis) for place in range(len(kernel)))
        plane = np.asarray(sum(weight * piece for weight, piece in zip(kernel, pieces, strict=True)), np.float32)
    return plane


def laplacian(plane: Floats, sigma: float) -> Floats:
    """Return the Laplacian (H, W) of the plane after a Gaussian blur (Marr and Hildreth 1980)."""
    padded = np.pad(blur(plane, sigma), 1, mode="edge")
    inner = padded[1:-1, 1:-1]
    around = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
    return np.asarray(around - 4 * inner, np.float32)


def gradient(plane: Floats) -> tuple[Floats, Floats]:
    """Return the vertical and the horizontal differences, each (H, W)."""
    down, across = np.gradient(plane)
    return np.asarray(down, np.float32), np.asarray(across, np.float32)


def largest_nearby(plane: NDArray[Any], reach: int) -> NDArray[Any]:
    """Return for every pixel the maximum in the square of `reach` pixels on each side, (H, W)."""
    for axis in (0, 1):
        margins = [(0, 0), (0, 0)]
        margins[axis] = (reach, reach)
        padded = np.pad(plane, margins, mode="edge")
        windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis)
        plane = windows.max(-1)
    return plane
