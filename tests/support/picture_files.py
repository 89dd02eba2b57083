"""Picture files that libvips alone makes and reads, so that the package is not its own witness."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyvips
from numpy.typing import NDArray

from stylecli.media.images.files import Picture


def file_of(pixels: NDArray[Any], suffix: str = ".png", *, space: str = "", profile: bytes | None = None) -> bytes:
    """Give a file made by libvips alone; of floats or channels alone, `space` says what they are."""
    known = {np.dtype(np.uint8): "srgb", np.dtype(np.uint16): "rgb16"}
    image = pyvips.Image.new_from_array(pixels, interpretation=space or known[pixels.dtype]).copy()
    if profile:
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    written: bytes = image.write_to_buffer(suffix)
    return written


def samples_of(file: bytes) -> NDArray[Any]:
    """Give a file's samples as libvips reads them, unconverted."""
    samples: NDArray[Any] = pyvips.Image.new_from_buffer(file, "").numpy()
    return samples


def repainted(picture: Picture) -> Picture:
    """Give the picture with its pixels replaced by the same pixels: nothing of the file's samples is left."""
    return picture.with_pixels(picture.pixels.copy())
