"""High dynamic range: PQ and HLG signals as light, and tone mapping of that light to SDR.

PQ is SMPTE ST 2084, HLG is ARIB STD-B67. The formulae are those of ITU-R BT.2100, which contains both.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from stylecli.media.video.color import ColorTags

HDR_TRANSFERS = {16: "PQ", 18: "HLG"}  # H.273 code points
BT2020 = 9  # H.273 code point of the primaries

SDR_WHITE = 203.0  # cd/m2: the level of SDR white in HDR (ITU-R BT.2408)
USUAL_PEAK = 1000.0  # cd/m2: of the reference display of HLG, and of most mastering displays
BRIGHTEST = 10_000.0  # cd/m2: the largest value of PQ
SDR_GAMMA = 2.4  # ITU-R BT.1886
CODES = 65536  # of the 16-bit signal; tables have an entry for each

_BT2020_LUMA = np.array([0.2627, 0.6780, 0.0593], np.float32)
# ITU-R BT.2087: linear light with BT.2020 primaries -> BT.709.
_TO_BT709 = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32)


@dataclass(frozen=True)
class MasteringDisplay:
    """The display on which a video was mastered (SMPTE ST 2086)."""

    places: tuple[tuple[float, float], ...]  # CIE x and y of green, blue, red and white
    brightest: float  # cd/m2
    darkest: float


@dataclass(frozen=True)
class HdrLight:
    """How an HDR signal maps to light, and the brightness that it was mastered for."""

    transfer: str  # PQ or HLG
    primaries: int  # H.273 code point
    peak: float  # cd/m2
    display: MasteringDisplay | None = None
    content: tuple[int, int] | None = None  # cd/m2: MaxCLL, MaxFALL (CTA-861.3)


def hdr_light(color: ColorTags, side_data: Mapping[str, bytes]) -> HdrLight | None:
    """Read the HDR properties from the colour tags of a frame and its side data by libav's names; None for SDR."""
    if color.transfer not in HDR_TRANSFERS:
        return None
    peak, display = USUAL_PEAK, None
    if data := side_data.get("MASTERING_DISPLAY_METADATA"):  # libavutil/mastering_display_metadata.h
        numbers = struct.unpack("=22i", data[:88])
        values = [top / max(bottom, 1) for top, bottom in zip(numbers[0:20:2], numbers[1:20:2], strict=True)]
        (red, green, blue, white), (darkest, brightest) = zip(values[0:8:2], values[1:8:2], strict=True), values[8:]
        has_primaries, has_luminance = numbers[20:]
        if has_luminance and SDR_WHITE < brightest <= BRIGHTEST:
            peak = brightest
        if has_primaries and has_luminance:
            display = MasteringDisplay((green, blue, red, white), brightest, darkest)
    content = struct.unpack("=2I", data[:8]) if (data := side_data.get("CONTENT_LIGHT_LEVEL")) else None
    return HdrLight(HDR_TRANSFERS[color.transfer], color.primaries, peak, display, content)


class ToneMap:
    """Tone mapping from HDR to SDR with BT.709 primaries and gamma 2.4.

    Light below about half of SDR white keeps its brightness; brighter light is compressed smoothly up to the peak (the
    EETF of ITU-R BT.2390). All three channels get the same factor, which keeps hues.
    """

    def __init__(self, light: HdrLight) -> None:
        codes = np.arange(CODES) / (CODES - 1)
        self._light = light
        self._to_light = (pq_to_light(codes) if light.transfer == "PQ" else hlg_to_scene(codes)).astype(np.float32)
        # Indexed by the square root of the light, which gives shadows enough entries.
        levels = np.maximum(codes**2, 1e-12) * light.peak
        self._gain = (rolled_off(levels, light.peak) / levels / SDR_WHITE).astype(np.float32)
        self._to_signal = np.rint(codes ** (2 / SDR_GAMMA) * (CODES - 1)).astype(np.uint16)

    def apply(self, pixels: NDArray[np.uint16]) -> NDArray[np.uint16]:
        """Map R'G'B' (H, W, 3), uint16, of the HDR signal to R'G'B' of SDR; same shape and dtype."""
        light = self._to_light[pixels]  # cd/m2; for HLG scene light in 0..1
        if self._light.transfer == "HLG":
            scene = light @ _BT2020_LUMA
            light *= (self._light.peak * np.power(scene, _system_gamma(self._light.peak) - 1))[..., None]
        light *= self._gain[_codes_of(light.max(axis=-1) / np.float32(self._light.peak))][..., None]
        if self._light.primaries == BT2020:
            light = light @ _TO_BT709.T
        return self._to_signal[_codes_of(light)]


def pq_to_light(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Apply the EOTF of PQ: signal in 0..1 -> cd/m2."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    root = signal ** (1 / m2)
    return BRIGHTEST * (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1)


def light_to_pq(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """Apply the inverse of `pq_to_light`: cd/m2 -> signal in 0..1."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    power = (light / BRIGHTEST) ** m1
    return ((c1 + c2 * power) / (1 + c3 * power)) ** m2


def hlg_to_scene(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Apply the inverse OETF of HLG: signal in 0..1 -> scene light in 0..1."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)


def rolled_off(light: NDArray[np.float64], peak: float) -> NDArray[np.float64]:
    """Apply the EETF of BT.2390, section 5.4: light up to `peak` -> light up to SDR white, in cd/m2; black stays."""
    top = light_to_pq(np.array(peak))
    limit = light_to_pq(np.array(SDR_WHITE)) / top
    knee = 1.5 * limit - 0.5
    level = np.minimum(light_to_pq(light) / top, 1)
    t = (level - knee) / (1 - knee)
    spline = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (-2 * t**3 + 3 * t**2) * limit
    return pq_to_light(np.where(level < knee, level, spline) * top)


def _system_gamma(peak: float) -> float:
    """Return the exponent of HLG's OOTF for a display of `peak` cd/m2 (BT.2100, note 5f)."""
    return float(1.2 + 0.42 * np.log10(peak / USUAL_PEAK))


def _codes_of(light: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Return the indices of light in 0..1 in a table over the square root of light."""
    root = np.sqrt(np.clip(light, 0, 1))
    return (root * np.float32(CODES - 1) + np.float32(0.5)).astype(np.uint16)
