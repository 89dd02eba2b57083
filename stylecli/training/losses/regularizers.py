"""Regularizers: losses of the stylized picture alone, against noise, upsampling patterns and specks."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from stylecli.training.losses.luma import luma

GRID_PERIOD = 4  # pixels: the largest stride of the style networks, so that of the largest grid they can leave
SPECK_REACH = 3  # pixels from a speck's centre to the ring that must be clear of it
SPECK_CONTRAST = 0.05  # of 0..1, over every pixel of the ring: fainter dots are grain of the paint


def total_variation(image: Tensor) -> Tensor:
    """Compute the total variation of pictures (N, 3, H, W); a scalar >= 0.

    mean |x[i, j+1] - x[i, j]| + mean |x[i+1, j] - x[i, j]|

    A departure: Johnson et al. 2016 (section 3.2) square the differences. Absolute ones calm flat areas and keep edges.
    """
    horizontal = (image[..., :, 1:] - image[..., :, :-1]).abs().mean()
    vertical = (image[..., 1:, :] - image[..., :-1, :]).abs().mean()
    return horizontal + vertical


def grid_loss(image: Tensor) -> Tensor:
    """Measure the periodic pattern that upsampling leaves in pictures (N, 3, H, W); a scalar >= 0.

    The variance of the 16 means m[a, b] = mean of x[4i + a, 4j + b] over i and j, mean over pictures and channels. It
    is near 0 for photos, whose content does not depend on the position modulo 4. H and W are multiples of 4.

    Our own loss, against a faint pattern (Odena et al. 2016) that the perceptual losses ignore.
    """
    means = F.pixel_unshuffle(image, GRID_PERIOD).mean((2, 3))  # (N, 3 * 16)
    variance: Tensor = means.reshape(-1, 3, GRID_PERIOD**2).var(2).mean()
    return variance


def speck_loss(image: Tensor) -> Tensor:
    """Measure white dots and dark speckles in pictures (N, 3, H, W), RGB in 0..1; a scalar >= 0.

    mean max(0, Y - max_ring Y - SPECK_CONTRAST) + mean max(0, min_ring Y - Y - SPECK_CONTRAST)

    Y is the luma of a pixel, the ring is the outline of the square of 7 x 7 pixels around it. Lines and edges cross the
    ring, so they cost nothing. H and W are at least 7.

    Our own loss: style losses leave such dots in dark areas, where they hold the energy of the painting's texture.
    """
    plane = luma(image)
    return _excess_over_ring(plane) + _excess_over_ring(-plane)


def _excess_over_ring(plane: Tensor) -> Tensor:
    side = 2 * SPECK_REACH + 1
    rows = F.max_pool2d(plane, (1, side), 1)  # (N, 1, H, W - 6): maxima of horizontal lines of 7 pixels
    columns = F.max_pool2d(plane, (side, 1), 1)
    last = 2 * SPECK_REACH
    ring = torch.maximum(
        torch.maximum(rows[..., :-last, :], rows[..., last:, :]),
        torch.maximum(columns[..., :-last], columns[..., last:]),
    )
    inside = plane[..., SPECK_REACH:-SPECK_REACH, SPECK_REACH:-SPECK_REACH]
    return (inside - ring - SPECK_CONTRAST).clamp_min(0).mean()
