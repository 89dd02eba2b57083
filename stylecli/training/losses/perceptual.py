"""The perceptual losses: pure functions from feature maps and pictures to one number.

Content and style loss have two forms. *Plain* is the formula of the papers; its values differ by orders of magnitude
between paintings and between loss networks. *Relative*, our default, divides by the magnitude of the target, so one
set of weights fits every painting and every loss network. Every loss is a mean over the batch, so that processes can
average the losses of their shares.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from stylecli.training.losses.consistency import luminance

GRID_PERIOD = 4  # pixels: the largest stride of the style networks, so that of the largest grid they can leave
SPECK_REACH = 3  # pixels from a speck's centre to the ring that must be clear of it
SPECK_CONTRAST = 0.05  # of 0..1, over every pixel of the ring: fainter dots are grain of the paint


def gram_matrix(features: Tensor) -> Tensor:
    """Compute Gram matrices (N, C, C), the correlations of channels, of feature maps (N, C, H, W).

    Johnson et al. 2016, eq. 3: sums over positions, divided by C·H·W.
    """
    _, channels, height, width = features.shape
    return torch.einsum("nchw,ndhw->ncd", features, features) / (channels * height * width)


def content_loss(features: Tensor, target: Tensor, *, relative: bool = True) -> Tensor:
    """Compute the content loss of two feature maps (N, C, H, W); a scalar >= 0.

    Plain: the mean squared difference (Johnson et al. 2016, eq. 2). Relative: divided by the target's mean square.
    """
    distance = (features - target).square().mean((1, 2, 3))  # (N,)
    return (distance / target.square().mean((1, 2, 3)) if relative else distance).mean()


def style_loss(features: Mapping[str, Tensor], targets: Mapping[str, Tensor], *, relative: bool = True) -> Tensor:
    """Compute the style loss, the sum over the layers of `targets`; a scalar >= 0.

    targets: Gram matrices, (1, C, C) for the whole batch or (N, C, C). Plain: the squared Frobenius distance (Johnson
    et al. 2016, eq. 4). Relative: each layer's distance divided by the squared norm of its target.
    """
    losses = []
    for layer, target in targets.items():
        distance = (gram_matrix(features[layer]) - target).square().sum((1, 2))  # (N,)
        losses.append((distance / target.square().sum((1, 2)) if relative else distance).mean())
    return torch.stack(losses).sum()


def pixel_loss(image: Tensor, target: Tensor) -> Tensor:
    """Compute the mean squared difference of pictures (N, 3, H, W); a scalar >= 0 (Johnson et al. 2016, section 3.2).

    For learning from the pictures of an optimisation or of a larger network.
    """
    return (image - target).square().mean()


def feature_loss(features: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> Tensor:
    """Compute the mean over layers of the relative content loss: the distance from another network's pictures."""
    return torch.stack([content_loss(features[layer], target) for layer, target in targets.items()]).mean()


def total_variation(image: Tensor) -> Tensor:
    """Compute the mean absolute difference of horizontal plus vertical neighbours of (N, 3, H, W); a scalar >= 0.

    A departure: Johnson et al. 2016 (section 3.2) square the differences. Absolute ones calm flat areas and keep edges.
    """
    horizontal = (image[..., :, 1:] - image[..., :, :-1]).abs().mean()
    vertical = (image[..., 1:, :] - image[..., :-1, :]).abs().mean()
    return horizontal + vertical


def grid_loss(image: Tensor) -> Tensor:
    """Measure the periodic pattern that upsampling leaves in pictures (N, 3, H, W); a scalar >= 0.

    The variance of 16 means, each over all pixels with the same position modulo 4. It is near 0 for photos, whose
    content does not depend on that position. Our own loss, against a faint pattern that the perceptual losses ignore.
    """
    places = F.pixel_unshuffle(image, GRID_PERIOD).mean((2, 3))  # (N, 3 * 16)
    variance: Tensor = places.reshape(-1, 3, GRID_PERIOD**2).var(2).mean()
    return variance


def speck_loss(image: Tensor) -> Tensor:
    """Measure white dots and dark speckles in pictures (N, 3, H, W), RGB in 0..1; a scalar >= 0.

    How far the luma of a pixel exceeds the maximum of the square ring three pixels away, or falls below its minimum;
    the mean over all pixels. Lines and edges cross the ring, so they cost nothing. Our own loss: style losses leave
    such dots in dark areas, where they hold the energy of the painting's texture. H and W are at least 7.
    """
    luma = luminance(image)
    return _isolated(luma) + _isolated(-luma)


def _isolated(plane: Tensor) -> Tensor:
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
