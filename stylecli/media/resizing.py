"""Pictures at another size, whole or piece by piece."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylecli.media.pixels import to_unit

Region = tuple[slice, slice]  # rows and columns


class Resized:
    """A picture (H, W, C) of any type at another size; a piece, float32 in 0..1, is computed when it is asked for.

    Anti-aliased Lanczos when it shrinks, bicubic when it grows.
    """

    def __init__(self, picture: NDArray[Any], height: int, width: int) -> None:
        self._picture, self.shape = picture, (height, width, *picture.shape[2:])
        self._scaled = None if picture.shape[:2] == (height, width) else _scaled(picture, height, width)

    def __getitem__(self, place: Region) -> NDArray[np.float32]:
        if self._scaled is None:
            return to_unit(self._picture[place])
        rows, columns = place
        size = (rows.stop - rows.start, columns.stop - columns.start)
        piece = self._scaled.crop(columns.start, rows.start, size[1], size[0]).numpy().reshape(*size, -1)
        unit: NDArray[np.float32] = np.clip(piece, 0, 1)
        return unit


def resize(picture: NDArray[Any], height: int, width: int) -> NDArray[np.float32]:
    """A picture (H, W, C) of any type at another size, float32 in 0..1."""
    return Resized(picture, height, width)[slice(0, height), slice(0, width)]


def at_short_side(picture: NDArray[Any], short_side: int) -> NDArray[np.float32]:
    """A picture (H, W, C) of any type with a short side of `short_side` pixels, float32 in 0..1."""
    height, width = picture.shape[:2]
    scale = short_side / min(height, width)
    return resize(picture, max(short_side, round(height * scale)), max(short_side, round(width * scale)))


def _scaled(picture: NDArray[Any], height: int, width: int) -> Any:
    """As a pyvips image, which computes no pixel before it is asked for."""
    import pyvips  # a native library that --help does not need

    rows, columns = picture.shape[:2]
    across, down = width / columns, height / rows
    source = pyvips.Image.new_from_array(picture)
    if picture.dtype != np.float32:
        source = source * (1 / np.iinfo(picture.dtype).max)
    if across > 1 or down > 1:
        # Not `resize`, which moves a picture that it enlarges by half a pixel (libvips 8.18): the centres must meet.
        place = {"oarea": [0, 0, width, height], "odx": (across - 1) / 2, "ody": (down - 1) / 2, "extend": "copy"}
        return source.affine([across, 0, 0, down], interpolate=pyvips.Interpolate.new("bicubic"), **place)
    scaled = source.resize(across, vscale=down, kernel="lanczos3")
    if (scaled.width, scaled.height) != (width, height):  # `resize` rounds the size itself, at times the other way
        scaled = scaled.gravity("centre", width, height, extend="copy")
    return scaled
