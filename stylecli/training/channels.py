"""The channels of a style network: which stand and fall together, what they cost, and networks without some of them."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from stylecli.training.network import STRIDE, NormalizedConvolution, StyleNetwork

Cost = Literal["channels", "params", "macs"]

SIDE = 16 * STRIDE  # pixels: of the picture by which the sizes of all feature maps are told


@dataclass(frozen=True)
class ChannelGroup:
    """Channels that can only be cut together: of `writers`, whose outputs are added up, and of their `readers`.

    Both are names of convolutions. The residual stream is one group; what is inside of a block is written by one.
    """

    writers: tuple[str, ...]
    readers: tuple[str, ...]


def channel_groups(network: StyleNetwork) -> list[ChannelGroup]:
    """All groups whose channels can be cut, in the order of the network: all but the colours of the output.

    By the dependency graph of Fang et al. 2023 ("DepGraph: towards any structural pruning").
    """
    import torch_pruning

    bare = copy.deepcopy(network).requires_grad_(True)  # the graph is read off the gradients' functions
    for layer in bare.modules():
        if isinstance(layer, NormalizedConvolution):  # no channel depends on another one by its normalisation
            layer.norm = nn.Identity()  # type: ignore[assignment]
    graph: Any = torch_pruning.DependencyGraph().build_dependency(bare, torch.zeros(1, 3, SIDE, SIDE))
    names = {layer: name for name, layer in bare.named_modules() if isinstance(layer, nn.Conv2d)}
    groups: list[ChannelGroup] = []
    for layer, name in names.items():
        if any(name in group.writers for group in groups):
            continue
        coupled = graph.get_pruning_group(layer, torch_pruning.prune_conv_out_channels, list(range(layer.out_channels)))
        members: dict[Any, list[str]] = {}
        for dependency, _ in coupled:
            if dependency.target.module in names:
                members.setdefault(dependency.handler, []).append(names[dependency.target.module])
        readers = members.get(torch_pruning.prune_conv_in_channels)
        if readers:  # nobody reads the output
            groups.append(ChannelGroup(tuple(members[torch_pruning.prune_conv_out_channels]), tuple(readers)))
    return groups


def width_of(group: ChannelGroup, weights: Mapping[str, Tensor]) -> int:
    """How many channels a group has."""
    return len(weights[f"{group.writers[0]}.weight"])


def cut_channels(weights: Mapping[str, Tensor], kept: Mapping[ChannelGroup, Sequence[int]]) -> dict[str, Tensor]:
    """The tensors of a network that has only the `kept` channels of each group."""
    cut = dict(weights)
    for group, channels in kept.items():
        chosen = torch.as_tensor(channels)
        for writer in group.writers:
            cut[f"{writer}.weight"] = cut[f"{writer}.weight"][chosen]
            norm = f"{writer.rpartition('.')[0]}.norm."
            for name in (name for name in cut if name.startswith(norm)):
                cut[name] = cut[name][..., chosen]
        for reader in group.readers:
            cut[f"{reader}.weight"] = cut[f"{reader}.weight"][:, chosen]
    return cut


class CostTable:
    """What a network of a family costs at other widths, and what one channel of a group adds to that."""

    def __init__(self, network: StyleNetwork, groups: Sequence[ChannelGroup]) -> None:
        weights = network.state_dict()
        areas = _areas(network)
        self._areas = {group: areas[group.writers[0]] for group in groups}
        self.groups = groups
        self.widths = {group: width_of(group, weights) for group in groups}
        self.layers = [
            (
                next((group for group in groups if name in group.readers), None),
                next((group for group in groups if name in group.writers), None),
                weights[f"{name}.weight"].shape,
                area,
                f"{name}.bias" in weights,
            )
            for name, area in areas.items()
        ]

    def area(self, group: ChannelGroup) -> float:
        """Positions of a channel's feature map for each pixel of the picture: 1 at full resolution."""
        return self._areas[group]

    def cost(self, widths: Mapping[ChannelGroup, int], kind: Cost) -> float:
        """Of a network of these widths: channels, parameters, or multiply-accumulates a pixel of the picture."""
        if kind == "channels":
            return sum(widths.values())
        total = 0.0
        for reads, writes, (channels_out, channels_in, height, width), area, has_bias in self.layers:
            ins = channels_in if reads is None else widths[reads]
            outs = channels_out if writes is None else widths[writes]
            kernels = ins * outs * height * width
            if kind == "params":
                total += kernels + (outs if writes is None else 2 * outs) * (has_bias or writes is not None)
            else:
                total += kernels * area
        return total


def _areas(network: StyleNetwork) -> dict[str, float]:
    """Of each convolution: positions of its output for each pixel of the picture."""
    areas: dict[str, float] = {}
    hooks = [
        layer.register_forward_hook(
            lambda _, __, output, name=name: areas.update({name: math.prod(output.shape[-2:]) / SIDE**2})
        )
        for name, layer in network.named_modules()
        if isinstance(layer, nn.Conv2d)
    ]
    with torch.no_grad():
        network(torch.zeros(1, 3, SIDE, SIDE))
    for hook in hooks:
        hook.remove()
    return areas
