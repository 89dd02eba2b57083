"""The layers that the style networks are made of."""

from __future__ import annotations

from collections.abc import Mapping

import torch.nn.functional as F
from torch import Tensor, nn

STRIDE = 4  # pixels: every trunk works at a quarter of the picture's resolution


class ResidualBlock(nn.Module):
    """x + norm(conv(relu(norm(conv(x))))), convolutions 3x3, without a ReLU after the sum (Gross and Wilber 2016).

    Takes and gives feature maps (N, C, H, W).

    normalize_inside: False leaves out the normalisation of the first convolution. dilation: of both kernels, for a
    larger receptive field with as many weights (Yu and Koltun 2016).
    """

    def __init__(self, channels: int, *, normalize_inside: bool = True, dilation: int = 1) -> None:
        super().__init__()
        self.first = NormalizedConvolution(channels, channels, normalize=normalize_inside, dilation=dilation)
        self.second = NormalizedConvolution(channels, channels, dilation=dilation)

    def residual(self, x: Tensor) -> Tensor:
        """What the block adds to its input."""
        residual: Tensor = self.second(F.relu(self.first(x)))
        return residual

    def forward(self, x: Tensor) -> Tensor:
        return x + self.residual(x)


class BottleneckBlock(nn.Module):
    """x + norm(conv 1x1(relu(norm(conv 3x3(relu(norm(conv 1x1(x)))))))), at half the width inside (He et al. 2016).

    Takes and gives feature maps (N, C, H, W). A departure: no ReLU after the sum.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.narrow = NormalizedConvolution(channels, channels // 2, size=1)
        self.middle = NormalizedConvolution(channels // 2, channels // 2)
        self.widen = NormalizedConvolution(channels // 2, channels, size=1)

    def residual(self, x: Tensor) -> Tensor:
        """What the block adds to its input."""
        residual: Tensor = self.widen(F.relu(self.middle(F.relu(self.narrow(x)))))
        return residual

    def forward(self, x: Tensor) -> Tensor:
        return x + self.residual(x)


class NormalizedConvolution(nn.Module):
    """A convolution y = w * x and an affine instance normalisation: gamma (y - mean) / sqrt(variance + 1e-5) + beta.

    Mean and variance are those of each channel of each picture (Ulyanov et al. 2016), so a bias of the convolution
    would have no effect. From (N, channels_in, H, W) to (N, channels_out, H/stride, W/stride).

    normalize: False gives a convolution with a bias instead, which also represents a normalisation by constants.
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
    """Make a convolution that keeps the size, or divides it by `stride`, and pads by repeating the border."""
    padding = (size - 1) // 2 * dilation
    return nn.Conv2d(channels_in, channels_out, size, stride, padding, dilation, padding_mode="replicate", bias=bias)


def upsample(x: Tensor) -> Tensor:
    """Upsample (N, C, H, W) to (N, C, 2H, 2W), nearest neighbour."""
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


def load_weights(network: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Load tensors into a network; first resizes each convolution, since the blocks of a pruned network differ."""
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
    """Count the numbered layers of `group`, such as "blocks", in the names of tensors."""
    return len({name.split(".")[1] for name in weights if name.startswith(f"{group}.")})
