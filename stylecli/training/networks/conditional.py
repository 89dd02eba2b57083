"""Several styles in one network: shared convolutions, a gamma and beta for each style (Dumoulin et al. 2017).

The tensors of such a network have the names of the plain one's; those of its normalisations are (styles, C) instead of
(C,). One row of each, or a mixture of rows, makes the plain network of one style, or of something between styles.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stylecli.training.networks.registry import network_from_weights
from stylecli.training.networks.style_network import StyleNetwork


class ConditionalNorm(nn.Module):
    """Instance normalisation whose gamma and beta are mixed for every picture of a batch."""

    def __init__(self, styles: int, norm: nn.InstanceNorm2d) -> None:
        super().__init__()
        self.weight = nn.Parameter(norm.weight.detach().repeat(styles, 1))  # (styles, C)
        self.bias = nn.Parameter(norm.bias.detach().repeat(styles, 1))
        self.epsilon = norm.eps
        self.mixture = torch.zeros(1, styles)  # (N or 1, styles), set by `choose_styles`

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to the same."""
        gamma, beta = self.mixture @ self.weight, self.mixture @ self.bias  # (N, C)
        normalized = F.instance_norm(x, eps=self.epsilon)
        return torch.addcmul(beta[:, :, None, None], normalized, gamma[:, :, None, None])


def make_conditional(network: StyleNetwork, styles: int) -> StyleNetwork:
    """Give a network room for several styles, in place; each starts as the one that it had."""
    norms = [(name, norm) for name, norm in network.named_modules() if isinstance(norm, nn.InstanceNorm2d)]
    for name, norm in norms:
        parent, _, child = name.rpartition(".")
        setattr(network.get_submodule(parent), child, ConditionalNorm(styles, norm))
    return network


def choose_styles(network: nn.Module, mixtures: Tensor) -> None:
    """Say how much of each style each picture of the next batch gets: (N, styles) or (1, styles), rows sum to 1."""
    for module in network.modules():
        if isinstance(module, ConditionalNorm):
            module.mixture = mixtures


def count_styles(weights: Mapping[str, Tensor]) -> int:
    """How many styles a network's tensors hold; 1 for a plain network."""
    return max((len(tensor) for name, tensor in weights.items() if is_of_norm(name) and tensor.dim() == 2), default=1)


def select_style(weights: Mapping[str, Tensor], mixture: Tensor) -> dict[str, Tensor]:
    """The tensors of the plain network of one style: `mixture` (styles,) says how much of each, as (0, 1, 0)."""
    return {
        name: mixture.to(tensor) @ tensor if is_of_norm(name) and tensor.dim() == 2 else tensor
        for name, tensor in weights.items()
    }


def one_style(weights: Mapping[str, Tensor], number: int) -> dict[str, Tensor]:
    """The tensors of one style, counted from 0; a plain network's as they are."""
    return select_style(weights, F.one_hot(torch.tensor(number), count_styles(weights)))


def average_style(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors halfway between all styles: where a new one is begun."""
    styles = count_styles(weights)
    return select_style(weights, torch.full((styles,), 1 / styles))


def is_of_norm(name: str) -> bool:
    """Whether a tensor of a network is the gamma or beta of a normalisation."""
    return name.rpartition(".")[0].endswith(".norm")


def conditional_from_weights(weights: Mapping[str, Tensor]) -> StyleNetwork:
    """Rebuild a network of several styles from its tensors alone; raises UsageError as `network_from_weights`."""
    network = make_conditional(network_from_weights(one_style(weights, 0)), count_styles(weights))
    network.load_state_dict(dict(weights))
    return network
