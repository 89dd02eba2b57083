"""Narrowing: split the most expensive layer of a `fast` network into a 1x1 and a narrower up-convolution.

The pair is the best approximation of the layer's outputs on real pictures by least squares, with every channel weighted
alike, as in Zhang et al. 2016 ("Accelerating very deep convolutional networks for classification and detection").
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from stylecli.core.errors import UsageError
from stylecli.training.networks.fast import FastNetwork
from stylecli.training.networks.registry import network_from_weights
from stylecli.training.networks.style_network import StyleNetwork

RIDGE = 1e-6  # of the mean variance: keeps directions without variance from being amplified


@torch.no_grad()
def narrowed(network: StyleNetwork, images: Tensor) -> StyleNetwork:
    """Return a copy of the network with a 1x1 convolution before its up-convolution.

    The 1x1 convolution reduces the trunk to as many channels as the up-convolution writes.

    Args:
        network: a `fast` network.
        images: pictures (N, 3, H, W) to fit on.

    Raises:
        UsageError: it is not a `fast` network, is narrow already, has few normalisations, or a trunk that is no wider.
    """
    done = network.hyperparameters.get("narrow") or network.hyperparameters.get("few_norms")
    layer = network.up.convolution if isinstance(network, FastNetwork) and not done else None
    if layer is None or layer.in_channels <= layer.out_channels:
        raise UsageError(
            "this network has nothing to narrow",
            hint="Only `fast` has it, where the trunk is wider than the stem, and once, before `few_norms`.",
        )
    inputs, outputs = _moments(network, layer, images)
    root, inverse = _square_roots(inputs)
    scale = outputs.sqrt().repeat_interleave(layer.weight[0, 0].numel())[
        :, None
    ]  # a row for each output channel and kernel tap
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
    """Return the mean covariance (c, c) of the layer's inputs and mean variance (C,) of its outputs in a picture."""
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
    """Return the symmetric square root of a covariance, and its inverse."""
    covariance.diagonal().add_(RIDGE * covariance.diagonal().mean())
    values, vectors = torch.linalg.eigh(covariance)
    root = values.sqrt()
    return vectors * root @ vectors.T, vectors / root @ vectors.T
