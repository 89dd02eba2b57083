"""A style network as it is used: for pictures of any size, with a margin that keeps zero padding out of sight."""

from __future__ import annotations

import copy

import torch.nn.functional as F
from torch import Tensor, nn

from stylecli.training.networks.blocks import STRIDE
from stylecli.training.networks.style_network import StyleNetwork


class SizedNetwork(nn.Module):
    """A style network for any size from 1x1 on.

    Training repeats the border of every feature map. Here convolutions pad with zeros, which onnxruntime does faster,
    and the picture gets a margin of repeated pixels, which is cut off again and hides what the zeros do to the border.
    The margin also fills up to whole strides.
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
