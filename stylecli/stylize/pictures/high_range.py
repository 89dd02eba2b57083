"""Convert HDR pictures (PQ, HLG) to SDR, with the tone map of videos."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylecli.media.linear_light import encoded
from stylecli.media.pixels import Floats
from stylecli.media.video.color import ColorTags
from stylecli.media.video.hdr import SDR_GAMMA, ToneMap, hdr_light

CODES = 65536  # of 16 bits
MATRIX = 0  # the samples are R'G'B' already


def to_sdr(samples: NDArray[np.uint16], primaries: int, transfer: int) -> NDArray[np.uint16]:
    """Convert R'G'B' (H, W, 3) in PQ or HLG to sRGB.

    primaries, transfer: code points of H.273. Wide primaries other than BT.2020 are kept.
    """
    mapped = _tone_map(primaries, transfer).apply(samples)
    return _srgb_codes()[mapped]


@lru_cache(maxsize=4)
def _tone_map(primaries: int, transfer: int) -> ToneMap:
    light = hdr_light(ColorTags(MATRIX, primaries, transfer, full_range=True), {})
    assert light is not None  # the caller has checked the transfer
    return ToneMap(light)


@lru_cache(maxsize=1)
def _srgb_codes() -> NDArray[Any]:
    """Return a lookup table from the gamma of SDR video to the sRGB curve of pictures."""
    light: Floats = np.linspace(0, 1, CODES, dtype=np.float32) ** np.float32(SDR_GAMMA)
    return np.rint(encoded(light) * (CODES - 1)).astype(np.uint16)
