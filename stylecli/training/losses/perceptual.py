"""The perceptual losses: pure functions from feature maps and pictures to one number.

Content and style come in two forms. *Plain* is the formula of the papers, whose sums differ by orders of magnitude
from painting to painting and from one loss network to another. *Relative*, our default, divides by the size of the
target: one set of weights fits every painting and every loss network. Every loss is a mean over the batch, so that the
mean over two halves of a batch is that of the whole.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

GRID_PERIOD = 4  # pixels: the largest stride of the style networks, so that of the largest grid they can leave


def gram_matrix(features: Tensor) -> Tensor:
    """Correlations of the channels over a picture: (N, C, H, W) to (N, C, C).

    Johnson et al. 2016, eq. 3: sums over positions, divided by C·H·W.
    """
    _, channels, height, width = features.shape
    return torch.einsum("nchw,ndhw->ncd", features, features) / (channels * height * width)


def content_loss(features: Tensor, target: Tensor, *, relative: bool = True) -> Tensor:
    """Feature reconstruction, of two (N, C, H, W); a scalar >= 0.

    Plain: the mean squared difference (Johnson et al. 2016, eq. 2). Relative: over the target's mean square.
    """
    distance = (features - target).square().mean((1, 2, 3))  # (N,)
    return (distance / target.square().mean((1, 2, 3)) if relative else distance).mean()


def style_loss(features: Mapping[str, Tensor], targets: Mapping[str, Tensor], *, relative: bool = True) -> Tensor:
    """Style reconstruction, summed over the layers of `targets`, a scalar >= 0.

    The targets are Gram matrices: (1, C, C) of one painting for the whole batch, or (N, C, C). Plain: the squared
    Frobenius distance (Johnson et al. 2016, eq. 4). Relative: each layer's over the squared norm of its target.
    """
    losses = []
    for layer, target in targets.items():
        distance = (gram_matrix(features[layer]) - target).square().sum((1, 2))  # (N,)
        losses.append((distance / target.square().sum((1, 2)) if relative else distance).mean())
    return torch.stack(losses).sum()


def pixel_loss(image: Tensor, target: Tensor) -> Tensor:
    """Mean squared difference of two (N, 3, H, W) (Johnson et al. 2016, section 3.2); a scalar >= 0.

    For a network that is taught by pictures: those of an optimisation, or of a larger network.
    """
    return (image - target).square().mean()


def feature_loss(features: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> Tensor:
    """The relative content loss of several layers, their mean: how another network's picture is told from this one."""
    return torch.stack([content_loss(features[layer], target) for layer, target in targets.items()]).mean()


def total_variation(image: Tensor) -> Tensor:
    """Mean absolute difference of neighbours, horizontally plus vertically, of (N, 3, H, W); a scalar >= 0.

    The absolute, not the squared difference of Johnson et al. 2016 (section 3.2): it calms flat areas and keeps edges.
    """
    horizontal = (image[..., :, 1:] - image[..., :, :-1]).abs().mean()
    vertical = (image[..., 1:, :] - image[..., :-1, :]).abs().mean()
    return horizontal + vertical


def grid_loss(image: Tensor) -> Tensor:
    """How much colour depends on the place in the grid that up-sampling leaves; a scalar >= 0 of (N, 3, H, W).

    The variance of the 4 x 4 means over all pixels of the same place modulo 4: near 0 for any photo, whose content
    knows no grid. A term of our own: it removes the faint periodic pattern that the perceptual losses do not see.
    """
    places = F.pixel_unshuffle(image, GRID_PERIOD).mean((2, 3))  # (N, 3 * 16)
    variance: Tensor = places.reshape(-1, 3, GRID_PERIOD**2).var(2).mean()
    return variance
