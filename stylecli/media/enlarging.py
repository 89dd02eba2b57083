"""Bicubic enlarging as two products with band matrices: for whole pictures about three times as fast as `Resized`.

The samples are those of `stylecli.media.resizing` before it clips them, to within the rounding of floats. Both take
positions in steps of 1/64 pixel, as libvips does; a position in the middle of two steps may take the other one, which
changes a sharp edge by 0.01.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stylecli.media.pixels import Floats

# OpenBLAS computes products of up to 262,144 multiplications in the calling thread. Its threads would wait for those of
# onnxruntime, which spin for work: on a busy machine that took fifty times as long.
ACROSS = (48, 64)  # rows and columns of a product along the rows
DOWN = (24, 384)  # rows and columns of a product along the columns
STEPS = 64  # positions between two pixels


class Band(NamedTuple):
    """Some samples of the enlarged side: which, from which of the small side, by which weights (enlarged, small)."""

    made: slice
    taken: slice
    weights: Floats


def enlarged(planes: Floats, height: int, width: int) -> Iterator[tuple[slice, Floats]]:
    """Enlarge planes (C, h, w): yields rows from top to bottom, and their samples (C, rows, width).

    The samples lie in one buffer, which the next rows overwrite. They may lie outside of 0..1.
    """
    count, small_height, small_width = planes.shape
    wide = np.empty((count, small_height, width), np.float32)
    for band in _bands(small_width, width, ACROSS[1]):
        weights = np.ascontiguousarray(band.weights.T)
        for plane in range(count):
            for top in range(0, small_height, ACROSS[0]):
                rows = slice(top, top + ACROSS[0])
                np.matmul(planes[plane, rows, band.taken], weights, out=wide[plane, rows, band.made])
    buffer = np.empty((count, DOWN[0], width), np.float32)
    for band in _bands(small_height, height, DOWN[0]):
        piece = buffer[:, : len(band.weights)]
        for plane in range(count):
            for left in range(0, width, DOWN[1]):
                columns = slice(left, left + DOWN[1])
                np.matmul(band.weights, wide[plane, band.taken, columns], out=piece[plane, :, columns])
        yield band.made, piece


def _bands(small: int, large: int, length: int) -> Iterator[Band]:
    """Cut an enlarged side of `large` samples into pieces of `length`."""
    places = (np.arange(large) + 0.5) * (small / large) - 0.5  # the centres meet
    before = np.floor(places).astype(np.intp)
    weights = _catmull_rom(np.floor((places - before) * STEPS + 0.5) / STEPS)
    taken = np.clip(before[:, None] + np.arange(-1, 3), 0, small - 1)  # pixels at the border go on outside
    for start in range(0, large, length):
        made = slice(start, min(start + length, large))
        first, last = int(taken[made].min()), int(taken[made].max())
        matrix = np.zeros((made.stop - start, last + 1 - first), np.float32)
        np.add.at(matrix, (np.arange(len(matrix))[:, None], taken[made] - first), weights[made])
        yield Band(made, slice(first, last + 1), matrix)


def _catmull_rom(place: NDArray[np.float64]) -> Floats:
    """Return the weights of four neighbours (N, 4) at a place between the middle two, 0..1 (Catmull and Rom 1974)."""
    powers = np.stack([np.ones_like(place), place, place**2, place**3], -1)
    matrix = np.array([[0, 1, 0, 0], [-0.5, 0, 0.5, 0], [1, -2.5, 2, -0.5], [-0.5, 1.5, -1.5, 0.5]])
    return np.asarray(np.einsum("np,pw->nw", powers, matrix), np.float32)
