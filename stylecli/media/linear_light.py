"""Scene-linear light to what a network sees and back: the sRGB curve, premultiplied alpha, highlights above 1."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from stylecli.media.pixels import Floats, quantize

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


def without_highlights(color: Floats) -> tuple[Floats, Floats]:
    """Straight colour (H, W, 3) brought into 0..1, and what it was divided by, (H, W, 1).

    The divisor is the largest channel where that is above 1, else 1: hue stays, and painted colour times the divisor
    has the brightness back. Negative values and NaN become 0.
    """
    finite = np.nan_to_num(color, posinf=HALF_MAX).clip(0, HALF_MAX)
    red, green, blue = np.moveaxis(finite, 2, 0)
    highlights = np.maximum(np.maximum(red, green), blue).clip(1, None)[..., None]  # `max(2)` takes ten times as long
    return finite / highlights, highlights


def as_samples(light: Floats, dtype: DTypeLike) -> NDArray[Any]:
    """Values as samples of a file: integers rounded and clipped from 0..1, half floats within their range."""
    wanted = np.dtype(dtype)
    if wanted.kind == "u":
        return quantize(light, wanted)
    return light.clip(-HALF_MAX, HALF_MAX).astype(wanted) if wanted.itemsize == 2 else light.astype(wanted)
