"""The network of Johnson et al. 2016, and its residual variant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stylecli.training.networks.blocks import (
    BottleneckBlock,
    NormalizedConvolution,
    ResidualBlock,
    convolution,
    count_blocks,
    load_weights,
    upsample,
)
from stylecli.training.networks.style_network import StyleNetwork


class JohnsonNetwork(StyleNetwork):
    """The transformation network of Johnson et al. 2016 (supplement, table 1), the baseline for speed and quality.

    | layer  | computes                                          | gives                |
    | ------ | ------------------------------------------------- | -------------------- |
    | entry  | relu(norm(conv 9x9))                              | (N, stem, H, W)      |
    | down   | twice relu(norm(conv 3x3, stride 2))              | (N, trunk, H/4, W/4) |
    | blocks | `ResidualBlock`                                   | (N, trunk, H/4, W/4) |
    | up     | twice relu(norm(conv 3x3)) of the upsampled maps  | (N, stem, H, W)      |
    | exit   | sigmoid(conv 9x9)                                 | (N, 3, H, W)         |

    Departures: instance instead of batch normalisation (Ulyanov et al. 2016) and nearest-neighbour up-convolutions
    (Odena et al. 2016), as in every later implementation; a sigmoid instead of the scaled tanh, for pictures in 0..1.
    """

    edge = 2

    def __init__(self, *, stem: int = 32, trunk: int = 128, blocks: int = 5) -> None:
        super().__init__()
        self.hyperparameters: dict[str, Any] = {"stem": stem, "trunk": trunk, "blocks": blocks}
        middle = trunk // 2
        self.entry = NormalizedConvolution(3, stem, size=9)
        self.down = nn.ModuleList(
            [NormalizedConvolution(stem, middle, stride=2), NormalizedConvolution(middle, trunk, stride=2)]
        )
        self.blocks = nn.Sequential(*(self._block(trunk) for _ in range(blocks)))
        self.up = nn.ModuleList([NormalizedConvolution(trunk, middle), NormalizedConvolution(middle, stem)])
        self.exit = convolution(stem, 3, size=9)

    @classmethod
    def matches(cls, weights: Mapping[str, Tensor]) -> bool:
        """Whether there are residual blocks of two convolutions, unlike in the residual variant."""
        return "entry.convolution.weight" in weights and "blocks.0.first.convolution.weight" in weights

    @classmethod
    def from_weights(cls, weights: Mapping[str, Tensor]) -> Self:
        """Rebuild the network whose `state_dict` these tensors are."""
        network = cls(
            stem=len(weights["entry.convolution.weight"]),
            trunk=len(weights["down.1.convolution.weight"]),
            blocks=count_blocks(weights, "blocks"),
        )
        load_weights(network, weights)
        return network

    def encode(self, image: Tensor) -> Tensor:
        x = F.relu(self.entry(image))  # (N, stem, H, W)
        for down in self.down:
            x = F.relu(down(x))
        return x  # (N, trunk, H/4, W/4)

    def decode(self, features: Tensor) -> Tensor:
        x = features
        for up in self.up:
            x = F.relu(up(upsample(x)))
        return torch.sigmoid(self.exit(x))  # (N, 3, H, W)

    @staticmethod
    def _block(channels: int) -> nn.Module:
        return ResidualBlock(channels)


class ResidualNetwork(JohnsonNetwork):
    """The residual variant of Prasad and Ratna, "Transformation ResNet": Johnson's network with bottleneck blocks.

    It has a third of the parameters, but keeps the most expensive layers, the 9x9 convolutions at full resolution.
    """

    @classmethod
    def matches(cls, weights: Mapping[str, Tensor]) -> bool:
        """Whether there are bottleneck blocks."""
        return "entry.convolution.weight" in weights and "blocks.0.middle.convolution.weight" in weights

    @staticmethod
    def _block(channels: int) -> nn.Module:
        return BottleneckBlock(channels)
