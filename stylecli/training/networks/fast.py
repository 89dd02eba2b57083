"""The small network of the bundled styles."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stylecli.training.networks.blocks import (
    STRIDE,
    NormalizedConvolution,
    ResidualBlock,
    convolution,
    count_blocks,
    double,
    load_weights,
)
from stylecli.training.networks.style_network import MARGIN, StyleNetwork

DILATIONS = "dilations"  # name of the tensor that stores them among the weights


class FastNetwork(StyleNetwork):
    """The small network of the bundled styles.

    After Johnson et al. 2016, with what costs the time there replaced: no convolution works at full resolution. The
    first one reads 6x6 pixels at a stride of 2, the last one writes 2x2 pixels at once (Shi et al. 2016), in between a
    nearest-neighbour up-convolution (Odena et al. 2016), which takes a quarter of the time where it reads all channels
    of the trunk, less where they are mixed down before it (`narrow`). The last one begins with the same weights for all
    four pixels (Aitken et al. 2017); training holds them level (`level_pixels`). With `few_norms` only what enters the
    residual stream is normalised: what matters of the normalisations, at a third of their time (`freezing`).

    `dilations` are those of the residual blocks, one for each; empty: 1. They decide how long a stroke can be: three
    blocks see 66 pixels without them, 122 with (1, 2, 4), at the same cost. Shapes of tensors do not tell them, so an
    integer tensor among the weights does.
    """

    shape = (*StyleNetwork.shape, "narrow", "few_norms", "dilations")

    def __init__(
        self,
        *,
        stem: int = 16,
        trunk: int = 48,
        blocks: int = 4,
        narrow: bool = False,
        few_norms: bool = False,
        dilations: Sequence[int] = (),
    ) -> None:
        super().__init__()
        self.widths: dict[str, Any] = {
            "stem": stem,
            "trunk": trunk,
            "blocks": blocks,
            "narrow": narrow,
            "few_norms": few_norms,
            "dilations": tuple(dilations),
        }
        if dilations:
            self.register_buffer(DILATIONS, torch.tensor(tuple(dilations)))
        beside = not few_norms  # whether to normalise feature maps that do not enter the residual stream
        self.stem = NormalizedConvolution(3, stem, size=6, stride=2, normalize=beside)
        self.down = NormalizedConvolution(stem, trunk, stride=2)
        self.blocks = nn.Sequential(
            *(
                ResidualBlock(trunk, normalize_inside=beside, dilation=dilation)
                for _, dilation in zip(range(blocks), dilations or (1,) * blocks, strict=True)
            )
        )
        self.narrow = NormalizedConvolution(trunk, stem, size=1, normalize=beside) if narrow else None
        self.up = NormalizedConvolution(stem if narrow else trunk, stem, normalize=beside)
        self.head = convolution(stem, 3 * 4)
        for parameter in self.head.parameters():
            phases = parameter.detach().view(3, 4, -1)
            phases[:] = phases[:, :1].clone()

    @classmethod
    def owns(cls, weights: Mapping[str, Tensor]) -> bool:
        """Whether there is a stem; the other networks have other names for it."""
        return "stem.convolution.weight" in weights

    @classmethod
    def from_weights(cls, weights: Mapping[str, Tensor]) -> Self:
        """Rebuild the network whose `state_dict` these tensors are."""
        network = cls(
            stem=len(weights["stem.convolution.weight"]),
            trunk=len(weights["down.convolution.weight"]),
            blocks=count_blocks(weights, "blocks"),
            narrow="narrow.convolution.weight" in weights,
            few_norms="stem.norm.weight" not in weights,
            dilations=tuple(map(int, weights[DILATIONS].tolist())) if DILATIONS in weights else (),
        )
        load_weights(network, weights)
        return network

    @property
    def margin(self) -> int:
        """Pixels around a picture. Proportional to the mean dilation, as is the reach of the zero padding."""
        dilations = self.widths["dilations"]
        mean = sum(dilations) / len(dilations) if dilations else 1
        return math.ceil(MARGIN * mean / STRIDE) * STRIDE

    def forward(self, image: Tensor) -> Tensor:
        x = F.relu(self.stem(image))  # (N, stem, H/2, W/2)
        x = F.relu(self.down(x))  # (N, trunk, H/4, W/4)
        x = self.blocks(x)
        if self.narrow is not None:
            x = self.narrow(x)  # (N, stem, H/4, W/4)
        x = F.relu(self.up(double(x)))  # (N, stem, H/2, W/2)
        return torch.sigmoid(F.pixel_shuffle(self.head(x), 2))  # (N, 3, H, W)


def with_dilations(weights: Mapping[str, Tensor], dilations: Sequence[int]) -> dict[str, Tensor]:
    """Return the tensors of a `fast` network with other dilations; empty: 1. The kernels do not change."""
    kernels = {name: tensor for name, tensor in weights.items() if name != DILATIONS}
    return {**kernels, DILATIONS: torch.tensor(tuple(dilations))} if dilations else kernels


@torch.no_grad()
def level_pixels(network: nn.Module) -> None:
    """Give the four pixels that a `FastNetwork` writes at once the same sum of weights and the same bias, in place.

    Then feature maps that do not change make a picture that does not: no mesh of 2 pixels lies over calm areas, which
    losses that are means over whole pictures hardly see. Training does this after each step, since the sums drift
    apart: a constraint by projection, the nearest weights that satisfy it. Other networks are left as they are.
    """
    if not isinstance(network, FastNetwork):
        return
    weight, bias = (parameter.view(3, 4, *parameter.shape[1:]) for parameter in network.head.parameters())
    sums = weight.mean((3, 4), keepdim=True)  # (3, 4, stem, 1, 1), over the taps of the kernel
    weight -= sums - sums.mean(1, keepdim=True)
    bias[:] = bias.mean(1, keepdim=True)
