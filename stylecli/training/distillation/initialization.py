"""Initialise the distilled network as VGG-19 with fewer channels, the rest rebuilt linearly by least squares."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stylecli.training.losses.distilled import DistilledNetwork
from stylecli.training.losses.loss_network import VggNetwork

SAMPLES = 20_000  # positions that a reconstruction is fitted on
RIDGE = 1e-4  # of the mean variance: keeps nearly equal channels from cancelling each other with huge weights


@torch.no_grad()
def initialize_from_vgg(
    student: DistilledNetwork, teacher: VggNetwork, images: Tensor, scales: Mapping[str, Tensor]
) -> None:
    """Initialise the student's weights, in place, from VGG-19's weights and its features.

    Args:
        student: the distilled network.
        teacher: VGG-19.
        images: pictures (N, 3, H, W) that the layers are fitted on.
        scales: what the teacher's features are divided by in training, by layer.
    """
    x = (images - student.get_buffer("mean")) / student.get_buffer("deviation")  # input of the student's layer
    truth = x  # input of VGG's layer
    for layer, index in teacher.plan:
        if index is None:
            x, truth = F.max_pool2d(x, 2), F.max_pool2d(truth, 2)
            continue
        weight, bias = teacher.get_buffer(f"weight_{index}"), teacher.get_buffer(f"bias_{index}")
        rebuild, offset = _reconstruction(x, truth)  # truth ≈ rebuild x + offset
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
    """Fit a matrix (C, c) and an offset (C,) that map features (N, c, H, W) to features (N, C, H, W), least squares."""
    inputs, outputs = _rows(x), _rows(truth)
    mean_in, mean_out = inputs.mean(0), outputs.mean(0)
    inputs, outputs = inputs - mean_in, outputs - mean_out
    gram = inputs.T @ inputs
    gram.diagonal().add_(RIDGE * gram.diagonal().mean())
    matrix = torch.linalg.solve(gram, inputs.T @ outputs).T
    return matrix, mean_out - matrix @ mean_in


def _independent_channels(features: Tensor, count: int) -> list[int]:
    """Choose the channels that best explain the others: a pivoted Cholesky decomposition of the covariance."""
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
    """Return feature maps as rows of channels, (positions, C), at most SAMPLES of them, evenly spread."""
    rows = features.permute(0, 2, 3, 1).flatten(0, 2)
    return rows[:: max(1, len(rows) // SAMPLES)]
