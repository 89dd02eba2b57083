"""Colour under transparent pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from stylecli.media.images.profiles import SAMPLE_MAX

if TYPE_CHECKING:
    from numpy.typing import NDArray


def bleed(color: Any, alpha: Any) -> Any:
    """Fill fully transparent pixels with the colour around them. A wholly transparent picture stays as it is.

    Files hold black or garbage there, which a network would smear into the visible edges.
    """
    if alpha.min() > 0 or alpha.max() == 0:
        return color
    # Nearly transparent pixels, whose colours are rough, also count for little.
    return _fill(color.copy_memory(), alpha / SAMPLE_MAX[alpha.format]).cast(color.format)


def bled(pixels: NDArray[Any], alpha: NDArray[Any]) -> NDArray[Any]:
    """Fill fully transparent pixels as `bleed` does, of arrays (H, W, 3) and (H, W), uint8, uint16 or float32 in 0..1.

    Returns `pixels` itself where nothing changes.
    """
    import pyvips  # a native library that --help does not need

    if alpha.min() > 0 or alpha.max() == 0:
        return pixels
    # libvips reads these arrays later, at `numpy()`, and does not keep them.
    color, weight = np.ascontiguousarray(pixels), np.ascontiguousarray(alpha)
    filled: NDArray[Any] = bleed(pyvips.Image.new_from_array(color), pyvips.Image.new_from_array(weight)).numpy()
    return filled


def _fill(color: Any, weight: Any) -> Any:
    """Pull-push (Gortler et al. 1996): where the weight is 0, colour comes from the same place at half the size."""
    if weight.min() > 0:
        return color
    half_weight = weight.shrink(2, 2, ceil=True).copy_memory()
    half_color = ((color * weight).shrink(2, 2, ceil=True) / half_weight).copy_memory()  # 0 / 0 is 0 in libvips
    surroundings = _twice(_fill(half_color, half_weight), color.width, color.height)
    return (weight > 0).ifthenelse(color, surroundings)


def _twice(image: Any, width: int, height: int) -> Any:
    """Enlarge smoothly by 2. `resize` of libvips would shift by half a pixel, at each level of a pyramid."""
    import pyvips  # a native library that --help does not need

    bilinear = pyvips.Interpolate.new("bilinear")
    area = [0, 0, width, height]
    return image.affine([2, 0, 0, 2], interpolate=bilinear, oarea=area, odx=0.5, ody=0.5, extend="copy")
