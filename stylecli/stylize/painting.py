"""Paint a picture: the network at the stroke size, upsampling, strength, the photo's colours, the mask."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stylecli.inference.engine import Engine
from stylecli.inference.normalization import Statistics
from stylecli.media.pixels import LUMA, Floats, quantize, to_unit
from stylecli.media.resizing import Region, Resized, resize
from stylecli.packs.card import ModelFile
from stylecli.stylize.detailing import add_detail, detail_weights
from stylecli.stylize.filling import stroke_texture, with_strokes
from stylecli.stylize.look import AUTO_SHORT_SIDE, Brush, Look

BAND = 512  # rows of a large picture that are upsampled at once


def paint(
    engine: Engine,
    pixels: NDArray[Any],
    look: Look,
    *,
    statistics: Statistics | None = None,
) -> NDArray[Any]:
    """Stylize a picture (H, W, 3), sRGB-encoded RGB, uint8, uint16 or float32 in 0..1. Same shape and type.

    Strength 0 and a black mask return the samples unchanged, or those of `look.over`. `statistics` come from
    `engine.measure`, for a frame of a video those of its scene; None measures this picture.

    Raises:
        DeviceError: out of memory.
    """
    if look.strength == 0 and look.over is None:
        return pixels
    height, width = pixels.shape[:2]
    work = _work_on(pixels, engine, look)
    if work.small is pixels and work.details is None and _is_plain(engine, pixels, look):
        painted = np.empty_like(pixels)
        for tile, levels in engine.stylized_bytes(work.seen, statistics, flow=look.flow):
            painted[tile.shown] = levels
        return painted
    mask = None if look.mask is None else Resized(look.mask[..., None], height, width)
    over = None if look.over is None else Resized(look.over, height, width)
    painted = np.empty_like(pixels)
    for place, photo, stylized in _pieces(engine, pixels, work, statistics, look.flow):
        piece = with_colors_of(photo, stylized) if look.preserve_color else stylized
        if look.strength < 1 or mask is not None:
            weight = look.strength if mask is None else look.strength * mask[place]
            below = photo if over is None else over[place]
            piece = (1 - weight) * below + weight * piece  # exact at both ends, unlike photo + weight * change
        painted[place] = quantize(piece, pixels.dtype)
    return painted


def fingerprint(engine: Engine, model: ModelFile, look: Look) -> dict[str, str]:
    """Return everything that affects the result of `paint`, by name. Equal fingerprints give equal pixels."""
    import onnxruntime  # loaded already by the engine

    flow = engine.flow if look.flow is None else look.flow  # of frames of videos too, unlike what else styles say
    return {
        "style": model.sha256,
        "device": engine.device,
        "look": look_fingerprint(replace(look, flow=flow)),
        "onnxruntime": onnxruntime.__version__,
    }


def look_fingerprint(look: Look) -> str:
    """Return the look as text; equal texts mean equal looks. The mask and `over` are represented by hashes."""
    mask, over = ("" if one is None else hashlib.sha256(one.tobytes()).hexdigest() for one in (look.mask, look.over))
    text = f"strength {look.strength}, preserve color {look.preserve_color}, brush {look.brush}, mask {mask}"
    others = {"over": over, "fill": look.fill, "detail": look.detail, "flow": look.flow}
    return ", ".join([text, *(f"{name} {value}" for name, value in others.items() if value not in ("", None))])


def weight_of(look: Look, height: int, width: int) -> float | NDArray[np.float32]:
    """Return the share of the result that is not the photo: one number, or with a mask one for each pixel (H, W)."""
    if look.over is not None:
        return 1.0
    if look.mask is None:
        return look.strength
    return look.strength * resize(look.mask[..., None], height, width)[..., 0]


def with_colors_of(photo: NDArray[np.float32], stylized: NDArray[np.float32]) -> NDArray[np.float32]:
    """Combine the luma of `stylized` with the chroma of `photo` (luminance-only transfer, Gatys et al. 2016b)."""
    change = (stylized - photo) @ LUMA
    return np.clip(photo + change[..., None], 0, 1)


def working_size(height: int, width: int, brush: Brush) -> tuple[int, int]:
    """Return the height and width in pixels at which the network works."""
    if brush == "native":
        scale = 1.0
    elif brush == "auto":
        scale = min(1.0, AUTO_SHORT_SIDE / min(height, width))
    else:
        scale = 1 / brush
    return max(1, round(height * scale)), max(1, round(width * scale))


def at_working_size(pixels: NDArray[Any], brush: Brush) -> NDArray[Any]:
    """Return the network's input for a picture (H, W, 3): the picture itself, or float32 at the working size."""
    height, width = pixels.shape[:2]
    size = working_size(height, width, brush)
    return pixels if size == (height, width) else resize(pixels, *size)


class _Work(NamedTuple):
    """What a network works on.

    small: the photo at the working size, the very array if it has it already. seen: the same with strokes in the empty
    areas. details: where and how much fine strokes show, as `add_detail` takes it; None: nowhere.
    """

    small: NDArray[Any]
    seen: NDArray[Any]
    details: Floats | None


def _work_on(pixels: NDArray[Any], engine: Engine, look: Look) -> _Work:
    small = at_working_size(pixels, look.brush)
    fill = engine.fill if look.fill is None else look.fill
    detail = engine.detail if look.detail is None else look.detail
    seen = with_strokes(small, stroke_texture(small), fill) if fill else small
    weights = detail_weights(small) if detail else None
    return _Work(small, seen, None if weights is None else np.float32(detail) * weights)


def _is_plain(engine: Engine, pixels: NDArray[Any], look: Look) -> bool:
    """Whether the network's 8-bit output is the final result, for a picture at the working size."""
    is_untouched = look.strength == 1 and look.mask is None and not look.preserve_color
    return is_untouched and pixels.dtype == np.uint8 and engine.paints_bytes


def _pieces(
    engine: Engine, pixels: NDArray[Any], work: _Work, statistics: Statistics | None, flow: float | None
) -> Iterator[tuple[Region, NDArray[np.float32], NDArray[np.float32]]]:
    """Paint piece by piece to save memory: (place, photo, stylized), both pictures in 0..1."""
    if work.small is pixels and work.details is None:
        for tile, piece in engine.stylized_tiles(work.seen, statistics, flow=flow):
            yield tile.shown, to_unit(pixels[tile.shown]), piece
        return
    if work.details is None:
        stylized = engine.stylize(work.seen, statistics, flow=flow)
    else:
        statistics = engine.measure(work.seen) if statistics is None else statistics
        stylized = engine.stylize(work.seen, statistics, flow=flow)
        add_detail(stylized, pixels, engine, work.details, statistics)
    yield from _at_full_size(pixels, work.small, stylized)


def _at_full_size(
    pixels: NDArray[Any],
    small: NDArray[np.float32],
    stylized: NDArray[np.float32],
) -> Iterator[tuple[Region, NDArray[np.float32], NDArray[np.float32]]]:
    """Upsample the stylized picture and add back the photo detail lost at the working size, if it is another one.

    The detail is the top band of a Laplacian pyramid (Burt and Adelson 1983). It is added to the luma only: colour
    detail would show as fringes along painted edges.
    """
    height, width = pixels.shape[:2]
    coarse, painted = Resized(small, height, width), Resized(stylized, height, width)
    for place in _bands(height, width):
        photo, piece = to_unit(pixels[place]), painted[place]
        if small is not pixels and len(small) <= height:
            lost = (photo - coarse[place]) @ LUMA
            piece = np.clip(piece + lost[..., None], 0, 1)
        yield place, photo, piece


def _bands(height: int, width: int) -> Iterator[Region]:
    for top in range(0, height, BAND):
        yield slice(top, min(top + BAND, height)), slice(0, width)
