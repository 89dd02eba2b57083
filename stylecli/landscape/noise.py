"""Fractal noise for mountains, clouds and haze."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]  # float32 wherever there is one value for a pixel

LATTICE = 256  # cells after which value noise repeats; a power of two, so a bit mask wraps indices
TURN = (1.6, 1.2)  # for each octave: twice the frequency, rotated by 37 degrees to hide the axes of the lattice
CREST = 0.035  # rounding of crests, against aliasing
RIDGE_GAIN = 3.2  # how strongly ridges of one octave amplify those of the next (Musgrave's ridged multifractal)


def value_noise(x: Floats, y: Floats, seed: int) -> Floats:
    """Return smooth value noise in 0..1 with features of size 1."""
    lattice = np.random.default_rng(seed).random(LATTICE * LATTICE, dtype=np.float32)
    return _interpolate(lattice, LATTICE, x, y, smooth=True)


def fractal(x: Floats, y: Floats, *, octaves: int, seed: int, gain: float = 0.5) -> Floats:
    """Return fractional Brownian motion with mean 0 and largest features of size 1."""
    total, amplitude = np.zeros_like(x), 1.0
    for octave in range(octaves):
        total += amplitude * (value_noise(x, y, seed + octave) - 0.5)
        x, y = _turn(x, y)
        amplitude *= gain
    return total


def ridged(x: Floats, y: Floats, *, octaves: int, seed: int, gain: float = 0.48) -> Floats:
    """Return a ridged multifractal in about 0..1, with sharp crests and smooth valleys (Musgrave 1994)."""
    total, weight, amplitude, reach = np.zeros_like(x), np.ones_like(x), 1.0, 0.0
    for octave in range(octaves):
        rise = 2 * value_noise(x, y, seed + octave) - 1
        crest = (1 - np.sqrt(rise**2 + CREST**2)) ** 2 * weight
        total += amplitude * crest
        weight = np.clip(crest * RIDGE_GAIN, 0, 1)
        reach += amplitude
        amplitude *= gain
        x, y = _turn(x, y)
    return total / np.float32(reach)


class Tile:
    """A seamless tile of fractal noise with mean 0 and deviation 1, at several levels of smoothness."""

    def __init__(self, size: int, *, slope: float, seed: int, levels: int = 5) -> None:
        """Filter white noise to a spectrum that falls as frequency ** -slope; `size` is a power of two."""
        white = np.fft.rfft2(np.random.default_rng(seed).standard_normal((size, size)))
        frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None, :]) * size
        frequency[0, 0] = np.inf  # no mean
        spectrum = white * frequency**-slope
        spread = np.fft.irfft2(spectrum).std()
        smooth = [np.exp(-0.5 * (frequency * 2.0**level / size * 2) ** 2) for level in range(levels)]
        smooth[0] = np.ones_like(smooth[0])
        with np.errstate(invalid="ignore"):
            planes = [np.fft.irfft2(spectrum * np.where(np.isinf(frequency), 0, filter_)) for filter_ in smooth]
        self.size = size
        self.levels = [np.ascontiguousarray(plane / spread, dtype=np.float32).ravel() for plane in planes]

    def at(self, x: Floats, y: Floats, level: int = 0) -> Floats:
        """Sample the noise at points in texels. Level n has no detail below about 2 ** n texels."""
        return _interpolate(self.levels[level], self.size, x, y, smooth=False)


def _interpolate(lattice: Floats, size: int, x: Floats, y: Floats, *, smooth: bool) -> Floats:
    column, row = np.floor(x), np.floor(y)
    u, v = x - column, y - row
    if smooth:
        u, v = u * u * u * (u * (u * 6 - 15) + 10), v * v * v * (v * (v * 6 - 15) + 10)
    left, top = column.astype(np.int32) & (size - 1), row.astype(np.int32) & (size - 1)
    right, bottom = (left + 1) & (size - 1), ((top + 1) & (size - 1)) * size
    top *= size
    upper = lattice.take(top + left)
    upper += u * (lattice.take(top + right) - upper)
    lower = lattice.take(bottom + left)
    lower += u * (lattice.take(bottom + right) - lower)
    return upper + v * (lower - upper)


def _turn(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    along, across = TURN
    return along * x + across * y + 17.3, along * y - across * x + 31.7
