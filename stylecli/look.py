"""What is done around the network: stroke size, strength, the photo's own colours, a mask."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from stylecli.card import ModelFile
from stylecli.engine import Engine, quantize, to_unit
from stylecli.errors import UsageError

Brush = float | Literal["auto", "native"]

AUTO_SHORT_SIDE = 1080  # pixels: `auto` works on at most this, so that a 4K picture and its proxy look alike
BRUSH_RANGE = (0.25, 16.0)
LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)  # of R'G'B', ITU-R BT.709


@dataclass(frozen=True)
class Look:
    """How a style is applied.

    strength: 0 gives the photo's own pixels, 1 the network's.
    preserve_color: brightness from the network, colour from the photo.
    mask: (H, W) in 0..1, 1 where the style is wanted; any size, it is stretched over the picture.
    brush: stroke size; the network works at 1/brush of the picture's size, "native" is 1.
    """

    strength: float = 1.0
    preserve_color: bool = False
    mask: NDArray[np.float32] | None = None
    brush: Brush = "auto"

    def __post_init__(self) -> None:
        if not 0 <= self.strength <= 1:
            raise UsageError(f"strength {self.strength:g}: out of range", hint="Give 0 (the photo) to 1 (the style).")
        low, high = BRUSH_RANGE
        if not isinstance(self.brush, str) and not low <= self.brush <= high:
            raise UsageError(f"brush {self.brush:g}: out of range", hint=f"Give auto, native, or {low:g} to {high:g}.")


def paint(engine: Engine, pixels: NDArray[Any], look: Look) -> NDArray[Any]:
    """Stylize a picture (H, W, 3), sRGB-encoded RGB; same shape and type.

    Where nothing is to change (strength 0, a black mask) the samples come back untouched.
    """
    if look.strength == 0:
        return pixels
    photo = to_unit(pixels)
    stylized = _at_brush_size(engine, photo, look.brush)
    if look.preserve_color:
        stylized = with_colors_of(photo, stylized)
    weight: NDArray[np.float32] | np.float32 = np.float32(look.strength)
    if look.mask is not None:
        weight = weight * resize(look.mask[..., None], *photo.shape[:2])
    if look.strength < 1 or look.mask is not None:
        stylized = (1 - weight) * photo + weight * stylized  # exact at both ends, unlike photo + weight * change
    return quantize(stylized, pixels.dtype)


def recipe(engine: Engine, model: ModelFile, look: Look) -> dict[str, str]:
    """All that decides what `paint` makes of a picture, by names that people know."""
    import onnxruntime  # loaded already by the engine

    mask = "" if look.mask is None else hashlib.sha256(look.mask.tobytes()).hexdigest()
    return {
        "style": model.sha256,
        "device": engine.device,
        "look": f"strength {look.strength}, preserve color {look.preserve_color}, brush {look.brush}, mask {mask}",
        "onnxruntime": onnxruntime.__version__,
    }


def with_colors_of(photo: NDArray[np.float32], stylized: NDArray[np.float32]) -> NDArray[np.float32]:
    """The luma of `stylized` with the colour differences of `photo` (luminance-only transfer, Gatys et al. 2016b)."""
    change = (stylized - photo) @ LUMA
    return np.clip(photo + change[..., None], 0, 1)


def working_size(height: int, width: int, brush: Brush) -> tuple[int, int]:
    """Height and width in pixels at which the network works."""
    if brush == "native":
        scale = 1.0
    elif brush == "auto":
        scale = min(1.0, AUTO_SHORT_SIDE / min(height, width))
    else:
        scale = 1 / brush
    return max(1, round(height * scale)), max(1, round(width * scale))


def resize(picture: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """A picture (H, W, C) in 0..1 at another size: anti-aliased Lanczos when it shrinks, bicubic when it grows."""
    rows, columns = picture.shape[:2]
    if (rows, columns) == (height, width):
        return picture
    import pyvips  # a native library that --help does not need

    across, down = width / columns, height / rows
    source = pyvips.Image.new_from_array(picture)
    if across > 1 or down > 1:
        # Not `resize`, which moves a picture that it enlarges by half a pixel (libvips 8.18): the centres must meet.
        place = {"oarea": [0, 0, width, height], "odx": (across - 1) / 2, "ody": (down - 1) / 2, "extend": "copy"}
        scaled = source.affine([across, 0, 0, down], interpolate=pyvips.Interpolate.new("bicubic"), **place)
    else:
        scaled = source.resize(across, vscale=down, kernel="lanczos3")
    if (scaled.width, scaled.height) != (width, height):  # `resize` rounds the size itself, at times the other way
        scaled = scaled.gravity("centre", width, height, extend="copy")
    resized: NDArray[np.float32] = np.clip(scaled.numpy().reshape(height, width, -1), 0, 1)
    return resized


def _at_brush_size(engine: Engine, photo: NDArray[np.float32], brush: Brush) -> NDArray[np.float32]:
    """Stylize at the brush's size; on the way back add the detail of the photo that the smaller size cannot hold.

    The detail is the top band of a Laplacian pyramid (Burt and Adelson 1983), of the luma only: colour at that scale
    would fringe the painted edges.
    """
    height, width = photo.shape[:2]
    size = working_size(height, width, brush)
    if size == (height, width):
        return engine.stylize(photo)
    small = resize(photo, *size)
    stylized = resize(engine.stylize(small), height, width)
    if size[0] > height:
        return stylized
    detail = (photo - resize(small, height, width)) @ LUMA
    return np.clip(stylized + detail[..., None], 0, 1)
