"""The layers that the style networks are made of."""

from __future__ import annotations

from collections.abc import Mapping

import torch.nn.functional as F
from torch import Tensor, nn

STRIDE = 4  # pixels: the resolution of every trunk is a quarter of the picture's


class ResidualBlock(nn.Module):
    """Two normalised convolutions beside an identity, without a ReLU after the sum (Gross and Wilber 2016).

    Without `normalize_inside` only the second one, whose result is added, is normalised. `dilation` is the distance of
    the taps of both kernels (Yu and Koltun 2016): a larger field with the same weights.
    """

    def __init__(self, channels: int, *, normalize_inside: bool = True, dilation: int = 1) -> None:
        super().__init__()
        self.first = NormalizedConvolution(channels, channels, normalize=normalize_inside, dilation=dilation)
        self.second = NormalizedConvolution(channels, channels, dilation=dilation)

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
        self,
        channels_in: int,
        channels_out: int,
        *,
        size: int = 3,
        stride: int = 1,
        dilation: int = 1,
        normalize: bool = True,
    ) -> None:
        super().__init__()
        self.convolution = convolution(
            channels_in, channels_out, size=size, stride=stride, dilation=dilation, bias=not normalize
        )
        self.norm = nn.InstanceNorm2d(channels_out, affine=True) if normalize else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        normalized: Tensor = self.norm(self.convolution(x))
        return normalized


def convolution(
    channels_in: int, channels_out: int, *, size: int = 3, stride: int = 1, dilation: int = 1, bias: bool = True
) -> nn.Conv2d:
    """A convolution that keeps the size (or halves it) and repeats the border."""
    padding = (size - 1) // 2 * dilation
    return nn.Conv2d(channels_in, channels_out, size, stride, padding, dilation, padding_mode="replicate", bias=bias)


def double(x: Tensor) -> Tensor:
    """Twice the height and width, by nearest neighbour."""
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


def load_weights(network: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Give each convolution the channels of its tensors, which in a pruned network differ from block to block."""
    for name, layer in list(network.named_modules()):
        if isinstance(layer, NormalizedConvolution):
            channels_out, channels_in, size, _ = weights[f"{name}.convolution.weight"].shape
            stride, dilation = layer.convolution.stride[0], layer.convolution.dilation[0]
            normalize = f"{name}.norm.weight" in weights
            resized = NormalizedConvolution(
                channels_in, channels_out, size=size, stride=stride, dilation=dilation, normalize=normalize
            )
            network.set_submodule(name, resized)
    for name, layer in list(network.named_children()):
        if isinstance(layer, nn.Conv2d):
            channels_out, channels_in, size, _ = weights[f"{name}.weight"].shape
            network.set_submodule(name, convolution(channels_in, channels_out, size=size))
    network.load_state_dict(dict(weights))


def count_blocks(weights: Mapping[str, Tensor], group: str) -> int:
    """How many numbered layers the tensors of `group` ("blocks") belong to."""
    return len({name.split(".")[1] for name in weights if name.startswith(f"{group}.")})
