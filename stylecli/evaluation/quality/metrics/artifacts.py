"""Metrics of faults that networks leave: grids, frames along the border, white dots and speckles."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylecli.evaluation.quality.metrics.filters import largest_nearby, luma
from stylecli.evaluation.quality.metrics.palette import lab
from stylecli.media.pixels import Floats

GRID_PERIODS = (2, 4)  # pixels: the strides of up-sampling layers, which leave their pattern at these
NO_POWER = 1e-9  # added to both, so that a flat picture has no grid: of others it changes nothing
NEIGHBOURHOOD = 8  # bins of the spectrum on each side that a grid's peak is compared with
FRAME_DEPTH = 16  # pixels from the border within which a frame would end
FRAME_SIDE_LEAST = 48  # pixels of the shorter side: less has no inside to compare the border with
SPECK_REACH = 3  # pixels from a speck's centre to the ring that must be clear of it
SPECK_CONTRAST = 0.15  # of full brightness, over every pixel of the ring


def grid_energy(pixels: NDArray[Any]) -> float:
    """Measure how far a grid of 2 or 4 pixels stands out: log10 of its power over the median of the bins around.

    The luma of (H, W, 3) under a Hann window; mean over six frequencies: horizontal, vertical, both, of both periods.
    About 0.4 for photos; 1 is a factor of ten.
    """
    plane = luma(pixels)
    height, width = (side // 16 * 16 for side in plane.shape)
    if min(height, width) < 4 * NEIGHBOURHOOD:
        raise ValueError(f"a picture of {plane.shape[1]} x {plane.shape[0]} is too small for its grid to be measured")
    window = np.outer(np.hanning(height), np.hanning(width))
    power = np.abs(np.fft.fft2((plane[:height, :width] - plane.mean()) * window)) ** 2
    peaks = []
    for period in GRID_PERIODS:
        for row, column in ((0, width // period), (height // period, 0), (height // period, width // period)):
            around = np.roll(power, (NEIGHBOURHOOD - row, NEIGHBOURHOOD - column), (0, 1))
            around = around[: 2 * NEIGHBOURHOOD + 1, : 2 * NEIGHBOURHOOD + 1]
            peak = around[NEIGHBOURHOOD - 1 : NEIGHBOURHOOD + 2, NEIGHBOURHOOD - 1 : NEIGHBOURHOOD + 2].max()
            peaks.append(np.log10((peak + NO_POWER) / (np.median(around) + NO_POWER)))
    return float(np.mean(peaks))


def frame_energy(pixels: NDArray[Any]) -> float:
    """Measure how far a frame along the border stands out: log10 of its step in colour over the usual step inside.

    A step is the distance in CIE Lab of the mean colours of two neighbouring lines at the same depth from the border,
    mean over the four sides. The largest in the outer 16 pixels, over the median further in. About 0.5 for photos; 1 is
    a factor of ten.
    """
    colors = lab(pixels)
    depth = min(colors.shape[:2]) // 2
    if 2 * depth < FRAME_SIDE_LEAST:
        raise ValueError(f"a picture of {pixels.shape[1]} x {pixels.shape[0]} is too small to tell a frame in it")
    sides = (colors, colors[::-1], colors.swapaxes(0, 1), colors[:, ::-1].swapaxes(0, 1))
    steps = np.mean([_steps(side[:depth]) for side in sides], axis=0)
    usual = max(float(np.median(steps[FRAME_DEPTH:])), 1e-3)
    return float(np.log10(max(float(steps[:FRAME_DEPTH].max()), 1e-3) / usual))


def speck_density(pixels: NDArray[Any]) -> float:
    """Count specks, isolated light or dark dots, for each 10,000 pixels of a picture (H, W, 3).

    A speck is the lightest (darkest) pixel of its 5 x 5 neighbours and clearly lighter (darker) than every pixel of the
    ring three pixels away: lines and edges cross that ring, so they are no specks.
    """
    plane = luma(pixels)
    found = _isolated_peaks(plane) + _isolated_peaks(-plane)
    return 10_000 * found / plane.size


def _steps(side: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distances between the mean colours of neighbouring lines, from the border inwards."""
    return np.asarray(np.linalg.norm(np.diff(side.mean(1), axis=0), axis=1))


def _isolated_peaks(plane: Floats) -> int:
    ring = _ring_maximum(plane)
    is_peak = (plane >= largest_nearby(plane, SPECK_REACH - 1)) & (plane > ring + SPECK_CONTRAST)
    # Of a plateau, its first pixel in reading order: none of those before it is a peak.
    before = np.pad(is_peak, SPECK_REACH - 1)
    height, width = plane.shape
    reach = range(2 * SPECK_REACH - 1)
    earlier = [
        before[row : row + height, column : column + width]
        for row in reach
        for column in reach
        if (row, column) < (SPECK_REACH - 1, SPECK_REACH - 1)
    ]
    return int((is_peak & ~np.any(earlier, axis=0)).sum())


def _ring_maximum(plane: Floats) -> Floats:
    """Return the maximum on the outline of the square around each pixel; infinite where it leaves the picture."""
    padded = np.pad(plane, SPECK_REACH, constant_values=np.inf)
    height, width = plane.shape
    last = 2 * SPECK_REACH
    outline = {(row, column) for row in range(last + 1) for column in range(last + 1) if {row, column} & {0, last}}
    largest = np.full_like(plane, -np.inf)
    for row, column in sorted(outline):
        np.maximum(largest, padded[row : row + height, column : column + width], out=largest)
    return largest
