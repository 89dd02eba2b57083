"""The style networks by name. To add one, write its module and add an entry to NETWORKS."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from stylecli.core.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor, nn

    from stylecli.training.networks.style_network import StyleNetwork

# Name in recipes and model cards -> module:class, as text, so that the command line lists them without torch.
NETWORKS: dict[str, str] = {
    "fast": "stylecli.training.networks.fast:FastNetwork",
    "johnson": "stylecli.training.networks.johnson:JohnsonNetwork",
    "resnet": "stylecli.training.networks.johnson:ResidualNetwork",
}


def network_class(name: str) -> type[StyleNetwork]:
    """Return the class of a network; raises KeyError for a name that is not in NETWORKS."""
    module, _, kind = NETWORKS[name].partition(":")
    found: type[StyleNetwork] = getattr(importlib.import_module(module), kind)
    return found


def network_from_weights(weights: Mapping[str, Tensor]) -> StyleNetwork:
    """Rebuild a network of one style from its tensors, in evaluation mode.

    Raises:
        UsageError: no network of NETWORKS matches these tensors, some of them are missing, or hold NaN or infinity.
    """
    kind = next((kind for kind in map(network_class, NETWORKS) if kind.matches(weights)), None)
    fault = UsageError("these weights belong to no known style network", hint="Use weights that stylecli has trained.")
    if kind is None:
        raise fault
    if not all(bool(tensor.isfinite().all()) for tensor in weights.values()):
        raise UsageError("these weights hold NaN or infinity", hint="Use those of a training that ended well.")
    try:  # packs hold weights in half precision
        return kind.from_weights({name: tensor.float() for name, tensor in weights.items()}).eval()
    except (KeyError, RuntimeError) as error:  # a tensor is missing or has another shape
        raise fault from error


def network_name(network: nn.Module) -> str:
    """Return the name of a network in recipes and model cards."""
    return next(name for name in NETWORKS if type(network) is network_class(name))


def count_parameters(network: nn.Module) -> int:
    """Count the parameters of a network."""
    return sum(parameter.numel() for parameter in network.parameters())
