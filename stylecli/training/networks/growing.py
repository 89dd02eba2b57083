"""A larger network that begins as a smaller one: what the small one has learned is not learned again.

After Chen et al. 2016 (Net2Net), with a simpler rule: old channels do not listen to new ones at first, and a new block
adds nothing at first. So the grown network computes what the small one computed, and training finds use for the rest.
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
    """Put the weights of a network of the same kind, and of the same size or smaller, into `network`.

    `network` keeps its own dilations: kernels do not depend on them.

    Raises:
        UsageError: they are of another kind, or larger.
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
