"""The perceptual losses: pure functions from feature maps to one number.

All are relative to the size of their target, so that one set of weights fits every painting and every loss network:
the plain sums of Gatys et al. and Johnson et al. differ by orders of magnitude from painting to painting.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

GRID_PERIOD = 4  # pixels: the largest stride of the style networks, so that of the largest grid they can leave
STYLE_LAYERS = (
    "relu1_2",
    "relu2_2",
    "relu3_3",
    "relu4_1",
)  # Johnson et al. 2016, with relu4_1 for relu4_3, which costs less


def gram_matrix(features: Tensor) -> Tensor:
    """Correlations of the channels over a picture: (N, C, H, W) to (N, C, C).

    Johnson et al. 2016, eq. 3: sums over positions, divided by C·H·W.
    """
    _, channels, height, width = features.shape
    return torch.einsum("nchw,ndhw->ncd", features, features) / (channels * height * width)


def content_loss(features: Tensor, target: Tensor) -> Tensor:
    """Feature reconstruction (Johnson et al. 2016, eq. 2), relative to the target's mean square; a scalar >= 0."""
    return (features - target).square().mean() / target.square().mean()


def style_loss(features: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> Tensor:
    """Style reconstruction (Johnson et al. 2016, eq. 4), summed over the layers of `targets`; a scalar >= 0.

    Each layer's squared Frobenius distance is relative to the squared norm of its target, a Gram matrix (1, C, C);
    a mean over the batch.
    """
    return torch.stack(
        [
            ((gram_matrix(features[layer]) - target).square().sum((1, 2)) / target.square().sum()).mean()
            for layer, target in targets.items()
        ]
    ).sum()


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
