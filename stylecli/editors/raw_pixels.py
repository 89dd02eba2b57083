"""Raw pixels, as editors hand them over: bytes of R, G, B, A to what a network sees and back.

Floating point has no upper end: a pixel is divided by its highlight, the largest channel where that is above 1, before
the network sees it, and multiplied by it afterwards. It keeps its hue and gets its brightness back. Below 0 is 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import DTypeLike, NDArray

from stylecli.core.errors import UsageError
from stylecli.media.images.alpha import bleed
from stylecli.media.pixels import quantize, to_unit

Pixel = Literal["rgba8", "rgba16", "rgba16f", "rgba32f"]
Color = Literal["srgb", "linear"]  # sRGB-encoded, or linear light with sRGB's primaries
Alpha = Literal["straight", "premultiplied", "ignore"]

SAMPLES: dict[str, DTypeLike] = {"rgba8": "u1", "rgba16": "<u2", "rgba16f": "<f2", "rgba32f": "<f4"}
CHANNELS = 4
PIXELS_MAX = 2**28  # a frame of rgba8 is then 1 GiB; a wrong number must not ask for all memory
HALF_MAX = 65504.0  # the largest number of 16 bits
Floats = NDArray[np.float32]
Painter = Callable[[NDArray[Any]], NDArray[Any]]  # (H, W, 3), sRGB-encoded RGB; same shape and type


@dataclass(frozen=True)
class Layout:
    """How raw pixels lie in memory: rows from the top, no gaps, R, G, B, A, little-endian.

    pixel: the type of the samples. color: what they mean. alpha: whether colours were multiplied by it; with "ignore"
    the fourth sample is none, and stays as it is.

    Raises:
        UsageError: no pixels, too many, or a name that there is not.
    """

    width: int
    height: int
    pixel: Pixel = "rgba8"
    color: Color = "srgb"
    alpha: Alpha = "straight"

    def __post_init__(self) -> None:
        for value, known in ((self.pixel, Pixel), (self.color, Color), (self.alpha, Alpha)):
            if value not in get_args(known):
                raise UsageError(f"{value!r}: no such kind of pixels", hint=f"Give {', '.join(get_args(known))}.")
        if self.width < 1 or self.height < 1:
            raise UsageError(f"{self.width} x {self.height}: no pixels", hint="Width and height are 1 or more.")
        if self.width * self.height > PIXELS_MAX:
            raise UsageError(
                f"{self.width} x {self.height}: too many pixels",
                hint=f"At most {PIXELS_MAX // 10**6} megapixels are taken at once: make the picture smaller.",
            )

    @property
    def size(self) -> int:
        """Bytes of a picture."""
        return self.width * self.height * CHANNELS * np.dtype(SAMPLES[self.pixel]).itemsize


def repaint(data: bytes | bytearray, layout: Layout, painter: Painter) -> bytes:
    """Raw pixels with their colours painted anew; alpha stays. `data` has `layout.size` bytes.

    8 and 16 bits that are sRGB and straight reach the painter as they are, all else as float32. Where the painter
    returns what it got, the bytes come back untouched.
    """
    samples = np.frombuffer(data, SAMPLES[layout.pixel]).reshape(layout.height, layout.width, CHANNELS)
    is_plain = samples.dtype.kind == "u" and layout.color == "srgb" and layout.alpha != "premultiplied"
    painted = _paint_integers(samples, layout, painter) if is_plain else _paint_light(samples, layout, painter)
    return bytes(data) if painted is None else painted.tobytes()


def encoded(light: Floats) -> Floats:
    """Linear light in 0..1 by the sRGB curve (IEC 61966-2-1)."""
    low, high = 12.92 * light, 1.055 * np.maximum(light, 0.0031308) ** (1 / 2.4) - 0.055
    return np.asarray(np.where(light <= 0.0031308, low, high), np.float32)


def linear(signal: Floats) -> Floats:
    """Undo `encoded`."""
    low, high = signal / 12.92, ((np.maximum(signal, 0.04045) + 0.055) / 1.055) ** 2.4
    return np.asarray(np.where(signal <= 0.04045, low, high), np.float32)


def _paint_integers(samples: NDArray[Any], layout: Layout, painter: Painter) -> NDArray[Any] | None:
    alpha = samples[..., 3]
    pixels = np.empty((*alpha.shape, 3), samples.dtype)
    _copy_colors(samples, pixels)
    if layout.alpha != "ignore":
        pixels = _bled(pixels, alpha)
    painted = painter(pixels)
    if painted is pixels:
        return None
    result = samples.copy()
    _copy_colors(painted, result)
    return result


def _paint_light(samples: NDArray[Any], layout: Layout, painter: Painter) -> NDArray[Any] | None:
    unit: Floats = samples.astype(np.float32) if samples.dtype.kind == "f" else to_unit(samples)
    alpha = unit[..., 3:]
    is_premultiplied = layout.alpha == "premultiplied"
    color = unit[..., :3]
    if is_premultiplied:
        color = np.divide(color, alpha, out=color.copy(), where=alpha > 0)
    color = np.nan_to_num(color, posinf=HALF_MAX).clip(0, HALF_MAX)
    highlights = color.max(2, keepdims=True).clip(1, None)
    pixels = color / highlights
    if layout.color == "linear":
        pixels = encoded(pixels)
    if layout.alpha != "ignore":
        pixels = _bled(pixels, np.nan_to_num(alpha[..., 0]).clip(0, 1))
    painted = painter(pixels)
    if painted is pixels:
        return None
    painted = (linear(painted) if layout.color == "linear" else painted) * highlights
    if is_premultiplied:  # light without matter, such as a glow, is not painted: alpha would erase it
        painted = np.where(alpha == 0, unit[..., :3], painted * alpha)
    result = samples.copy()
    _copy_colors(_as_samples(painted, samples.dtype), result)
    return result


def _copy_colors(source: NDArray[Any], target: NDArray[Any]) -> None:
    for channel in range(3):  # one by one: numpy copies `[..., :3]` at a quarter of the speed
        target[..., channel] = source[..., channel]


def _as_samples(unit: Floats, dtype: np.dtype[Any]) -> NDArray[Any]:
    if dtype.kind == "u":
        return quantize(unit, dtype)
    return unit.clip(-HALF_MAX, HALF_MAX).astype(dtype) if dtype.itemsize == 2 else unit.astype(dtype)


def _bled(pixels: NDArray[Any], alpha: NDArray[Any]) -> NDArray[Any]:
    """Give what is transparent the colours around it: a network would smear black into the edges."""
    if alpha.min() > 0:
        return pixels
    import pyvips  # a native library that --help does not need

    color = pyvips.Image.new_from_array(pixels, interpretation="rgb16" if pixels.dtype.itemsize == 2 else "srgb")
    bled: NDArray[Any] = bleed(color, pyvips.Image.new_from_array(np.ascontiguousarray(alpha))).numpy()
    return bled
