"""A style network for use after training: takes pictures of any size, and pads with zeros that do not show."""

from __future__ import annotations

import copy
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stylecli.training.networks.blocks import STRIDE
from stylecli.training.networks.style_network import StyleNetwork


class SizedNetwork(nn.Module):
    """A copy of a style network that takes any size from 1x1 on.

    In training, convolutions pad by repeating the border. Here they pad with zeros, which is faster in onnxruntime but
    would show as a frame, most of all in a sky. So the picture gets a margin of repeated pixels, which also fills it up
    to whole strides, and its feature maps get a mirrored border as wide as the blocks see. What zeros have reached is
    cropped: a ring after `encode`, the border after the blocks, the margin at the end. A mirrored border has the
    statistics of the picture; a wide border of repeated pixels would shift those of the normalisations.
    """

    def __init__(self, network: StyleNetwork) -> None:
        super().__init__()
        self.network = copy.deepcopy(network)
        self.ring = network.edge
        reaches: list[Any] = [block.reach for block in network.blocks]
        self.border = sum(reaches)
        self.margin = 2 * STRIDE * self.ring
        self.least = STRIDE * self.border  # pixels: a smaller picture has too little to mirror
        for module in self.network.modules():
            if isinstance(module, nn.Conv2d):
                module.padding_mode = "zeros"

    def forward(self, image: Tensor) -> Tensor:
        height, width = image.shape[-2:]
        margin, mirrored = self.margin, self.border + self.ring
        right, bottom = (torch.sym_max(-side % STRIDE, self.least - side) for side in (width, height))
        sides: Any = (margin, margin + right, margin, margin + bottom)  # symbols while the network is exported
        x = F.pad(image, sides, mode="replicate")
        x = _cropped(self.network.encode(x), self.ring)
        x = self.network.blocks(F.pad(x, (mirrored,) * 4, mode="reflect"))
        stylized = self.network.decode(_cropped(x, self.border))
        return stylized[..., margin : margin + height, margin : margin + width]


def _cropped(x: Tensor, sides: int) -> Tensor:
    return x[..., sides:-sides, sides:-sides] if sides else x
