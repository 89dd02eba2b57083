"""Raw pixels of editors: bytes of R, G, B, A to what a network sees and back.

Floating point has no upper limit. A pixel is divided by its highlight (the largest channel where that is above 1)
before the network sees it, and multiplied by it afterwards: it keeps its hue and its brightness. Values below 0 are
seen as 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylecli.editors.half_floats import half_floats, single_floats
from stylecli.editors.layout import CHANNELS, SAMPLES, Alpha, Color, Layout
from stylecli.media.images.alpha import bled
from stylecli.media.linear_light import (
    as_samples,
    encoded,
    linear,
    premultiplied,
    unpremultiplied,
    without_highlights,
)
from stylecli.media.pixels import to_unit

Paint = Callable[[NDArray[Any]], NDArray[Any]]  # (H, W, 3), sRGB-encoded RGB; same shape and type


def repaint(data: bytes | bytearray, layout: Layout, paint: Paint) -> bytes:
    """Paint the colours of raw pixels anew; alpha stays. `data` has `layout.size` bytes.

    Straight sRGB of 8 and 16 bits reaches `paint` as it is, everything else as float32. Where `paint` returns its
    argument, the bytes come back unchanged.
    """
    samples = np.frombuffer(data, SAMPLES[layout.pixel]).reshape(layout.height, layout.width, CHANNELS)
    painted = repainted(samples, layout.color, layout.alpha, paint)
    return bytes(data) if painted is samples else painted.tobytes()


def repainted(samples: NDArray[Any], color: Color, alpha: Alpha, paint: Paint) -> NDArray[Any]:
    """As `repaint`, of an array (H, W, 4); the array itself where `paint` changes nothing."""
    is_plain = samples.dtype.kind == "u" and color == "srgb" and alpha != "premultiplied"
    painted = _paint_integers(samples, alpha, paint) if is_plain else _paint_light(samples, color, alpha, paint)
    return samples if painted is None else painted


def _paint_integers(samples: NDArray[Any], alpha: Alpha, paint: Paint) -> NDArray[Any] | None:
    pixels = _colors_of(samples)
    if alpha != "ignore":
        pixels = bled(pixels, samples[..., 3])
    painted = paint(pixels)
    if painted is pixels:
        return None
    result = samples.copy()
    _copy_colors(painted, result)
    return result


def _paint_light(samples: NDArray[Any], color: Color, alpha: Alpha, paint: Paint) -> NDArray[Any] | None:
    floats = single_floats if samples.dtype == np.float16 else to_unit
    colors, coverage = floats(_colors_of(samples)), floats(np.ascontiguousarray(samples[..., 3]))
    is_opaque = bool((coverage == 1).all())  # most frames are, and have no highlights: both save half of the time
    multiplier = coverage if alpha == "premultiplied" and not is_opaque else None
    straight = unpremultiplied(colors, multiplier)
    pixels, highlights = straight, None
    if not (straight.min() >= 0 and straight.max() <= 1):  # also where there is NaN
        pixels, highlights = without_highlights(straight)
    if color == "linear":
        pixels = encoded(pixels)
    if alpha != "ignore" and not is_opaque:
        pixels = bled(pixels, np.nan_to_num(coverage).clip(0, 1))
    painted = paint(pixels)
    if painted is pixels:
        return None
    if color == "linear":
        painted = linear(painted)
    if highlights is not None:
        painted = painted * highlights
    painted = premultiplied(painted, multiplier)
    if multiplier is not None:  # light without matter, such as a glow, is not painted: alpha would erase it
        painted = np.where(multiplier[..., None] == 0, colors, painted)
    result = np.empty_like(samples)
    _copy_colors(half_floats(painted) if samples.dtype == np.float16 else as_samples(painted, samples.dtype), result)
    result[..., 3] = samples[..., 3]
    return result


def _colors_of(samples: NDArray[Any]) -> NDArray[Any]:
    """R, G and B of samples, as a contiguous array (H, W, 3)."""
    colors = np.empty((*samples.shape[:2], 3), samples.dtype)
    _copy_colors(samples, colors)
    return colors


def _copy_colors(source: NDArray[Any], target: NDArray[Any]) -> None:
    for channel in range(3):  # one by one: numpy copies `[..., :3]` at a quarter of the speed
        target[..., channel] = source[..., channel]
