"""Scene-linear light to sRGB-encoded values and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from stylecli.media.pixels import Floats

HALF_MAX = 65504.0  # the largest number that a half float holds


def encoded(light: Floats) -> Floats:
    """Linear light in 0..1 by the sRGB curve (IEC 61966-2-1)."""
    low, high = 12.92 * light, 1.055 * np.maximum(light, 0.0031308) ** (1 / 2.4) - 0.055
    return np.asarray(np.where(light <= 0.0031308, low, high), np.float32)


def linear(signal: Floats) -> Floats:
    """Undo `encoded`."""
    low, high = signal / 12.92, ((np.maximum(signal, 0.04045) + 0.055) / 1.055) ** 2.4
    return np.asarray(np.where(signal <= 0.04045, low, high), np.float32)


def unpremultiplied(samples: Floats, alpha: Floats | None) -> Floats:
    """Samples (H, W, C) divided by alpha (H, W), left as they are where it is 0 or None."""
    if alpha is None:
        return samples
    return np.divide(samples, alpha[..., None], out=samples.copy(), where=alpha[..., None] > 0)


def premultiplied(straight: Floats, alpha: Floats | None) -> Floats:
    """Samples (H, W, C) times alpha (H, W), or as they are without one."""
    return straight if alpha is None else straight * alpha[..., None]


def as_floats(light: Floats, dtype: DTypeLike) -> NDArray[Any]:
    """Light as half or single floats; values that a half float cannot hold become its largest ones."""
    return light.clip(-HALF_MAX, HALF_MAX).astype(dtype) if np.dtype(dtype) == np.float16 else light.astype(dtype)
