"""The style networks: feed-forward transformation networks from a photo to its stylized picture.

Contract of every network here: input and output (N, 3, H, W), sRGB-encoded RGB in 0..1, H and W multiples of 4.
`SizedNetwork` lifts the rule on sizes. A network is rebuilt from its tensors alone (`network_from_weights`); one that
holds several styles too (`conditional`).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stylecli.errors import UsageError

STRIDE = 4  # pixels: the resolution of every trunk is a quarter of the picture's
MARGIN = 8  # pixels: without it, zero padding shows as a frame; more shifts the statistics


class FastNetwork(nn.Module):
    """The small network of the bundled styles.

    After Johnson et al. 2016, with what costs the time there replaced: no convolution works at full resolution. The
    first one reads 6x6 pixels at a stride of 2, the last one writes 2x2 pixels at once (Shi et al. 2016), in between a
    nearest-neighbour up-convolution (Odena et al. 2016), which takes a quarter of the time where it reads all channels
    of the trunk, less where they are mixed down before it (`narrow`). The last one begins with the same weights for all
    four pixels (Aitken et al. 2017); training holds them level (`level_pixels`). With `few_norms` only what enters the
    residual stream is normalised: what matters of the normalisations, at a third of their time (`freezing`).
    """

    def __init__(
        self, *, stem: int = 16, trunk: int = 48, blocks: int = 4, narrow: bool = False, few_norms: bool = False
    ) -> None:
        super().__init__()
        self.widths: dict[str, Any] = {
            "stem": stem,
            "trunk": trunk,
            "blocks": blocks,
            "narrow": narrow,
            "few_norms": few_norms,
        }
        beside = not few_norms  # whether what does not enter the residual stream is normalised
        self.stem = NormalizedConvolution(3, stem, size=6, stride=2, normalize=beside)
        self.down = NormalizedConvolution(stem, trunk, stride=2)
        self.blocks = nn.Sequential(*(ResidualBlock(trunk, normalize_inside=beside) for _ in range(blocks)))
        self.narrow = NormalizedConvolution(trunk, stem, size=1, normalize=beside) if narrow else None
        self.up = NormalizedConvolution(stem if narrow else trunk, stem, normalize=beside)
        self.head = convolution(stem, 3 * 4)
        for parameter in self.head.parameters():
            phases = parameter.detach().view(3, 4, -1)
            phases[:] = phases[:, :1].clone()

    @classmethod
    def from_weights(cls, weights: Mapping[str, Tensor]) -> Self:
        """Rebuild the network whose `state_dict` these tensors are."""
        network = cls(
            stem=len(weights["stem.convolution.weight"]),
            trunk=len(weights["down.convolution.weight"]),
            blocks=_count(weights, "blocks"),
            narrow="narrow.convolution.weight" in weights,
            few_norms="stem.norm.weight" not in weights,
        )
        _load(network, weights)
        return network

    def forward(self, image: Tensor) -> Tensor:
        x = F.relu(self.stem(image))  # (N, stem, H/2, W/2)
        x = F.relu(self.down(x))  # (N, trunk, H/4, W/4)
        x = self.blocks(x)
        if self.narrow is not None:
            x = self.narrow(x)  # (N, stem, H/4, W/4)
        x = F.relu(self.up(double(x)))  # (N, stem, H/2, W/2)
        return torch.sigmoid(F.pixel_shuffle(self.head(x), 2))  # (N, 3, H, W)


class JohnsonNetwork(nn.Module):
    """The transformation network of Johnson et al. 2016 (supplement, table 1), the yardstick of speed and quality.

    Departures: instance instead of batch normalisation (Ulyanov et al. 2016) and nearest-neighbour up-convolutions
    (Odena et al. 2016), as in every later implementation; sigmoid for the scaled tanh, since pictures are 0..1.
    """

    def __init__(self, *, stem: int = 32, trunk: int = 128, blocks: int = 5) -> None:
        super().__init__()
        self.widths: dict[str, Any] = {"stem": stem, "trunk": trunk, "blocks": blocks}
        middle = trunk // 2
        self.entry = NormalizedConvolution(3, stem, size=9)
        self.down = nn.ModuleList(
            [NormalizedConvolution(stem, middle, stride=2), NormalizedConvolution(middle, trunk, stride=2)]
        )
        self.blocks = nn.Sequential(*(self._block(trunk) for _ in range(blocks)))
        self.up = nn.ModuleList([NormalizedConvolution(trunk, middle), NormalizedConvolution(middle, stem)])
        self.exit = convolution(stem, 3, size=9)

    @classmethod
    def from_weights(cls, weights: Mapping[str, Tensor]) -> Self:
        """Rebuild the network whose `state_dict` these tensors are."""
        network = cls(
            stem=len(weights["entry.convolution.weight"]),
            trunk=len(weights["down.1.convolution.weight"]),
            blocks=_count(weights, "blocks"),
        )
        _load(network, weights)
        return network

    def forward(self, image: Tensor) -> Tensor:
        x = F.relu(self.entry(image))  # (N, stem, H, W)
        for down in self.down:
            x = F.relu(down(x))
        x = self.blocks(x)  # (N, trunk, H/4, W/4)
        for up in self.up:
            x = F.relu(up(double(x)))
        return torch.sigmoid(self.exit(x))  # (N, 3, H, W)

    @staticmethod
    def _block(channels: int) -> nn.Module:
        return ResidualBlock(channels)


class ResidualNetwork(JohnsonNetwork):
    """The residual variant of Prasad and Ratna, "Transformation ResNet": Johnson's network with bottleneck blocks.

    A third of the parameters; the most expensive parts, the 9x9 convolutions at full resolution, stay.
    """

    @staticmethod
    def _block(channels: int) -> nn.Module:
        return BottleneckBlock(channels)


class ResidualBlock(nn.Module):
    """Two normalised convolutions beside an identity, without a ReLU after the sum (Gross and Wilber 2016).

    Without `normalize_inside` only the second one, whose result is added, is normalised.
    """

    def __init__(self, channels: int, *, normalize_inside: bool = True) -> None:
        super().__init__()
        self.first = NormalizedConvolution(channels, channels, normalize=normalize_inside)
        self.second = NormalizedConvolution(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        residual: Tensor = self.second(F.relu(self.first(x)))
        return x + residual


class BottleneckBlock(nn.Module):
    """Three normalised convolutions, the middle one 3x3 at half the width, beside an identity (He et al. 2016)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.narrow = NormalizedConvolution(channels, channels // 2, size=1)
        self.middle = NormalizedConvolution(channels // 2, channels // 2)
        self.widen = NormalizedConvolution(channels // 2, channels, size=1)

    def forward(self, x: Tensor) -> Tensor:
        residual: Tensor = self.widen(F.relu(self.middle(F.relu(self.narrow(x)))))
        return x + residual


class NormalizedConvolution(nn.Module):
    """A convolution and an affine instance normalisation, which makes a bias of the convolution void.

    Without `normalize`, a convolution with a bias, to which a normalisation by constant statistics comes down.
    """

    def __init__(
        self, channels_in: int, channels_out: int, *, size: int = 3, stride: int = 1, normalize: bool = True
    ) -> None:
        super().__init__()
        self.convolution = convolution(channels_in, channels_out, size=size, stride=stride, bias=not normalize)
        self.norm = nn.InstanceNorm2d(channels_out, affine=True) if normalize else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        normalized: Tensor = self.norm(self.convolution(x))
        return normalized


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


def convolution(channels_in: int, channels_out: int, *, size: int = 3, stride: int = 1, bias: bool = True) -> nn.Conv2d:
    """A convolution that keeps the size (or halves it) and repeats the border."""
    return nn.Conv2d(channels_in, channels_out, size, stride, (size - 1) // 2, padding_mode="replicate", bias=bias)


def double(x: Tensor) -> Tensor:
    """Twice the height and width, by nearest neighbour."""
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


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


def count_parameters(network: nn.Module) -> int:
    """How many numbers a network holds."""
    return sum(parameter.numel() for parameter in network.parameters())


def _load(network: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Give each convolution the channels of its tensors, which in a pruned network differ from block to block."""
    for name, layer in list(network.named_modules()):
        if isinstance(layer, NormalizedConvolution):
            channels_out, channels_in, size, _ = weights[f"{name}.convolution.weight"].shape
            stride, normalize = layer.convolution.stride[0], f"{name}.norm.weight" in weights
            network.set_submodule(
                name, NormalizedConvolution(channels_in, channels_out, size=size, stride=stride, normalize=normalize)
            )
    for name, layer in list(network.named_children()):
        if isinstance(layer, nn.Conv2d):
            channels_out, channels_in, size, _ = weights[f"{name}.weight"].shape
            network.set_submodule(name, convolution(channels_in, channels_out, size=size))
    network.load_state_dict(dict(weights))


def _count(weights: Mapping[str, Tensor], group: str) -> int:
    return len({name.split(".")[1] for name in weights if name.startswith(f"{group}.")})
