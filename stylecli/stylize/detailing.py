"""Fine strokes where the photo has detail.

Painters block a picture in with large brushes and take small ones for eyes, hands and masts (Hertzmann 1998). So the
photo is painted a second time at twice the size, where the strokes of a network are half as large, and that shows where
the photo has more contrast than its surroundings: eyes in a face, but no texture that covers everything.

`stylecli/web/page/detailing.js` computes the same weights in a browser.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylecli.inference.engine import Engine
from stylecli.inference.normalization import Statistics
from stylecli.inference.tiles import Pixels
from stylecli.media.blurring import blurred
from stylecli.media.enlarging import enlarged
from stylecli.media.pixels import LUMA, Floats, to_unit
from stylecli.media.resizing import Resized
from stylecli.stylize.samples import at_full_size, samples_of

FINER = 2  # how many times smaller the fine strokes are; `_shrunk` relies on it
FINE_SHORT_SIDE = 960  # pixels of a picture's short side above which all its strokes are fine
SMOOTH = 1.5  # standard deviations, in samples: detail is what differs from the picture blurred by this
NEAR = 4.0  # of the neighbourhood in which detail counts
SURROUNDINGS = 40.0  # of the neighbourhood that it is compared with
SOFT = 3.0  # of the borders between fine and other strokes
QUIET = 0.01  # contrast, in 0..1, added to that of the surroundings, so that noise in a clear sky is no detail
USUAL, STRIKING = 0.6, 1.4  # contrast relative to the surroundings, from which fine strokes begin, and are all


def detail_weights(pixels: NDArray[Any]) -> Floats | None:
    """Return where a picture (H, W, 3) of any type, at the size at which the network works, gets fine strokes.

    (H / 4, W / 4), rounded up, in 0..1; None: nowhere. Equal pictures have equal weights.
    """
    if min(pixels.shape[:2]) > FINE_SHORT_SIDE:
        return None
    brightness: Floats = samples_of(pixels) @ LUMA
    energy = (brightness - blurred(brightness, SMOOTH)) ** 2
    contrast = np.sqrt(blurred(energy, NEAR)) / (np.sqrt(blurred(energy, SURROUNDINGS)) + np.float32(QUIET))
    striking = np.clip((contrast - np.float32(USUAL)) / np.float32(STRIKING - USUAL), 0, 1)
    return blurred(striking, SOFT) if striking.any() else None


def add_detail(stylized: Floats, photo: NDArray[Any], engine: Engine, weights: Floats, statistics: Statistics) -> None:
    """Put fine strokes into `stylized` (h, w, 3), a photo of any size that was painted with these `statistics`.

    weights: those of `detail_weights`, or a share of them.

    Raises:
        DeviceError: out of memory.
    """
    height, width = stylized.shape[:2]
    shares = np.empty((height, width), np.float32)
    for rows, values in at_full_size(weights, height, width):
        shares[rows] = np.clip(values, 0, 1)
    large = _resized(photo, FINER * height, FINER * width)
    for tile, fine in engine.stylized_tiles(large, statistics, flow=0):  # drawn out, they would lose the detail
        rows, columns = (slice(side.start // FINER, side.stop // FINER) for side in tile.shown)
        place = stylized[rows, columns]
        place += shares[rows, columns, None] * (_shrunk(fine) - place)


def _resized(photo: NDArray[Any], height: int, width: int) -> Pixels:
    """Return a photo (H, W, 3) of any type at another size: as it is read if it shrinks, else at once, for speed."""
    if photo.shape[0] > height or photo.shape[1] > width:
        return Resized(photo, height, width)
    planes = np.empty((3, height, width), np.float32)
    for rows, values in enlarged(to_unit(np.ascontiguousarray(photo.transpose(2, 0, 1))), height, width):
        np.clip(values, 0, 1, out=planes[:, rows])
    return planes.transpose(1, 2, 0)


def _shrunk(fine: Floats) -> Floats:
    """Return the mean of each 2 x 2 pixels."""
    pairs = fine[::2] + fine[1::2]
    means: Floats = np.float32(0.25) * (pairs[:, ::2] + pairs[:, 1::2])
    return means
