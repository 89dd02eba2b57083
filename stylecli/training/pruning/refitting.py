"""Refitting: the weights of a cut network are fitted by least squares to the outputs of the whole network.

After He et al. 2017 ("Channel pruning for accelerating very deep neural networks"), one convolution after the other.
Each is fitted on the outputs of the fitted layers before it, so errors do not add up. The instance normalisation behind
a convolution removes mean and scale of each picture, so only deviations from the picture's mean are fitted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stylecli.training.pruning.channels import ChannelGroup

POSITIONS_PER_WEIGHT = 16  # for each weight of an output channel: with fewer, the fit follows noise
POSITIONS_MIN = 24_000  # over all pictures
PADDING_MODES = {"replicate": "replicate", "zeros": "constant"}  # padding_mode of a layer -> mode of F.pad
RIDGE = 1e-4  # of the mean variance: keeps nearly equal channels from cancelling each other with huge weights


@torch.no_grad()
def refit(network: nn.Module, whole: nn.Module, kept: Mapping[ChannelGroup, Sequence[int]], images: Tensor) -> None:
    """Fit the convolutions of a cut network, in place, to the outputs of the whole network.

    Args:
        network: the network after the cut.
        whole: the network before it.
        kept: the channels of each group of `whole` that are left.
        images: pictures (N, 3, H, W) to fit on.
    """
    targets: dict[str, Tensor] = {}

    def remember(name: str, layer: nn.Conv2d, x: Tensor) -> None:
        outputs = patches_of(layer, x) @ layer.weight.flatten(1).T  # (N, positions, C)
        group = next((group for group in kept if name in group.writers), None)
        targets[name] = outputs if group is None else outputs[..., torch.as_tensor(kept[group])]

    def fit(name: str, layer: nn.Conv2d, x: Tensor) -> None:
        patches = patches_of(layer, x)
        wanted = targets.pop(name)[:, : patches.shape[1]]  # the whole network was sampled at more positions
        over = (0, 1) if layer.bias is not None else 1  # a bias: one mean over all pictures; else one for each
        mean_in, mean_out = patches.mean(over, keepdim=True), wanted.mean(over, keepdim=True)
        matrix = _least_squares((patches - mean_in).flatten(0, 1), (wanted - mean_out).flatten(0, 1))  # (c k k, C)
        layer.weight.copy_(matrix.T.reshape(layer.weight.shape))
        if layer.bias is not None:
            layer.bias.add_((mean_out - mean_in @ matrix).flatten())

    with each_convolution(whole, remember):
        whole(images)
    with each_convolution(network, fit):
        network(images)


@contextmanager
def each_convolution(network: nn.Module, act: Callable[[str, nn.Conv2d, Tensor], None]) -> Iterator[None]:
    """While the `with` lasts, call `act(name, convolution, input)` before each convolution computes."""

    def hook(name: str, layer: nn.Conv2d) -> Callable[[nn.Module, tuple[Tensor]], None]:
        return lambda _, inputs: act(name, layer, inputs[0])

    hooks = [
        layer.register_forward_pre_hook(hook(name, layer))
        for name, layer in network.named_modules()
        if isinstance(layer, nn.Conv2d)
    ]
    try:
        yield
    finally:
        for one in hooks:
            one.remove()


def patches_of(layer: nn.Conv2d, x: Tensor) -> Tensor:
    """Return the input patches of a convolution at some positions: (N, positions, c k k).

    Inputs (N, c, H, W) of the same size give the same positions, of which a wider layer takes more.
    """
    (size, _), (stride, _), (dilation, _) = layer.kernel_size, layer.stride, layer.dilation
    padding, span = layer.padding[0], (size - 1) * dilation
    padded = F.pad(x, [int(padding)] * 4, mode=PADDING_MODES[layer.padding_mode])
    height, width = (padded.shape[2] - 1 - span) // stride + 1, (padded.shape[3] - 1 - span) // stride + 1
    count = max(POSITIONS_MIN, POSITIONS_PER_WEIGHT * x.shape[1] * size**2) // len(x)
    places = torch.randperm(height * width, generator=torch.Generator().manual_seed(0))[:count]
    rows, columns = places // width * stride, places % width * stride
    shifts = dilation * torch.arange(size)
    patches = padded[:, :, (rows[:, None] + shifts)[:, :, None], (columns[:, None] + shifts)[:, None, :]]
    return patches.permute(0, 2, 1, 3, 4).flatten(2)  # (N, c, p, k, k) -> (N, p, c k k)


def _least_squares(inputs: Tensor, outputs: Tensor) -> Tensor:
    gram = (inputs.T @ inputs).double()
    gram.diagonal().add_(RIDGE * gram.diagonal().mean())
    solution: Tensor = torch.linalg.solve(gram, (inputs.T @ outputs).double())
    return solution.float()
