"""Shortening: the residual blocks whose removal changes the pictures least are removed."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from stylecli.core.errors import UsageError
from stylecli.training.networks.fast import DILATIONS, with_dilations
from stylecli.training.networks.registry import network_from_weights
from stylecli.training.networks.style_network import StyleNetwork

BLOCK = re.compile(r"blocks\.(\d+)\.")


@torch.no_grad()
def shortened(network: StyleNetwork, images: Tensor, blocks: int) -> StyleNetwork:
    """Return the network with only `blocks` residual blocks. Blocks are removed one by one.

    Args:
        network: the network to shorten.
        images: pictures (N, 3, H, W), whose stylized versions shall change least.
        blocks: how many blocks stay.

    Raises:
        UsageError: the network has no more blocks than that.
    """
    if not 0 < blocks < len(network.blocks):
        raise UsageError(
            f"blocks {blocks}: the network has {len(network.blocks)}", hint="Leave fewer, and at least one."
        )
    painted = network(images)

    def change(shorter: StyleNetwork) -> float:
        difference: Tensor = shorter(images) - painted
        return difference.square().mean().item()

    while len(network.blocks) > blocks:
        weights = network.state_dict()
        shorter = [network_from_weights(_without_block(weights, number)) for number in range(len(network.blocks))]
        network = min(shorter, key=change)
    return network


def _without_block(weights: Mapping[str, Tensor], number: int) -> dict[str, Tensor]:
    """Return the tensors without block `number`, counted from 0; later blocks move up and keep their dilations."""

    def moved(name: str) -> str:
        return BLOCK.sub(lambda found: f"blocks.{int(found[1]) - (int(found[1]) > number)}.", name)

    kept = {moved(name): tensor for name, tensor in weights.items() if not name.startswith(f"blocks.{number}.")}
    if DILATIONS in kept:
        dilations = kept[DILATIONS].tolist()
        kept = with_dilations(kept, [*dilations[:number], *dilations[number + 1 :]])
    return kept
