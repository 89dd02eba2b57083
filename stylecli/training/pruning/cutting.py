"""Cutting to a target: choose the width of each group of channels, keep the most important ones, refit the weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor

from stylecli.core.errors import UsageError
from stylecli.training.networks.registry import network_from_weights
from stylecli.training.networks.style_network import StyleNetwork
from stylecli.training.pruning.channels import ChannelGroup, CostTable, cut_channels
from stylecli.training.pruning.importance import Orders
from stylecli.training.pruning.options import Target
from stylecli.training.pruning.refitting import refit

LEAST = 3  # channels that every group keeps
# The share that a group keeps is proportional to area ** -COST_FIRST. Large feature maps take most of the time, so at
# full resolution a third less is kept than at a quarter. They have few parameters, so for a target of parameters a
# third more is kept there.
COST_FIRST = 0.15
COST_FIRST_OF_PARAMS = -0.1
SHARE_MAX = 2.0  # at this share even the smallest feature maps keep all channels
STEPS = 20  # of the bisection for the widths
STEPS_TIMED = 6  # where each step exports and times a network


def choose_widths(
    table: CostTable, target: Target, milliseconds: Callable[[Mapping[ChannelGroup, int]], float]
) -> dict[ChannelGroup, int]:
    """Find the largest widths that meet the target, by bisection.

    All groups of the same resolution keep the same share of their channels. Shares by importance, over all groups or
    by cost, were no better (docs/training-measurements.md).

    Args:
        table: the cost of the network.
        target: the target.
        milliseconds: times the network of given widths; only called for a target of milliseconds.

    Returns:
        The number of channels that each group keeps.

    Raises:
        UsageError: the target is out of reach, or the network meets it already.
    """
    kind, limit = target.kind, target.limit
    cost_first = COST_FIRST_OF_PARAMS if kind == "params" else COST_FIRST

    def widths_at(share: float) -> dict[ChannelGroup, int]:
        return {
            group: min(width, max(LEAST, round(share * table.areas[group] ** -cost_first * width)))
            for group, width in table.widths.items()
        }

    def fits(widths: Mapping[ChannelGroup, int]) -> bool:
        if kind == "ratio":
            return sum(widths.values()) <= (1 - limit) * sum(table.widths.values())
        if kind == "ms":
            return milliseconds(widths) <= limit
        return (table.parameters(widths) if kind == "params" else table.macs(widths)) <= limit

    if fits(table.widths):
        raise UsageError(f"{target}: the network is no larger than that", hint="Cut more.")
    if not fits(widths_at(0)):
        raise UsageError(f"{target}: no network of this kind is so small", hint="Cut less.")
    low, high = 0.0, SHARE_MAX
    for _ in range(STEPS_TIMED if kind == "ms" else STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if fits(widths_at(middle)) else (low, middle)
    return widths_at(low)


def cut_network(
    network: StyleNetwork, orders: Orders, widths: Mapping[ChannelGroup, int], images: Tensor
) -> StyleNetwork:
    """Cut a network to the first channels of each order and refit it to the whole one on `images` (N, 3, H, W)."""
    kept = {group: sorted(orders[group][:width]) for group, width in widths.items()}
    cut = network_from_weights(cut_channels(network.state_dict(), kept))
    refit(cut, network, kept, images)
    return cut
