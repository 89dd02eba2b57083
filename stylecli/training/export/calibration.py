"""Calibration: the photos that set the ranges of an 8-bit network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stylecli.media.images.files import pictures_in, read_picture
from stylecli.media.resizing import resize
from stylecli.photos import LEARNING_PHOTOS

PHOTOS_MAX = 32
SHORT_SIDE = 384  # pixels: photos are shrunk to it


def calibration_photos(folder: Path | None = None) -> list[NDArray[np.float32]]:
    """Read photos for calibration.

    Args:
        folder: photos, in subfolders too; at most PHOTOS_MAX are taken, evenly spread. None: the photos for learning
            that ship with stylecli.

    Returns:
        Pictures (1, 3, H, W), float32 in 0..1.

    Raises:
        MediaError: there is no picture in the folder, or one cannot be read.
    """
    found = pictures_in([folder or LEARNING_PHOTOS], recursive=True)
    return [_batch(_small(path)) for path in found[:: max(1, len(found) // PHOTOS_MAX)][:PHOTOS_MAX]]


def _small(path: Path) -> NDArray[np.float32]:
    pixels = read_picture(path).pixels
    height, width = pixels.shape[:2]
    scale = min(1.0, SHORT_SIDE / min(height, width))
    return resize(pixels, max(1, round(height * scale)), max(1, round(width * scale)))


def _batch(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.ascontiguousarray(picture.transpose(2, 0, 1)[None])
