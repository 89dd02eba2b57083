"""What is done around the network: stroke size, strength, the photo's own colours, a mask."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from stylecli.core.errors import UsageError
from stylecli.inference.engine import Engine
from stylecli.inference.normalization import Statistics
from stylecli.media.pixels import LUMA, quantize, to_unit
from stylecli.media.resizing import Region, Resized, resize
from stylecli.packs.card import ModelFile

Brush = float | Literal["auto", "native"]

AUTO_SHORT_SIDE = 1080  # pixels: `auto` works on at most this, so that a 4K picture and its proxy look alike
BRUSH_RANGE = (0.25, 16.0)
BAND = 512  # rows of a large picture that are brought back from the brush's size at once


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

    def weight(self, height: int, width: int) -> float | NDArray[np.float32]:
        """How much of a picture of this size is painted: one number, or with a mask one for each pixel (H, W)."""
        if self.mask is None:
            return self.strength
        return self.strength * resize(self.mask[..., None], height, width)[..., 0]


def paint(engine: Engine, pixels: NDArray[Any], look: Look, *, statistics: Statistics | None = None) -> NDArray[Any]:
    """Stylize a picture (H, W, 3), sRGB-encoded RGB; same shape and type.

    Where nothing is to change (strength 0, a black mask) the samples come back untouched. `statistics` are those of the
    scene that the picture belongs to, as `engine.measure` gives them; None takes the picture's own.
    """
    if look.strength == 0:
        return pixels
    height, width = pixels.shape[:2]
    if _is_plain(engine, pixels, look):
        painted = np.empty_like(pixels)
        for tile, levels in engine.stylized_bytes(pixels, statistics):
            painted[tile.shown] = levels
        return painted
    mask = None if look.mask is None else Resized(look.mask[..., None], height, width)
    painted = np.empty_like(pixels)
    for place, photo, stylized in _pieces(engine, pixels, look.brush, statistics):
        piece = with_colors_of(photo, stylized) if look.preserve_color else stylized
        if look.strength < 1 or mask is not None:
            weight = look.strength if mask is None else look.strength * mask[place]
            piece = (1 - weight) * photo + weight * piece  # exact at both ends, unlike photo + weight * change
        painted[place] = quantize(piece, pixels.dtype)
    return painted


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


def at_working_size(pixels: NDArray[Any], brush: Brush) -> NDArray[Any]:
    """What the network gets of a picture (H, W, 3): the picture itself, or float32 at another size."""
    height, width = pixels.shape[:2]
    size = working_size(height, width, brush)
    return pixels if size == (height, width) else resize(pixels, *size)


def _is_plain(engine: Engine, pixels: NDArray[Any], look: Look) -> bool:
    """Whether the network's own bytes are the result, with nothing left to do around it."""
    height, width = pixels.shape[:2]
    is_untouched = look.strength == 1 and look.mask is None and not look.preserve_color
    at_size = working_size(height, width, look.brush) == (height, width)
    return is_untouched and at_size and pixels.dtype == np.uint8 and engine.paints_bytes


def _pieces(
    engine: Engine, pixels: NDArray[Any], brush: Brush, statistics: Statistics | None
) -> Iterator[tuple[Region, NDArray[np.float32], NDArray[np.float32]]]:
    """The picture piece by piece, so that only its samples are ever held whole: place, photo, stylized, in 0..1."""
    small = at_working_size(pixels, brush)
    if small is pixels:
        for tile, photo, stylized in engine.stylized_tiles(pixels, statistics):
            yield tile.shown, photo, stylized
    else:
        yield from _at_full_size(pixels, small, engine.stylize(small, statistics))


def _at_full_size(
    pixels: NDArray[Any], small: NDArray[np.float32], stylized: NDArray[np.float32]
) -> Iterator[tuple[Region, NDArray[np.float32], NDArray[np.float32]]]:
    """Bring what was stylized at the brush's size back, with the detail of the photo that this size cannot hold.

    The detail is the top band of a Laplacian pyramid (Burt and Adelson 1983), of the luma only: colour at that scale
    would fringe the painted edges.
    """
    height, width = pixels.shape[:2]
    coarse, painted = Resized(small, height, width), Resized(stylized, height, width)
    for top in range(0, height, BAND):
        place = (slice(top, min(top + BAND, height)), slice(0, width))
        photo, piece = to_unit(pixels[place]), painted[place]
        if len(small) <= height:
            detail = (photo - coarse[place]) @ LUMA
            piece = np.clip(piece + detail[..., None], 0, 1)
        yield place, photo, piece
