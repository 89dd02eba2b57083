"""The base class of the style networks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from torch import Tensor, nn


class StyleNetwork(nn.Module):
    """A network that maps a picture (N, 3, H, W), sRGB-encoded RGB in 0..1, to its stylized picture of the same shape.

    A subclass takes the values of `shape` as keyword arguments, keeps them in `widths`, has its residual blocks in
    `blocks`, and is listed in `registry.NETWORKS`.
    """

    shape: ClassVar[tuple[str, ...]] = ("stem", "trunk", "blocks")  # the fields of a recipe that decide its layers
    widths: dict[str, Any]
    blocks: nn.Sequential

    @classmethod
    def owns(cls, weights: Mapping[str, Tensor]) -> bool:
        """Whether these tensors are the `state_dict` of a network of this class, whatever its widths."""
        raise NotImplementedError

    @classmethod
    def from_weights(cls, weights: Mapping[str, Tensor]) -> Self:
        """Rebuild the network whose `state_dict` these tensors are; `owns` must hold."""
        raise NotImplementedError

    @property
    def margin(self) -> int:
        """Pixels to repeat around a picture so that zero padding does not show; a multiple of the stride."""
        return MARGIN


MARGIN = 8  # pixels: without it, zero padding shows as a frame; a larger one shifts the statistics
