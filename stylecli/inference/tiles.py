"""Cut a large picture into tiles for the network, and into patches for its statistics."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

ALIGNMENT = 16  # pixels: tiles begin at multiples, so that the strides of a network fall on the same pixels
PATCH_SIDE = 256  # pixels: larger than the receptive field of the networks, so that borders weigh little
PATCHES = 32  # about: together 2.1 megapixels, as many as a frame of 1080p has
JITTER = 0.5  # share of the free room by which a patch is moved: a regular grid could hit a regular pattern
PLASTIC = (
    0.7548776662466927,
    0.5698402909980532,
)  # steps of the R2 sequence (Roberts 2018), which spreads points evenly over a square
WHOLE_PIXELS = PATCHES * PATCH_SIDE**2  # pictures with at most this many pixels are measured whole


class Pixels(Protocol):
    """A picture (H, W, 3) of any type, read piece by piece: an array, or one that is resized as it is read."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Height, width, channels."""

    def __getitem__(self, place: tuple[slice, slice], /) -> NDArray[Any]: ...


@dataclass(frozen=True)
class Tile:
    """A piece of a picture, as (rows, columns). shown: the pixels it contributes. seen: those the network reads."""

    shown: tuple[slice, slice]
    seen: tuple[slice, slice]

    @property
    def inside(self) -> tuple[slice, slice]:
        """The position of `shown` inside `seen`."""
        rows, columns = (
            slice(shown.start - seen.start, shown.stop - seen.start)
            for shown, seen in zip(self.shown, self.seen, strict=True)
        )
        return rows, columns


def tiles_of(height: int, width: int, *, side: int, reach: int) -> Iterator[Tile]:
    """Cut a picture into tiles of at most `side` x `side` shown pixels, with `reach` more seen on every side."""
    across = _cuts(width, side, reach)
    for rows in _cuts(height, side, reach):
        for columns in across:
            yield Tile((rows[0], columns[0]), (rows[1], columns[1]))


def patches_of(pixels: Pixels) -> NDArray[Any]:
    """Cut patches (N, h, w, 3) at native scale, spread over a picture (H, W, 3). A small picture is one patch.

    Their positions depend only on the picture's size.
    """
    height, width = pixels.shape[:2]
    if height * width <= WHOLE_PIXELS:
        return pixels[slice(0, height), slice(0, width)][None]
    rows = min(max(1, round((PATCHES * height / width) ** 0.5)), PATCHES)
    columns = ceil(PATCHES / rows)
    size = (min(PATCH_SIDE, height), min(PATCH_SIDE, width))
    places = [
        (_place(row, rows, height, size[0], number, 0), _place(column, columns, width, size[1], number, 1))
        for number, (row, column) in enumerate(np.ndindex(rows, columns))
    ]
    return np.stack([pixels[top : top + size[0], left : left + size[1]] for top, left in places])


def _cuts(length: int, side: int, reach: int) -> list[tuple[slice, slice]]:
    """Return (shown, seen) of every tile along one axis; all have about the same length."""
    count = ceil(length / side)
    step = ceil(ceil(length / count) / ALIGNMENT) * ALIGNMENT
    return [
        (
            slice(start, min(start + step, length)),
            slice(max(0, (start - reach) // ALIGNMENT * ALIGNMENT), min(start + step + reach, length)),
        )
        for start in range(0, length, step)
    ]


def _place(part: int, parts: int, length: int, side: int, number: int, axis: int) -> int:
    """Return where patch `number` begins along one axis: about in the middle of its part of the picture."""
    shift = JITTER * ((number * PLASTIC[axis]) % 1 - 0.5)
    room = length / parts - side
    start = part * length / parts + room * (0.5 + (shift if room > 0 else 0))
    return min(max(0, round(start)), length - side)
