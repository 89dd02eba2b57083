"""The small network of the bundled styles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stylecli.training.networks.blocks import (
    NormalizedConvolution,
    ResidualBlock,
    convolution,
    count_blocks,
    load_weights,
    upsample,
)
from stylecli.training.networks.style_network import StyleNetwork

DILATIONS = "dilations"  # name of the tensor that stores them among the weights


class FastNetwork(StyleNetwork):
    """The small network of the bundled styles. After Johnson et al. 2016, but no convolution works at full resolution.

    | layer  | computes                                                      | gives                |
    | ------ | ------------------------------------------------------------- | -------------------- |
    | stem   | relu(norm(conv 6x6, stride 2))                                | (N, stem, H/2, W/2)  |
    | down   | relu(norm(conv 3x3, stride 2))                                | (N, trunk, H/4, W/4) |
    | blocks | `ResidualBlock`, with `dilations`                             | (N, trunk, H/4, W/4) |
    | narrow | norm(conv 1x1), only if `narrow`                              | (N, stem, H/4, W/4)  |
    | up     | relu(norm(conv 3x3)) of upsampled maps (Odena et al. 2016)    | (N, stem, H/2, W/2)  |
    | head   | sigmoid(pixel shuffle by 2 of conv 3x3) (Shi et al. 2016)     | (N, 3, H, W)         |

    `up` takes a quarter of the time where it reads all channels of the trunk, less after `narrow`. `head` writes 2x2
    pixels at once; it begins with the same weights for all four (Aitken et al. 2017), and training holds it to kernels
    without a checkerboard (`remove_checkerboard`). With `few_norms` only what enters the residual stream is normalised,
    `down` and the second convolution of each block: what matters of the normalisations, at a third of their time.

    `dilations` are those of the residual blocks, one for each; empty: 1. They decide how long a stroke can be: three
    blocks see 66 pixels without them, 122 with (1, 2, 4), at the same cost. Shapes of tensors do not tell them, so an
    integer tensor among the weights does.
    """

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
        self.hyperparameters: dict[str, Any] = {
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
    def matches(cls, weights: Mapping[str, Tensor]) -> bool:
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

    def encode(self, image: Tensor) -> Tensor:
        x = F.relu(self.stem(image))  # (N, stem, H/2, W/2)
        return F.relu(self.down(x))  # (N, trunk, H/4, W/4)

    def decode(self, features: Tensor) -> Tensor:
        x = features if self.narrow is None else self.narrow(features)  # (N, stem, H/4, W/4)
        x = F.relu(self.up(upsample(x)))  # (N, stem, H/2, W/2)
        return torch.sigmoid(F.pixel_shuffle(self.head(x), 2))  # (N, 3, H, W)


def with_dilations(weights: Mapping[str, Tensor], dilations: Sequence[int]) -> dict[str, Tensor]:
    """Return the tensors of a `fast` network with other dilations; empty: 1. The kernels do not change."""
    kernels = {name: tensor for name, tensor in weights.items() if name != DILATIONS}
    return {**kernels, DILATIONS: torch.tensor(tuple(dilations))} if dilations else kernels


@torch.no_grad()
def remove_checkerboard(network: nn.Module) -> None:
    """Take from the last convolution of a `FastNetwork` what it could draw with a period of 2 pixels, in place.

    That convolution writes 2x2 pixels at once. Seen as one kernel k of 6x6 pixels on a feature map with zeros between
    its samples, it repeats the low frequencies of the map around the Nyquist frequency, where they show as a
    checkerboard over calm areas (Odena et al. 2016); losses that are means over whole pictures hardly see it.

    The kernel becomes P k P with the projection P of `_without_nyquist`, and the four pixels get the same bias. So its
    response has a double zero at the Nyquist frequency, across and down. Training does this after each step (projected
    gradient descent): P k P is the nearest kernel that satisfies the constraint. Other networks are left as they are.
    """
    if not isinstance(network, FastNetwork):
        return
    weight, bias = network.head.weight, network.head.bias
    assert bias is not None
    by_pixel = weight.view(3, 2, 2, -1, 3, 3).permute(0, 3, 4, 1, 5, 2)  # (3, stem, rows, 2, columns, 2)
    kernel = by_pixel.flip(2, 4).reshape(3, -1, 6, 6)
    smooth = _without_nyquist(6).to(weight)
    kernel = (smooth @ kernel @ smooth).view(by_pixel.shape).flip(2, 4)
    weight.copy_(kernel.permute(0, 3, 5, 1, 2, 4).reshape(weight.shape))
    phases = bias.view(3, 4)
    phases[:] = phases.mean(1, keepdim=True)


def _without_nyquist(taps: int) -> Tensor:
    """Return the orthogonal projection P (taps, taps) onto the kernels k with a double zero at the Nyquist frequency.

    These are orthogonal to (-1)^n and n (-1)^n: sum (-1)^n k[n] = 0 and sum n (-1)^n k[n] = 0. P = I - Q Qᵀ, where the
    columns of Q are an orthonormal basis of both.
    """
    places = torch.arange(taps, dtype=torch.float64)
    alternating = (-1) ** places
    basis, _ = torch.linalg.qr(torch.stack([alternating, alternating * places], 1))
    identity = torch.eye(taps, dtype=torch.float64)
    return identity.addmm(basis, basis.T, alpha=-1)
