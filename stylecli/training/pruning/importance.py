"""The importance of channels: for each group, the order in which its channels are kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor, nn

from stylecli.training.pruning.channels import ChannelGroup
from stylecli.training.pruning.refitting import RIDGE, each_convolution, patches_of

Orders = Mapping[ChannelGroup, Sequence[int]]  # the channels of each group, the most important one first


@torch.no_grad()
def by_rebuilding(network: nn.Module, groups: Sequence[ChannelGroup], images: Tensor) -> Orders:
    """Put first the channels from which least squares best reconstructs the outputs of the group's readers.

    A forward selection with the criterion of `refitting`, on `images` (N, 3, H, W).
    """
    moments: dict[str, tuple[Tensor, Tensor]] = {}

    def measure(name: str, layer: nn.Conv2d, x: Tensor) -> None:
        patches = patches_of(layer, x)
        patches = (patches - patches.mean(1, keepdim=True)).flatten(0, 1)  # (positions, c k k)
        outputs = patches @ layer.weight.flatten(1).T
        outputs /= outputs.square().mean(0).sqrt() + 1e-9  # a normalisation follows, so their scale does not matter
        gram = (patches.T @ patches).double()
        gram.diagonal().add_(RIDGE * gram.diagonal().mean())
        taps = layer.weight[0, 0].numel()
        moments[name] = (
            gram.view(x.shape[1], taps, x.shape[1], taps),  # (c, k k, c, k k)
            (patches.T @ outputs).double().view(x.shape[1], taps, -1),  # (c, k k, C)
        )

    with each_convolution(network, measure):
        network(images)
    return {group: _forward_selection([moments[reader] for reader in group.readers]) for group in groups}


@torch.no_grad()
def by_weights(network: nn.Module, groups: Sequence[ChannelGroup]) -> Orders:
    """Put first the channels whose kernels in writers and readers have the largest L1 norm (Li et al. 2017)."""
    kernels = {name: layer.weight.abs() for name, layer in network.named_modules() if isinstance(layer, nn.Conv2d)}
    return {
        group: _descending(
            torch.stack(
                [kernels[name].sum((1, 2, 3)) for name in group.writers]
                + [kernels[name].sum((0, 2, 3)) for name in group.readers]
            ).sum(0)
        )
        for group in groups
    }


@torch.no_grad()
def by_gamma(network: nn.Module, groups: Sequence[ChannelGroup]) -> Orders:
    """Put first the channels with the largest gamma in their normalisations (Liu et al. 2017, "Network slimming").

    Without a normalisation, gamma over a constant deviation is part of the kernel, so the norm of the kernel is taken.
    """
    return {
        group: _descending(torch.stack([_scales(writer) for writer in _writers(network, group)]).sum(0))
        for group in groups
    }


def by_loss(network: nn.Module, groups: Sequence[ChannelGroup], losses: Iterable[Tensor]) -> Orders:
    """Put first the channels whose removal would change the loss most, to first order (Molchanov et al. 2019).

    The change is the sum of activation times gradient. Since the normalisation makes the activation of gamma and beta,
    this equals the sum of gamma and beta, each times its gradient; without a normalisation, of kernel and bias.

    Args:
        network: the network that made the pictures.
        groups: the groups to order.
        losses: the loss of each of several pictures, with its graph.
    """
    writers = {group: _writers(network, group) for group in groups}
    scores = dict.fromkeys(groups, 0.0)
    for loss in losses:
        network.zero_grad()
        torch.autograd.backward(loss)
        for group, members in writers.items():
            change = torch.stack([_change(parameter) for writer in members for parameter in _last(writer)]).sum(0)
            scores[group] = scores[group] + change.square()  # type: ignore[assignment]  # a tensor from now on
    network.zero_grad()
    return {group: _descending(score) for group, score in scores.items()}  # type: ignore[arg-type]


def _forward_selection(moments: Sequence[tuple[Tensor, Tensor]]) -> list[int]:
    """Choose channels one by one, always the one that explains most of the remaining variance of the readers."""
    width = len(moments[0][0])
    order: list[int] = []
    while len(order) < width:
        gain = torch.zeros(width, dtype=torch.double)
        for gram, cross in moments:
            blocks = torch.einsum("ikil->ikl", gram) + _tiny(gram)
            gain += (cross * torch.linalg.solve(blocks, cross)).sum((1, 2)) / cross.shape[2]
        gain[order] = -1
        best = int(gain.argmax())
        order.append(best)
        for gram, cross in moments:  # subtract what the chosen channel explains
            column = gram[:, :, best].flatten(0, 1)  # (c k k, k k)
            solved = torch.linalg.solve(gram[best, :, best] + _tiny(gram), column.T)
            share = (solved.T @ cross[best]).view_as(cross)
            gram.sub_((column @ solved).view_as(gram))
            cross.sub_(share)
    return order


def _tiny(gram: Tensor) -> Tensor:
    """Return a small ridge that keeps the blocks of explained channels from being singular."""
    return 1e-9 * torch.eye(gram.shape[1], dtype=gram.dtype) * gram.shape[0]


def _writers(network: nn.Module, group: ChannelGroup) -> list[nn.Module]:
    """Return the convolutions that write a group, each with its normalisation."""
    return [network.get_submodule(writer.rpartition(".")[0]) for writer in group.writers]


def _last(writer: nn.Module) -> list[nn.Parameter]:
    """Return the last parameters before the activation: gamma and beta, or kernel and bias."""
    return [*writer.get_submodule("norm").parameters()] or [*writer.get_submodule("convolution").parameters()]


def _scales(writer: nn.Module) -> Tensor:
    gain = _last(writer)[0].detach()
    scales: Tensor = gain.reshape(len(gain), -1).norm(dim=1)
    return scales


def _change(parameter: nn.Parameter) -> Tensor:
    assert parameter.grad is not None
    return (parameter.detach() * parameter.grad).reshape(len(parameter), -1).sum(1)


def _descending(scores: Tensor) -> list[int]:
    order: list[int] = scores.argsort(descending=True).tolist()
    return order
