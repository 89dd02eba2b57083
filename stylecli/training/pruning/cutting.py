"""A network cut down to a target: how wide each layer stays, which channels those are, and their weights fitted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields

from torch import Tensor

from stylecli.core.errors import UsageError
from stylecli.training.networks.registry import StyleNetwork, network_from_weights
from stylecli.training.pruning.channels import ChannelGroup, CostTable, cut_channels
from stylecli.training.pruning.importance import Orders
from stylecli.training.pruning.refitting import refit

LEAST = 3  # channels that every group keeps
# A group keeps area ** -COST_FIRST as much. Large feature maps cost the time: at full resolution a third less than at a
# quarter. Where parameters are counted they cost next to nothing, and a third more stays there.
COST_FIRST = 0.15
COST_FIRST_OF_PARAMS = -0.1
SHARE_MAX = 2.0  # where even the smallest feature maps keep all their channels
STEPS = 20  # of the bisection that finds the widths
STEPS_TIMED = 6  # when each of them is exported and timed


@dataclass(frozen=True)
class Target:
    """How far to cut, by one of: the share of the channels that go, parameters, multiply-accumulates a pixel, ms.

    Or by what is no channel: the residual blocks that stay (`shortening`), the most expensive layer, which becomes two
    (`narrowing`), the normalisations that matter little (`freezing`).
    """

    ratio: float | None = None
    params: float | None = None
    macs: float | None = None
    ms: float | None = None
    blocks: int | None = None
    narrow: bool | None = None
    few_norms: bool | None = None

    @property
    def chosen(self) -> tuple[str, float]:
        """The one that is given, by name.

        Raises:
            UsageError: none or several are, or it is out of range.
        """
        known = {field.name: getattr(self, field.name) for field in fields(self)}
        given = [(name, value) for name, value in known.items() if value is not None]
        if len(given) != 1:
            raise UsageError("say how far to cut, in one way", hint=f"Give one of: {', '.join(known)}.")
        name, value = given[0][0], float(given[0][1])
        if not 0 < value < float("inf") or (name == "ratio" and value >= 1):
            raise UsageError(f"{name} {value:g}: cuts nothing, or everything", hint="A ratio lies between 0 and 1.")
        return name, value


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
