"""Read paintings for training: the part that counts, at every size of the recipe."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stylecli.core.errors import UsageError
from stylecli.core.progress import Notice
from stylecli.media.images.files import read_picture
from stylecli.media.pixels import to_unit
from stylecli.training.data import photo_tensor
from stylecli.training.recipe import Recipe

SHORT_SIDE_MIN = 64  # pixels
BORDER_MAX = 0.15  # of a side: a wider plain area belongs to the painting
PLAIN = 0.06  # largest difference of a border's pixels from its colour, in 0..1
PLAIN_SHARE = 0.95  # share of a line's pixels that must be within it


def style_images(
    paintings: Sequence[Path], recipe: Recipe, device: torch.device, notice: Notice = lambda _: None
) -> list[list[Tensor]]:
    """Read each painting at every size of the recipe: (1, 3, H, W), RGB in 0..1.

    A plain border, such as a frame or the white paper around a print, is cut off and reported to `notice`; the crop of
    the recipe's painting, if it has one, is all that counts.

    Raises:
        UsageError: a painting is too small to show brushwork.
        MediaError: a file cannot be read.
    """
    rows = []
    for file, painting in zip(paintings, recipe.paintings, strict=False):
        pixels = _cropped(to_unit(read_picture(file).pixels), painting.crop)
        height, width = pixels.shape[:2]
        if min(height, width) < SHORT_SIDE_MIN:
            raise UsageError(
                f"{file}: a painting of {width} x {height} pixels shows no brushwork",
                hint=f"Give one of {SHORT_SIDE_MIN} pixels or more, better {max(512, *recipe.style_sizes)}.",
            )
        art = pixels if painting.crop else pixels[within_border(pixels)]
        if art.shape != pixels.shape:
            notice(f"{file}: the plain border is cut off: {width} x {height} -> {_size(art)} pixels")
        rows.append([photo_tensor(art, size)[None].to(device) for size in recipe.style_sizes])
    return rows


def _cropped(pixels: NDArray[np.float32], crop: tuple[float, ...]) -> NDArray[np.float32]:
    if not crop:
        return pixels
    height, width = pixels.shape[:2]
    left, top, right, bottom = (round(share * side) for share, side in zip(crop, (width, height) * 2, strict=True))
    return pixels[top:bottom, left:right]


def within_border(pixels: NDArray[np.float32]) -> tuple[slice, slice]:
    """Return the rows and columns of a picture (H, W, 3) in 0..1 inside its plain border.

    The border's colour is the median of the four corners. On each side, lines are cut off while nearly all of their
    pixels have this colour. A side with a plain area deeper than `BORDER_MAX` is kept.
    """
    height, width = pixels.shape[:2]
    colour = np.median(pixels[[0, 0, -1, -1], [0, -1, 0, -1]], axis=0)
    is_plain = np.abs(pixels - colour).max(axis=2) <= PLAIN
    top, bottom = (_plain_lines(rows) for rows in (is_plain, is_plain[::-1]))
    columns = is_plain[top : height - bottom].T
    left, right = (_plain_lines(lines) for lines in (columns, columns[::-1]))
    return slice(top, height - bottom), slice(left, width - right)


def _plain_lines(lines: NDArray[np.bool_]) -> int:
    """Count the lines of a border from the first line on, and one more for the soft edge behind it."""
    most = int(BORDER_MAX * len(lines))
    full = lines[: most + 1].mean(axis=1) >= PLAIN_SHARE
    count = int(np.argmin(full)) if not full.all() else most + 1
    return 0 if count in (0, most + 1) else count + 1


def _size(pixels: NDArray[np.float32]) -> str:
    return f"{pixels.shape[1]} x {pixels.shape[0]}"
