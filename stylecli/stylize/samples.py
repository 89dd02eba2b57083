"""Samples of a photo, each the mean of STEP x STEP pixels: what is computed on them, and enlarged to the photo's size.

The files of `stylecli/web/page` compute the same in a browser, so a sample covers exactly STEP x STEP pixels.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylecli.media.enlarging import enlarged
from stylecli.media.pixels import Floats

STEP = 4  # pixels


def samples_of(pixels: NDArray[Any]) -> Floats:
    """Return the mean of each STEP x STEP pixels of a picture (H, W, 3) of any type: (H / 4, W / 4, 3), in 0..1."""
    import pyvips  # a native library that --help does not need

    most = 1 if pixels.dtype == np.float32 else np.iinfo(pixels.dtype).max
    means: Floats = (pyvips.Image.new_from_array(pixels) / most).shrink(STEP, STEP, ceil=True).numpy()
    return means


def at_full_size(samples: Floats, height: int, width: int) -> Iterator[tuple[slice, Floats]]:
    """Enlarge samples (H / 4, W / 4): yields rows of the picture (H, W) from top to bottom, and their values (rows, W).

    The values lie in a buffer, which the next rows overwrite.
    """
    for rows, values in enlarged(samples[None], STEP * len(samples), STEP * samples.shape[1]):
        bottom = min(rows.stop, height)
        yield slice(rows.start, bottom), values[0, : bottom - rows.start, :width]
