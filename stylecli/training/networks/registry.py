"""The style networks by name, and the network that some weights belong to."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch.nn.functional as F
from torch import Tensor, nn

from stylecli.core.errors import UsageError
from stylecli.training.networks.blocks import STRIDE
from stylecli.training.networks.fast import FastNetwork
from stylecli.training.networks.johnson import JohnsonNetwork, ResidualNetwork

MARGIN = 8  # pixels: without it, zero padding shows as a frame; more shifts the statistics


class SizedNetwork(nn.Module):
    """Any network as it is used: for any size from 1x1 on, with the border repeated once, around the picture.

    Training repeats the border of every feature map. Here convolutions pad with zeros, which onnxruntime does faster,
    and a margin keeps what these zeros do to the border out of sight; it also fills up to whole strides.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = copy.deepcopy(network)
        for module in self.network.modules():
            if isinstance(module, nn.Conv2d):
                module.padding_mode = "zeros"

    def forward(self, image: Tensor) -> Tensor:
        height, width = image.shape[-2:]
        sides = (MARGIN, MARGIN + -width % STRIDE, MARGIN, MARGIN + -height % STRIDE)  # left, right, top, bottom
        stylized: Tensor = self.network(F.pad(image, sides, mode="replicate"))
        return stylized[..., MARGIN : MARGIN + height, MARGIN : MARGIN + width]


StyleNetwork = FastNetwork | JohnsonNetwork
NETWORKS: Mapping[str, type[FastNetwork] | type[JohnsonNetwork]] = {
    "fast": FastNetwork,
    "johnson": JohnsonNetwork,
    "resnet": ResidualNetwork,
}


def network_from_weights(weights: Mapping[str, Tensor]) -> StyleNetwork:
    """Rebuild a network of one style from its tensors alone, in evaluation mode.

    Raises:
        UsageError: they are not the tensors of a network of this module.
    """
    whole = {name: tensor.float() for name, tensor in weights.items()}  # packs hold them in half precision
    for kind in NETWORKS.values():
        try:
            return kind.from_weights(whole).eval()
        except (KeyError, RuntimeError):
            continue
    raise UsageError("these weights belong to no known style network", hint="Use weights that stylecli has trained.")


def network_name(network: nn.Module) -> str:
    """The name of a network in recipes and model cards."""
    return next(name for name, kind in NETWORKS.items() if type(network) is kind)


def count_parameters(network: nn.Module) -> int:
    """How many numbers a network holds."""
    return sum(parameter.numel() for parameter in network.parameters())
