"""A style network for use after training: takes pictures of any size, and has no frame at the border."""

from __future__ import annotations

import copy
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stylecli.training.networks.blocks import STRIDE
from stylecli.training.networks.style_network import StyleNetwork


class AnySizeNetwork(nn.Module):
    """A copy of a style network that takes any size from 1x1 on.

    In training, convolutions pad by repeating the border, to which a network may react. Padding with zeros is the
    fastest in onnxruntime, but shows as a frame, most of all in a sky, as far as a network sees. So the blocks, which
    see far on small feature maps, mirror the border here. The convolutions around them, which see few pixels, pad with
    zeros: the picture gets a mirrored margin, which also fills it up to whole strides, and what the zeros reach is
    cropped, in the feature maps and at the end. A picture too small to be mirrored is filled up with its last pixels.
    """

    def __init__(self, network: StyleNetwork) -> None:
        super().__init__()
        self.network = copy.deepcopy(network)
        for module in self.network.modules():
            if isinstance(module, nn.Conv2d):
                module.padding_mode = "zeros"
        mirrored = [MirroredBlock(block) for block in self.network.blocks]
        self.network.blocks = nn.Sequential(*mirrored)
        self.edge = network.edge
        self.least = STRIDE * (1 + max([2 * self.edge, *(block.reach for block in mirrored)]))  # pixels

    def forward(self, image: Tensor) -> Tensor:
        height, width = image.shape[-2:]
        right, bottom = (torch.sym_max(-side % STRIDE, self.least - side) for side in (width, height))
        filled: Any = (0, right, 0, bottom)  # symbols while the network is exported
        edge, left = self.edge, STRIDE * self.edge  # left: of the margin, once the feature maps are cropped
        x = F.pad(F.pad(image, filled, mode="replicate"), (2 * left,) * 4, mode="reflect")
        x = self.network.blocks(self.network.encode(x)[..., edge:-edge, edge:-edge])
        stylized: Tensor = self.network.decode(x)
        return stylized[..., left : left + height, left : left + width]


class MirroredBlock(nn.Module):
    """A residual block that mirrors the border of its input once, as far as it sees, and pads no more inside."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.block: Any = block
        self.reach = 0  # pixels of the feature map
        for module in block.modules():
            if isinstance(module, nn.Conv2d):
                self.reach += int(module.padding[0])
                module.padding = (0, 0)

    def forward(self, x: Tensor) -> Tensor:
        added: Tensor = self.block.residual(F.pad(x, (self.reach,) * 4, mode="reflect"))
        return x + added
