"""The base class of the style networks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from torch import Tensor, nn


class StyleNetwork(nn.Module, ABC):
    """A network that maps a picture (N, 3, H, W), sRGB-encoded RGB in 0..1, to its stylized picture of the same shape.

    A subclass takes the fields of a recipe that decide its layers as keyword arguments, keeps all of them in
    `hyperparameters`, and is listed in `registry.NETWORKS`. It has three parts: `encode` from the picture to feature
    maps (N, trunk, H/4, W/4), residual `blocks`, and `decode` back to the picture. `edge` is how far `encode`, and
    `decode`, see to each side, in pixels of these feature maps, rounded up.
    """

    edge: ClassVar[int] = 1
    hyperparameters: dict[str, Any]
    blocks: nn.Sequential

    @classmethod
    @abstractmethod
    def matches(cls, weights: Mapping[str, Tensor]) -> bool:
        """Whether these tensors are the `state_dict` of a network of this class, whatever its hyperparameters."""

    @classmethod
    @abstractmethod
    def from_weights(cls, weights: Mapping[str, Tensor]) -> Self:
        """Rebuild the network whose `state_dict` these tensors are; `matches` must hold."""

    @abstractmethod
    def encode(self, image: Tensor) -> Tensor:
        """Map a picture (N, 3, H, W) in 0..1 to feature maps (N, trunk, H/4, W/4)."""

    @abstractmethod
    def decode(self, features: Tensor) -> Tensor:
        """Map feature maps (N, trunk, H/4, W/4) to a picture (N, 3, H, W) in 0..1."""

    def forward(self, image: Tensor) -> Tensor:
        """Paint a picture whose sides are multiples of the stride."""
        return self.decode(self.blocks(self.encode(image)))
