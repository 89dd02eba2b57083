"""Initialise a larger network with the weights of a smaller one, so that it computes the same.

After Chen et al. 2016 (Net2Net), with a simpler rule: weights from new channels to old ones are 0, and so is the
output of new blocks. Training then makes use of the new weights.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from stylecli.core.errors import UsageError
from stylecli.training.networks.fast import with_dilations
from stylecli.training.networks.style_network import StyleNetwork

LAST_OF_BLOCK = re.compile(r"blocks\.(\d+)\.(?:second|widen)\.norm\.(?:weight|bias)")


@torch.no_grad()
def grow_from(network: StyleNetwork, weights: Mapping[str, Tensor]) -> None:
    """Put the weights of a network of the same kind and size, or a smaller one, into `network`, in place.

    `network` keeps its own dilations, since kernels do not depend on them.

    Raises:
        UsageError: the weights are of another kind of network, or of a larger one.
    """
    state = network.state_dict()  # the tensors themselves, not copies
    for name, old in with_dilations(weights, ()).items():
        new = state.get(name)
        if new is None or new.dim() != old.dim() or any(n < o for n, o in zip(new.shape, old.shape, strict=True)):
            raise UsageError(
                f"the base has a {name} of {tuple(old.shape)}, for which this network has no room",
                hint="Choose the base's network, narrow and few_norms, and its stem, trunk and blocks or larger ones.",
            )
        new[: len(old)] = 0
        new[tuple(slice(length) for length in old.shape)] = old
    for name, new in state.items():
        if name not in weights and LAST_OF_BLOCK.fullmatch(name):
            new.zero_()
