"""The distilled loss network: a network with a quarter of VGG-19's channels that predicts VGG-19's feature maps.

It ships with the package, so training works offline, and a step takes less than half the time. `training.distillation`
trains it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stylecli.core.errors import UsageError

CONVOLUTIONS = (2, 2, 4, 2)  # in each block, as in VGG-19 down to relu4_2
WIDTHS = (16, 32, 64, 128)  # channels of each block: a quarter of VGG-19's
VGG_WIDTHS = (64, 128, 256, 512)
MAPPED = ("relu1_2", "relu2_2", "relu3_3", "relu4_1", "relu4_2")  # the layers that losses and the judge use

# Mean and deviation of ImageNet, for RGB in 0..1: VGG expects normalised pictures.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)


class DistilledNetwork(nn.Module):
    """Map a picture (N, 3, H, W), sRGB-encoded RGB in 0..1, to approximate feature maps of VGG-19 by layer name.

    A narrow VGG-19. After each layer of MAPPED, a 1x1 convolution and a ReLU map to the channels of VGG-19, so that
    feature maps and Gram matrices of both networks can be compared.
    """

    name = "distilled"

    def __init__(self, *, sha256: str = "") -> None:
        super().__init__()
        self.sha256 = sha256
        self.layers = frozenset(MAPPED)
        self.convolutions = nn.ModuleDict()
        self.maps = nn.ModuleDict()
        channels = 3
        for block, (count, width, vgg_width) in enumerate(zip(CONVOLUTIONS, WIDTHS, VGG_WIDTHS, strict=True), start=1):
            for number in range(1, count + 1):
                layer = f"relu{block}_{number}"
                self.convolutions[layer] = nn.Conv2d(channels, width, 3, padding=1)
                if layer in MAPPED:
                    self.maps[layer] = nn.Conv2d(width, vgg_width, 1)
                channels = width
        for name, parameter in self.named_parameters():
            if name.endswith(".weight"):
                nn.init.kaiming_normal_(parameter, nonlinearity="relu")
            else:
                nn.init.zeros_(parameter)
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(IMAGENET_DEVIATION).view(1, 3, 1, 1), persistent=False)

    @classmethod
    def from_weights(cls, weights: Mapping[str, Tensor], *, sha256: str) -> Self:
        """Build the network from its `state_dict`, without gradients; raises UsageError for other tensors."""
        network = cls(sha256=sha256)
        try:
            network.load_state_dict({name: tensor.float() for name, tensor in weights.items()})
        except RuntimeError as error:  # torch lists every tensor that does not fit
            raise UsageError("these weights are not those of the distilled network", hint="Train it again.") from error
        return network.requires_grad_(False).eval()

    def forward(self, image: Tensor, layers: Iterable[str] | None = None) -> dict[str, Tensor]:
        """Return the feature maps of `layers`, by default all of MAPPED; computes no deeper layer than needed."""
        missing = set(self.layers if layers is None else layers)
        features: dict[str, Tensor] = {}
        x = (image - self.get_buffer("mean")) / self.get_buffer("deviation")
        for layer, convolution in self.convolutions.items():
            if not missing:
                break
            if layer.endswith("_1") and layer != "relu1_1":
                x = F.max_pool2d(x, 2)
            x = F.relu(convolution(x))
            if layer in missing:
                features[layer] = F.relu(self.maps[layer](x))
                missing.remove(layer)
        return features
