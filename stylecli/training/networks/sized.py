"""A style network for use after training: takes pictures of any size, and pads with zeros that do not show."""

from __future__ import annotations

import copy
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from stylecli.training.networks.blocks import STRIDE
from stylecli.training.networks.style_network import StyleNetwork


class SizedNetwork(nn.Module):
    """A copy of a style network that takes any size from 1x1 on.

    In training, convolutions pad by repeating the border. Padding with zeros is faster in onnxruntime, but zeros show
    as a frame, most of all in a sky, as far as a network sees. So only the convolutions before and behind the blocks
    pad with zeros here. They see few pixels: the picture gets a margin of repeated pixels, which also fills it up to
    whole strides, and what the zeros reach is cropped, in the feature maps and at the end. The blocks see far, but
    their feature maps are small: they repeat the border as in training.
    """

    def __init__(self, network: StyleNetwork) -> None:
        super().__init__()
        self.network = copy.deepcopy(network)
        self.edge = network.edge
        for part, layer in self.network.named_children():
            for module in layer.modules() if part != "blocks" else ():
                if isinstance(module, nn.Conv2d):
                    module.padding_mode = "zeros"

    def forward(self, image: Tensor) -> Tensor:
        height, width = image.shape[-2:]
        edge, left = self.edge, STRIDE * self.edge  # left: of the margin, once the feature maps are cropped
        sides: Any = (2 * left, 2 * left + -width % STRIDE, 2 * left, 2 * left + -height % STRIDE)
        features = self.network.encode(F.pad(image, sides, mode="replicate"))
        features = self.network.blocks(features[..., edge:-edge, edge:-edge])
        stylized = self.network.decode(features)
        return stylized[..., left : left + height, left : left + width]
