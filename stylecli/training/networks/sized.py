"""A style network for use after training: takes pictures of any size, and hides the effects of zero padding."""

from __future__ import annotations

import copy

import torch.nn.functional as F
from torch import Tensor, nn

from stylecli.training.networks.blocks import STRIDE
from stylecli.training.networks.style_network import StyleNetwork


class SizedNetwork(nn.Module):
    """A copy of a style network that takes any size from 1x1 on.

    In training, convolutions pad by repeating the border. Here they pad with zeros, which is faster in onnxruntime.
    The picture gets a margin of repeated pixels, which also fills it up to whole strides. The result is cropped, so
    the effect of the zeros does not show.
    """

    def __init__(self, network: StyleNetwork) -> None:
        super().__init__()
        self.network = copy.deepcopy(network)
        self.margin = network.margin
        for module in self.network.modules():
            if isinstance(module, nn.Conv2d):
                module.padding_mode = "zeros"

    def forward(self, image: Tensor) -> Tensor:
        height, width = image.shape[-2:]
        margin = self.margin
        sides = (margin, margin + -width % STRIDE, margin, margin + -height % STRIDE)  # left, right, top, bottom
        stylized: Tensor = self.network(F.pad(image, sides, mode="replicate"))
        return stylized[..., margin : margin + height, margin : margin + width]
