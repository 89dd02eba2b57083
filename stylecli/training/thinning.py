"""A first guess for the distilled network: VGG-19 with a quarter of its channels, the rest guessed from those.

In each layer the channels are chosen from which the others can best be reconstructed linearly, and the reconstruction
is folded into what follows, as in channel pruning (He et al. 2017, "Channel pruning for accelerating very deep neural
networks"). Training from there needs a fraction of the steps of a random start.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stylecli.training.distilled import DistilledNetwork
from stylecli.training.loss_network import VggNetwork

SAMPLES = 20_000  # positions that a reconstruction is fitted to
RIDGE = 1e-4  # of the mean variance: channels that are nearly the same must not cancel each other with huge weights


@torch.no_grad()
def begin_as_thinned(
    student: DistilledNetwork, teacher: VggNetwork, images: Tensor, scales: Mapping[str, Tensor]
) -> None:
    """Set the student's weights from those of VGG-19 and its features on `images` (N, 3, H, W), in place.

    `scales` are the sizes by which the teacher's features are divided in training.
    """
    x = (images - student.get_buffer("mean")) / student.get_buffer("deviation")  # what the student's layer is given
    truth = x  # what VGG's is given
    for layer, index in teacher.plan:
        if index is None:
            x, truth = F.max_pool2d(x, 2), F.max_pool2d(truth, 2)
            continue
        weight, bias = teacher.get_buffer(f"weight_{index}"), teacher.get_buffer(f"bias_{index}")
        rebuild, offset = _reconstruction(x, truth)  # truth = rebuild x + offset, nearly
        truth = F.relu(F.conv2d(truth, weight, bias, padding=1))
        convolution = student.convolutions[layer]
        chosen = _independent_channels(truth, len(convolution.get_parameter("weight")))
        thin = torch.einsum("oikl,ij->ojkl", weight[chosen], rebuild)
        shift = bias[chosen] + torch.einsum("oikl,i->o", weight[chosen], offset)
        x = F.relu(F.conv2d(x, thin, shift, padding=1))
        size = x.square().mean().sqrt()
        x /= size
        _set(convolution, thin / size, shift / size)
        if layer in student.maps:
            rebuild, offset = _reconstruction(x, truth)
            _set(student.maps[layer], rebuild[:, :, None, None] / scales[layer], offset / scales[layer])


def _reconstruction(x: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """Least squares: a matrix (C, c) and an offset (C,) that lead from maps (N, c, H, W) to maps (N, C, H, W)."""
    inputs, outputs = _rows(x), _rows(truth)
    mean_in, mean_out = inputs.mean(0), outputs.mean(0)
    inputs, outputs = inputs - mean_in, outputs - mean_out
    gram = inputs.T @ inputs
    gram.diagonal().add_(RIDGE * gram.diagonal().mean())
    matrix = torch.linalg.solve(gram, inputs.T @ outputs).T
    return matrix, mean_out - matrix @ mean_in


def _independent_channels(features: Tensor, count: int) -> list[int]:
    """The channels that leave least of the others unexplained: a pivoted Cholesky decomposition of their covariance."""
    left = torch.cov(_rows(features).T)
    chosen: list[int] = []
    for _ in range(count):
        explained = left.square().sum(1) / left.diagonal().clamp(min=1e-9)  # of all variance, by each channel alone
        explained[chosen] = -1
        pivot = int(explained.argmax())
        column = left[:, pivot] / left[pivot, pivot].sqrt()
        left = left - torch.outer(column, column)
        chosen.append(pivot)
    return sorted(chosen)


def _set(convolution: nn.Module, weight: Tensor, bias: Tensor) -> None:
    convolution.get_parameter("weight").copy_(weight)
    convolution.get_parameter("bias").copy_(bias)


def _rows(features: Tensor) -> Tensor:
    """Feature maps as rows of channels, at most SAMPLES of them, spread over all."""
    rows = features.permute(0, 2, 3, 1).flatten(0, 2)
    return rows[:: max(1, len(rows) // SAMPLES)]
