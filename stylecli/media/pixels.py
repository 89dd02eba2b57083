"""Pixels as numbers: to floats in 0..1 and back, with the one rounding."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Floats = NDArray[np.float32]
LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)  # of R'G'B', ITU-R BT.709


def to_unit(pixels: NDArray[Any]) -> NDArray[np.float32]:
    """Any picture's samples (uint8, uint16, float32) as float32 in 0..1."""
    if pixels.dtype == np.float32:
        return pixels
    return pixels * np.float32(1 / np.iinfo(pixels.dtype).max)


def quantize(unit: NDArray[np.float32], dtype: DTypeLike) -> NDArray[Any]:
    """Samples in 0..1 as `dtype`, rounded to nearest (halves to even) and clipped; undoes `to_unit` exactly.

    To the bit what the ONNX operator QuantizeLinear does, by which `pixel_model` rounds.
    """
    if np.dtype(dtype) == np.float32:
        return unit
    most = np.iinfo(dtype).max
    levels = unit / np.float32(1 / most)
    np.rint(levels, out=levels)
    return np.clip(levels, 0, np.float32(most), out=levels).astype(dtype)
