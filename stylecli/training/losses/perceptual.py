"""The perceptual losses: pure functions from feature maps or pictures to one number.

F(x) are the feature maps (N, C, H, W) of a loss network at one layer, x is the stylized picture, t the target.

Content and style loss have two forms. *Plain* is the formula of the papers; its values differ by orders of magnitude
between paintings and between loss networks. *Relative*, our default, divides by the magnitude of the target, so one
set of weights fits every painting and every loss network. Every loss is a mean over the batch, so that processes can
average the losses of their shares.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor


def gram_matrix(features: Tensor) -> Tensor:
    """Compute Gram matrices (N, C, C), the correlations of channels, of feature maps (N, C, H, W).

    G[c, d] = sum over h, w of F[c, h, w] F[d, h, w], divided by C·H·W (Johnson et al. 2016, eq. 3).
    """
    _, channels, height, width = features.shape
    return torch.einsum("nchw,ndhw->ncd", features, features) / (channels * height * width)


def content_loss(features: Tensor, target: Tensor, *, relative: bool = True) -> Tensor:
    """Compute the content loss of two feature maps (N, C, H, W); a scalar >= 0.

    Plain: mean (F(x) - F(t))² over C, H, W (Johnson et al. 2016, eq. 2). Relative: divided by mean F(t)².
    """
    distance = (features - target).square().mean((1, 2, 3))  # (N,)
    return (distance / target.square().mean((1, 2, 3)) if relative else distance).mean()


def style_loss(features: Mapping[str, Tensor], targets: Mapping[str, Tensor], *, relative: bool = True) -> Tensor:
    """Compute the style loss, the sum over the layers of `targets`; a scalar >= 0.

    Plain: ||G(x) - G(t)||², the squared Frobenius norm (Johnson et al. 2016, eq. 4). Relative: divided by ||G(t)||².

    Args:
        features: feature maps (N, C, H, W) of the pictures, by layer.
        targets: Gram matrices of the paintings, by layer: (1, C, C) for the whole batch, or (N, C, C).
        relative: the form.
    """
    losses = []
    for layer, target in targets.items():
        distance = (gram_matrix(features[layer]) - target).square().sum((1, 2))  # (N,)
        losses.append((distance / target.square().sum((1, 2)) if relative else distance).mean())
    return torch.stack(losses).sum()


def pixel_loss(image: Tensor, target: Tensor) -> Tensor:
    """Compute the pixel loss mean (x - t)² of pictures (N, 3, H, W); a scalar >= 0 (Johnson et al. 2016, section 3.2).

    For learning from the pictures of an optimisation or of a larger network.
    """
    return (image - target).square().mean()


def feature_loss(features: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> Tensor:
    """Compute the mean over layers of the relative content loss; a scalar >= 0.

    Both are feature maps (N, C, H, W) by layer; the targets are those of another network's pictures.
    """
    return torch.stack([content_loss(features[layer], target) for layer, target in targets.items()]).mean()
