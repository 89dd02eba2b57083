"""Previews of a photo in many styles: what all of them take from the photo is computed once.

The pixels are those of `painting.paint` to within one level of 8 bits, or three where `enlarging` says so: the same
arithmetic in another order.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stylecli.inference.engine import Engine
from stylecli.media.enlarging import enlarged
from stylecli.media.pixels import LUMA, Floats, quantize, to_unit
from stylecli.media.resizing import resize
from stylecli.stylize.detailing import add_detail, detail_weights
from stylecli.stylize.filling import stroke_texture, with_strokes
from stylecli.stylize.look import Brush
from stylecli.stylize.painting import at_working_size
from stylecli.stylize.samples import at_full_size


class PreparedPhoto(NamedTuple):
    """What painting takes from a photo with one stroke size.

    small: the photo at the size at which the network works, (h, w, 3). texture: from `stroke_texture` of it;
    None: no strokes. strokes: the texture at the size of `small`; None where `small` is the photo itself, too.
    lost: what the photo has more than `small` enlarged, luma (H, W); None where `small` is not smaller. details: from
    `detail_weights` of `small`; None: no fine strokes. photo: the photo itself (H, W, 3).
    """

    small: NDArray[Any]
    texture: Floats | None
    strokes: Floats | None
    lost: Floats | None
    details: Floats | None
    photo: NDArray[np.uint8]


def prepare_photo(photo: NDArray[np.uint8], brush: Brush, *, fills: bool = True, details: bool = True) -> PreparedPhoto:
    """Prepare a photo (H, W, 3) for `paint_prepared`.

    fills: False puts no strokes into empty areas, whatever a style says; details: False paints no fine strokes.
    """
    small = at_working_size(photo, brush)
    weights = detail_weights(small) if details else None
    texture = stroke_texture(small) if fills else None
    if small is photo:
        return PreparedPhoto(small, texture, None, None, weights, photo)
    (height, width), (small_height, small_width) = photo.shape[:2], small.shape[:2]
    strokes = None
    if texture is not None:
        strokes = np.empty((small_height, small_width), np.float32)
        for rows, piece in at_full_size(texture, small_height, small_width):
            strokes[rows] = piece
    planes = np.ascontiguousarray(small.transpose(2, 0, 1))
    if height <= small_height and width <= small_width:
        return PreparedPhoto(planes.transpose(1, 2, 0), texture, strokes, None, weights, photo)
    lost = np.empty((height, width), np.float32)
    for rows, coarse in enlarged(planes, height, width):
        np.clip(coarse, 0, 1, out=coarse)
        lost[rows] = to_unit(photo[rows]) @ LUMA - np.einsum("c,crw->rw", LUMA, coarse)
    return PreparedPhoto(planes.transpose(1, 2, 0), texture, strokes, lost, weights, photo)


def paint_prepared(
    prepared: PreparedPhoto,
    engine: Engine,
    out: NDArray[np.uint8],
    *,
    fill: float | None = None,
    detail: float | None = None,
    flow: float | None = None,
) -> None:
    """Paint a photo wholly in a style, into `out` (H, W, 3).

    fill: strokes in empty areas, 0 to 2; None: as the style says. detail, flow: fine strokes, and how far strokes are
    drawn out, 0 to 1, likewise.

    Raises:
        DeviceError: out of memory.
    """
    height, width = out.shape[:2]
    seen = _seen(prepared, engine.fill if fill is None else fill)
    amount = engine.detail if detail is None else detail
    weights = prepared.details if amount else None
    if seen.dtype == np.uint8 and weights is None:  # the photo at its own size
        if engine.paints_bytes:
            for tile, levels in engine.stylized_bytes(seen, flow=flow):
                out[tile.shown] = levels
        else:
            out[:] = quantize(engine.stylize(seen, flow=flow), np.uint8)
        return
    planes = np.empty((3, *seen.shape[:2]), np.float32)
    painted, statistics = planes.transpose(1, 2, 0), None if weights is None else engine.measure(seen)
    for tile, stylized in engine.stylized_tiles(seen, statistics, flow=flow):
        painted[tile.shown] = stylized
    if weights is not None and statistics is not None:
        add_detail(painted, prepared.photo, engine, np.float32(amount) * weights, statistics)
    if prepared.lost is None:
        out[:] = quantize(resize(np.ascontiguousarray(planes.transpose(1, 2, 0)), height, width), np.uint8)
        return
    for rows, pieces in enlarged(planes, height, width):
        for channel in range(3):
            levels = pieces[channel]  # few rows of one plane: they stay in the processor's cache
            np.clip(levels, 0, 1, out=levels)
            levels += prepared.lost[rows]
            np.clip(levels, 0, 1, out=levels)
            levels *= 255
            levels += 0.5
            out[rows, :, channel] = levels


def _seen(prepared: PreparedPhoto, amount: float) -> NDArray[Any]:
    """Return the network's input (h, w, 3): the photo with `amount` times the strokes."""
    if amount == 0 or prepared.texture is None:
        return prepared.small
    if prepared.strokes is None:
        return with_strokes(prepared.small, prepared.texture, amount)
    seen: NDArray[Any] = np.clip(prepared.small + np.float32(amount) * prepared.strokes[..., None], 0, 1)
    return seen
