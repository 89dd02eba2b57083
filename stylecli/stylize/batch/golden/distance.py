"""How far apart two pictures look, as one number, and a picture that shows where.

The colour difference CIEDE2000 (Sharma et al. 2005) of both pictures after a blur, as in S-CIELAB (Zhang and Wandell
1997): what the eye averages away does not count. The number is the largest average over a spot, so a small fault counts
as much as one everywhere. A difference of 2.3 is just noticeable (Mahy et al. 1994, of CIELAB's older formula).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyvips
from numpy.typing import NDArray

from stylecli.media.pixels import quantize, to_unit

NOTICEABLE = 2.3  # CIEDE2000
BLUR = 1.5  # pixels, standard deviation: finer detail is taken as its average
SPOT = 8.0  # pixels, standard deviation of the spot over which differences are averaged
BRIGHTEST = 4 * NOTICEABLE  # the difference that a map shows in its last colour, at least


@dataclass(frozen=True)
class Difference:
    """distance: 0 for equal pictures, in units of CIEDE2000.

    map: (H, W, 3) uint8, from dark blue where they are equal to red where the distance is `brightest`.
    """

    distance: float
    brightest: float
    map: NDArray[np.uint8]


def difference(first: NDArray[Any], second: NDArray[Any]) -> Difference:
    """Compare two pictures (H, W, 3), sRGB-encoded, of one size and any sample type."""
    spots = _blurred_lab(first).dE00(_blurred_lab(second)).gaussblur(SPOT).copy_memory()
    distance = float(spots.max())
    brightest = max(BRIGHTEST, distance)
    shown = (spots * (255 / brightest)).cast("uchar").falsecolour()
    colors: NDArray[np.uint8] = shown.numpy()
    return Difference(distance, brightest, colors)


def _blurred_lab(pixels: NDArray[Any]) -> pyvips.Image:
    samples = np.ascontiguousarray(quantize(to_unit(pixels), np.uint8))
    return pyvips.Image.new_from_array(samples, interpretation="srgb").colourspace("lab").gaussblur(BLUR)
