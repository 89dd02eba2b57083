"""A network with fewer residual blocks: those go without which the pictures change least."""

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
    """The network with so many `blocks`, chosen one by one by what is painted of `images` (N, 3, H, W).

    Raises:
        UsageError: it has no more than that.
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
    """The tensors without those of one block, counted from 0; the later ones move up, and keep their dilations."""

    def moved(name: str) -> str:
        return BLOCK.sub(lambda found: f"blocks.{int(found[1]) - (int(found[1]) > number)}.", name)

    kept = {moved(name): tensor for name, tensor in weights.items() if not name.startswith(f"blocks.{number}.")}
    if DILATIONS in kept:
        dilations = kept[DILATIONS].tolist()
        kept = with_dilations(kept, [*dilations[:number], *dilations[number + 1 :]])
    return kept
