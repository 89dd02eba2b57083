"""Metrics of contours: how many of the photo's edges are kept, and whether the style only sharpens them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylecli.evaluation.quality.metrics.filters import blur, gradient, laplacian, largest_nearby, luma
from stylecli.media.pixels import Floats

EDGE_BLUR = 2.0  # pixels: contours are wanted, not grain or strokes
EDGE_SHARE = 0.05  # of the pixels are edges, the strongest ones
TOLERANCE = 2  # pixels that an edge may have moved
EMBOSS_SCALES = (0.5, 1.0, 2.0, 4.0)  # pixels: standard deviations of the blur before the Laplacian
EMBOSS_SURROUND = 4.0  # a change that is wider than so many of these is no emboss
TONE_DEGREE = 5  # of the polynomial of a tone curve, which is not counted as emboss
UNSEEN = 1 / 255  # standard deviation in 0..1 of a change that nobody sees: one level of 8 bits


def edge_f1(painted: NDArray[Any], photo: NDArray[Any]) -> float:
    """Agreement of the edges of two pictures (H, W, 3), 0..1: the harmonic mean of precision and recall.

    Edges are the local maxima of the gradient (Canny 1986), the strongest 5 % of the pixels of each picture. An edge
    agrees if the other picture has one within two pixels (as Martin et al. 2004 match boundaries). 1 for the photo
    itself; 0 for a picture without edges.
    """
    found, wanted = edges(luma(painted)), edges(luma(photo))
    if not found.any() or not wanted.any():
        return 0.0
    precision = float(largest_nearby(wanted, TOLERANCE)[found].mean())
    recall = float(largest_nearby(found, TOLERANCE)[wanted].mean())
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def edges(plane: Floats) -> NDArray[np.bool_]:
    """Return the strongest edges of a plane (H, W), one pixel wide."""
    down, across = gradient(blur(plane, EDGE_BLUR))
    strength = np.hypot(down, across)
    padded = np.pad(strength, 1)
    height, width = plane.shape
    # Which neighbours lie along the gradient, by its direction in steps of 45 degrees.
    direction = np.round(np.arctan2(down, across) / (np.pi / 4)).astype(int) % 4
    is_largest = np.zeros(plane.shape, bool)
    for number, (row, column) in enumerate(((0, 1), (1, 1), (1, 0), (1, -1))):
        ahead = padded[1 + row : 1 + row + height, 1 + column : 1 + column + width]
        behind = padded[1 - row : 1 - row + height, 1 - column : 1 - column + width]
        is_largest |= (direction == number) & (strength >= ahead) & (strength > behind)
    candidates = strength[is_largest & (strength > 0)]
    wanted = int(EDGE_SHARE * plane.size)
    if not candidates.size:
        return np.zeros(plane.shape, bool)
    least = np.partition(candidates, -wanted)[-wanted] if candidates.size > wanted else 0.0
    return np.asarray(is_largest & (strength >= least) & (strength > 0))


def emboss_index(painted: NDArray[Any], photo: NDArray[Any]) -> float:
    """Measure how much of the change is relief of the photo's edges, -1..1: 1 for a sharpened photo, 0 for strokes.

    The correlation of the change in luma with the photo's negative Laplacian, the largest over four scales. What a
    tone curve explains is no emboss and is taken out of the change first, and so is everything wider than the
    Laplacian sees.
    """
    before, after = luma(photo), luma(painted)
    change = _without_tone_curve(after - before, before)
    indices = []
    for scale in EMBOSS_SCALES:
        fine = change - blur(change, scale * EMBOSS_SURROUND)
        relief = -laplacian(before, scale)
        if fine.std() < UNSEEN or relief.std() == 0:
            indices.append(0.0)
        else:
            indices.append(float(np.corrcoef(fine.ravel(), relief.ravel())[0, 1]))
    return max(indices)


def _without_tone_curve(change: Floats, before: Floats) -> Floats:
    """Return the change without the part that depends on the photo's level alone."""
    curve = np.polynomial.Polynomial.fit(before.ravel(), change.ravel(), TONE_DEGREE, domain=[0, 1])
    return np.asarray(change - curve(before), np.float32)
