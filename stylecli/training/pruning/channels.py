"""The channels of a style network: groups that must be cut together, their cost, and networks without some of them."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from stylecli.training.networks.blocks import STRIDE, NormalizedConvolution
from stylecli.training.networks.style_network import StyleNetwork

SIDE = 16 * STRIDE  # pixels: side of the picture that shows the size of every feature map


@dataclass(frozen=True)
class ChannelGroup:
    """Channels that must be cut together.

    writers: names of the convolutions that produce them; the outputs of several writers are added up. readers: names of
    the convolutions that take them as input. The residual stream is one group; a group inside a block has one writer.
    """

    writers: tuple[str, ...]
    readers: tuple[str, ...]


def channel_groups(network: StyleNetwork) -> list[ChannelGroup]:
    """Find all groups of channels that can be cut, in the order of the network.

    These are all channels but the colours of the input and output. Uses the dependency graph of Fang et al. 2023
    ("DepGraph: towards any structural pruning").
    """
    import torch_pruning

    bare = copy.deepcopy(network).requires_grad_(True)  # the graph is traced through the gradients
    for layer in bare.modules():
        if isinstance(layer, NormalizedConvolution):  # instance normalisation couples no channels
            layer.norm = nn.Identity()
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
    """Return how many channels a group has."""
    return len(weights[f"{group.writers[0]}.weight"])


def cut_channels(weights: Mapping[str, Tensor], kept: Mapping[ChannelGroup, Sequence[int]]) -> dict[str, Tensor]:
    """Return the tensors of the network that keeps only the `kept` channels of each group."""
    cut = dict(weights)
    for group, channels in kept.items():
        chosen = torch.as_tensor(channels)
        for writer in group.writers:
            cut[f"{writer}.weight"] = cut[f"{writer}.weight"][chosen]
            for name in _beside(writer, cut):
                cut[name] = cut[name][..., chosen]
        for reader in group.readers:
            cut[f"{reader}.weight"] = cut[f"{reader}.weight"][:, chosen]
    return cut


@dataclass(frozen=True)
class Layer:
    """What the cost of a convolution depends on, beside the widths of the groups that it reads and writes."""

    reads: ChannelGroup | None  # None: the colours of the photo
    writes: ChannelGroup | None  # None: those of the picture
    shape: torch.Size
    beside: int  # parameters of each output channel beside its kernel: gamma and beta, or a bias
    area: float


class CostTable:
    """The cost of a network at any widths of its channel groups.

    widths: channels of each group in the network itself. areas: positions of each group's feature map for each pixel of
    the picture.
    """

    def __init__(self, network: StyleNetwork, groups: Sequence[ChannelGroup]) -> None:
        weights = network.state_dict()
        areas = _areas(network)
        self.widths = {group: width_of(group, weights) for group in groups}
        self.areas = {group: areas[group.writers[0]] for group in groups}
        self._layers = [
            Layer(
                next((group for group in groups if name in group.readers), None),
                next((group for group in groups if name in group.writers), None),
                weights[f"{name}.weight"].shape,
                len(_beside(name, weights)),
                area,
            )
            for name, area in areas.items()
        ]

    def parameters(self, widths: Mapping[ChannelGroup, int]) -> int:
        """Return the number of parameters: kernels, and for each channel gamma and beta or a bias."""
        layers = self._layers
        beside = [layer.beside * (widths[layer.writes] if layer.writes else layer.shape[0]) for layer in layers]
        return sum(self._kernels(layer, widths) for layer in layers) + sum(beside)

    def macs(self, widths: Mapping[ChannelGroup, int]) -> float:
        """Return the number of multiply-accumulates for each pixel of the picture."""
        return sum(self._kernels(layer, widths) * layer.area for layer in self._layers)

    @staticmethod
    def _kernels(layer: Layer, widths: Mapping[ChannelGroup, int]) -> int:
        channels_out, channels_in, height, width = layer.shape
        outs = widths[layer.writes] if layer.writes else channels_out
        ins = widths[layer.reads] if layer.reads else channels_in
        return outs * ins * height * width


def _beside(convolution: str, weights: Mapping[str, Tensor]) -> list[str]:
    """Return the names of a convolution's other tensors with one value a channel: a bias, or gamma and beta."""
    norm = f"{convolution.rpartition('.')[0]}.norm"
    return [name for name in (f"{convolution}.bias", f"{norm}.weight", f"{norm}.bias") if name in weights]


def _areas(network: StyleNetwork) -> dict[str, float]:
    """Return, for each convolution, the positions of its output for each pixel of the picture."""
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
