"""Several styles in one network: shared convolutions, a gamma and beta for each style (Dumoulin et al. 2017).

The tensors have the names of a plain network, but gamma and beta are (styles, C) instead of (C,). One row of each gives
the plain network of one style; a mixture of rows gives a blend of styles.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stylecli.training.networks.style_network import StyleNetwork


class ConditionalNorm(nn.Module):
    """Instance normalisation with a gamma and beta for each style, mixed for each picture of a batch.

    (m·gamma) (x - mean) / sqrt(variance + epsilon) + m·beta with the mixture m of styles (Dumoulin et al. 2017,
    section 2.2). Takes and gives feature maps (N, C, H, W).
    """

    def __init__(self, styles: int, norm: nn.InstanceNorm2d) -> None:
        super().__init__()
        self.weight = nn.Parameter(norm.weight.detach().repeat(styles, 1))  # (styles, C)
        self.bias = nn.Parameter(norm.bias.detach().repeat(styles, 1))
        self.epsilon = norm.eps
        self.mixture = torch.zeros(1, styles)  # (N or 1, styles), set by `choose_styles`

    def forward(self, x: Tensor) -> Tensor:
        """Normalise feature maps (N, C, H, W); same shape."""
        gamma, beta = self.mixture @ self.weight, self.mixture @ self.bias  # (N, C)
        normalized = F.instance_norm(x, eps=self.epsilon)
        return torch.addcmul(beta[:, :, None, None], normalized, gamma[:, :, None, None])


def make_conditional(network: StyleNetwork, styles: int) -> StyleNetwork:
    """Give a network several styles, in place. Each starts as the network's own style."""
    norms = [(name, norm) for name, norm in network.named_modules() if isinstance(norm, nn.InstanceNorm2d)]
    for name, norm in norms:
        parent, _, child = name.rpartition(".")
        setattr(network.get_submodule(parent), child, ConditionalNorm(styles, norm))
    return network


def choose_styles(network: nn.Module, mixtures: Tensor) -> None:
    """Set the mixture of styles for each picture of the next batch: (N, styles) or (1, styles); rows sum to 1."""
    for module in network.modules():
        if isinstance(module, ConditionalNorm):
            module.mixture = mixtures


def count_styles(weights: Mapping[str, Tensor]) -> int:
    """Return how many styles the tensors of a network hold; 1 for a plain network."""
    return max((len(tensor) for name, tensor in weights.items() if is_of_norm(name) and tensor.dim() == 2), default=1)


def select_style(weights: Mapping[str, Tensor], mixture: Tensor) -> dict[str, Tensor]:
    """Return the tensors of a plain network for a mixture of styles: (styles,), such as (0, 1, 0) for the second."""
    return {
        name: mixture.to(tensor) @ tensor if is_of_norm(name) and tensor.dim() == 2 else tensor
        for name, tensor in weights.items()
    }


def one_style(weights: Mapping[str, Tensor], number: int) -> dict[str, Tensor]:
    """Return the tensors of one style, counted from 0; those of a plain network unchanged."""
    return select_style(weights, F.one_hot(torch.tensor(number), count_styles(weights)))


def average_style(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of the mean of all styles, from which a new style starts."""
    styles = count_styles(weights)
    return select_style(weights, torch.full((styles,), 1 / styles))


def is_of_norm(name: str) -> bool:
    """Whether a tensor of a network is the gamma or beta of a normalisation."""
    return name.rpartition(".")[0].endswith(".norm")
