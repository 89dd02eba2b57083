"""A network cut down to a target: how wide each layer stays, which channels those are, and their weights fitted."""

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
# A group keeps area ** -COST_FIRST as much. Large feature maps cost the time: at full resolution a third less than at a
# quarter. Where parameters are counted they cost next to nothing, and a third more stays there.
COST_FIRST = 0.15
COST_FIRST_OF_PARAMS = -0.1
SHARE_MAX = 2.0  # where even the smallest feature maps keep all their channels
STEPS = 20  # of the bisection that finds the widths
STEPS_TIMED = 6  # when each of them is exported and timed


def choose_widths(
    table: CostTable, target: Target, milliseconds: Callable[[Mapping[ChannelGroup, int]], float]
) -> dict[ChannelGroup, int]:
    """The largest widths that keep to the target.

    All groups of a resolution keep the same share; those of larger feature maps less, or more where the target is a
    number of parameters. Shares by importance, over all groups or by cost, were no better (docs/training.md).

    Raises:
        UsageError: the target is out of reach, or the network keeps to it as it is.
    """
    name, value = target.chosen
    cost_first = COST_FIRST_OF_PARAMS if name == "params" else COST_FIRST

    def widths_at(share: float) -> dict[ChannelGroup, int]:
        return {
            group: min(width, max(LEAST, round(share * table.areas[group] ** -cost_first * width)))
            for group, width in table.widths.items()
        }

    def fits(widths: Mapping[ChannelGroup, int]) -> bool:
        if name == "ratio":
            return sum(widths.values()) <= (1 - value) * sum(table.widths.values())
        if name == "ms":
            return milliseconds(widths) <= value
        return (table.parameters(widths) if name == "params" else table.macs(widths)) <= value

    if fits(table.widths):
        raise UsageError(f"{name} {value:g}: the network is no larger than that", hint="Cut more.")
    if not fits(widths_at(0)):
        raise UsageError(f"{name} {value:g}: no network of this kind is so small", hint="Cut less.")
    low, high = 0.0, SHARE_MAX
    for _ in range(STEPS_TIMED if name == "ms" else STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if fits(widths_at(middle)) else (low, middle)
    return widths_at(low)


def cut_network(
    network: StyleNetwork, orders: Orders, widths: Mapping[ChannelGroup, int], images: Tensor
) -> StyleNetwork:
    """The network with the first channels of each order only, fitted to the whole one on `images` (N, 3, H, W)."""
    kept = {group: sorted(orders[group][:width]) for group, width in widths.items()}
    cut = network_from_weights(cut_channels(network.state_dict(), kept))
    refit(cut, network, kept, images)
    return cut
