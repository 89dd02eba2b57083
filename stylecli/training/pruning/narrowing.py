"""A `fast` network whose most expensive layer is two: the up-convolution behind a 1x1 one with as few channels.

The best such pair by least squares, as in Zhang et al. 2016 ("Accelerating very deep convolutional networks for
classification and detection"): what the layer computes on real pictures, of which each channel counts alike.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from stylecli.core.errors import UsageError
from stylecli.training.networks.fast import FastNetwork
from stylecli.training.networks.registry import network_from_weights
from stylecli.training.networks.style_network import StyleNetwork

RIDGE = 1e-6  # of the mean variance: directions that no picture has must not be blown up


@torch.no_grad()
def narrowed(network: StyleNetwork, images: Tensor) -> StyleNetwork:
    """The network that mixes the trunk down to the channels of its up-convolution, fitted on `images` (N, 3, H, W).

    Raises:
        UsageError: not a `fast` network, one that does this already, one whose trunk is no wider, or with few norms.
    """
    done = network.widths.get("narrow") or network.widths.get("few_norms")
    layer = network.up.convolution if isinstance(network, FastNetwork) and not done else None
    if layer is None or layer.in_channels <= layer.out_channels:
        raise UsageError(
            "this network has nothing to narrow",
            hint="Only `fast` has it, where the trunk is wider than the stem, and once, before `few_norms`.",
        )
    inputs, outputs = _moments(network, layer, images)
    root, inverse = _square_roots(inputs)
    scale = outputs.sqrt().repeat_interleave(layer.weight[0, 0].numel())[:, None]  # a row for each output and tap
    kernels = layer.weight.permute(0, 2, 3, 1)  # (C, k, k, c)
    left, size, right = torch.linalg.svd(kernels.flatten(0, 2).double() / scale @ root, full_matrices=False)
    count = layer.out_channels
    mixed = scale * left[:, :count] * size[:count]  # (C k k, count)
    pair = {
        "narrow.convolution.weight": (right[:count] @ inverse).float()[..., None, None],  # to a variance of 1 each
        "narrow.norm.weight": torch.ones(count),
        "narrow.norm.bias": torch.zeros(count),
        "up.convolution.weight": mixed.float().unflatten(0, kernels.shape[:3]).permute(0, 3, 1, 2).contiguous(),
    }
    return network_from_weights({**network.state_dict(), **pair})


def _moments(network: nn.Module, layer: nn.Conv2d, images: Tensor) -> tuple[Tensor, Tensor]:
    """Mean covariance (c, c) of what the layer reads in a picture, mean variance (C,) of what it writes."""
    covariances: list[Tensor] = []
    variances: list[Tensor] = []

    def look(_: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        for x, y in zip(inputs[0], output, strict=True):
            covariances.append(torch.cov(x.flatten(1)).double())
            variances.append(y.flatten(1).var(1).double())

    hook = layer.register_forward_hook(look)
    network(images)
    hook.remove()
    return torch.stack(covariances).mean(0), torch.stack(variances).mean(0).clamp(min=1e-12)


def _square_roots(covariance: Tensor) -> tuple[Tensor, Tensor]:
    """The symmetric square root of a covariance, and the inverse of that."""
    covariance.diagonal().add_(RIDGE * covariance.diagonal().mean())
    values, vectors = torch.linalg.eigh(covariance)
    root = values.sqrt()
    return vectors * root @ vectors.T, vectors / root @ vectors.T
