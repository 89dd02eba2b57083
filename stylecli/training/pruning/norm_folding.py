"""Fold those normalisations of a `fast` network that hardly matter into the convolutions before them.

Only what enters the residual stream stays normalised picture by picture: it carries the contrasts of the photo, and
every later layer reads it. The other normalisations see nearly the same mean and variance in every photo, so these
become constants.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from stylecli.core.errors import UsageError
from stylecli.training.networks.blocks import NormalizedConvolution
from stylecli.training.networks.fast import FastNetwork
from stylecli.training.networks.registry import network_from_weights
from stylecli.training.networks.style_network import StyleNetwork


@torch.no_grad()
def with_few_norms(network: StyleNetwork, images: Tensor) -> StyleNetwork:
    """Return a copy of the network in which most normalisations use constant statistics.

    Args:
        network: a `fast` network.
        images: pictures (N, 3, H, W), whose mean statistics become the constants.

    Raises:
        UsageError: it is not a `fast` network, or has few normalisations already.
    """
    if not isinstance(network, FastNetwork) or network.hyperparameters["few_norms"]:
        raise UsageError("this network has no normalisation to spare", hint="Only `fast` has some, and once.")
    few = FastNetwork(**{**network.hyperparameters, "few_norms": True})
    spared = [name for name, layer in few.named_modules() if _is_plain(layer)]
    weights = network.state_dict()
    for name in spared:  # in order: each sees the outputs of the layers that are folded already
        outputs: list[Tensor] = []
        partly = network_from_weights(weights)
        layer = partly.get_submodule(f"{name}.convolution")
        hook = layer.register_forward_hook(lambda _, __, output, outputs=outputs: outputs.append(output))
        partly(images)
        hook.remove()
        weights = _folded(weights, name, outputs[0], epsilon=nn.InstanceNorm2d(1).eps)
    return network_from_weights(weights)


def _folded(weights: dict[str, Tensor], name: str, outputs: Tensor, *, epsilon: float) -> dict[str, Tensor]:
    """Fold one normalisation of `outputs` (N, C, H, W) into its convolution; returns the new tensors.

    gamma (w * x - mean) / sqrt(variance + epsilon) + beta = (g w) * x + (beta - g mean) with
    g = gamma / sqrt(variance + epsilon). Mean and variance are the means of those of all pictures.
    """
    folded = dict(weights)
    gamma, beta = folded.pop(f"{name}.norm.weight"), folded.pop(f"{name}.norm.bias")
    gain = gamma / (outputs.var((2, 3)).mean(0) + epsilon).sqrt()
    folded[f"{name}.convolution.weight"] = weights[f"{name}.convolution.weight"] * gain[:, None, None, None]
    folded[f"{name}.convolution.bias"] = beta - outputs.mean((0, 2, 3)) * gain
    return folded


def _is_plain(layer: nn.Module) -> bool:
    return isinstance(layer, NormalizedConvolution) and isinstance(layer.norm, nn.Identity)
