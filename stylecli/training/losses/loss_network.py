"""Open the loss networks, whose feature maps the losses compare: VGG-16, VGG-19 and the distilled one that ships."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stylecli.core.errors import MediaError, UsageError
from stylecli.training.losses.distilled import IMAGENET_DEVIATION, IMAGENET_MEAN, DistilledNetwork
from stylecli.training.losses.names import LossName, VggName

SHIPPED = Path(__file__).with_name("distilled.safetensors")

# Convolutions in each block (Simonyan and Zisserman 2015, table 1, columns D and E), down to the last layer in use.
CONVOLUTIONS: Mapping[VggName, tuple[int, ...]] = {"vgg16": (2, 2, 3, 3), "vgg19": (2, 2, 4, 4)}

LAST_INDEX: Mapping[VggName, int] = {"vgg16": 21, "vgg19": 25}  # of relu4_3, relu4_4 in torchvision's `features`


class VggNetwork(nn.Module):
    """A fixed VGG: maps a picture (N, 3, H, W), sRGB-encoded RGB in 0..1, to feature maps by layer name ("relu3_3").

    reluB_K is relu(conv 3x3) number K of block B, (N, C, H / 2^(B-1), W / 2^(B-1)); blocks are separated by 2x2 maximum
    pooling (Simonyan and Zisserman 2015). The input is (x - IMAGENET_MEAN) / IMAGENET_DEVIATION.
    """

    def __init__(self, weights: Mapping[str, Tensor], *, name: VggName, layers: Iterable[str], sha256: str) -> None:
        super().__init__()
        self.name = name
        self.sha256 = sha256
        self.layers = frozenset(layers)
        self.plan = _plan(name, self.layers)
        for index in (step for _, step in self.plan if step is not None):
            self.register_buffer(f"weight_{index}", weights[f"features.{index}.weight"].float())
            self.register_buffer(f"bias_{index}", weights[f"features.{index}.bias"].float())
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1))
        self.register_buffer("deviation", torch.tensor(IMAGENET_DEVIATION).view(1, 3, 1, 1))

    def forward(self, image: Tensor, layers: Iterable[str] | None = None) -> dict[str, Tensor]:
        """Return the feature maps of `layers`, by default all of this network; computes no deeper layer than needed."""
        missing = set(self.layers if layers is None else layers)
        features: dict[str, Tensor] = {}
        x = (image - self.get_buffer("mean")) / self.get_buffer("deviation")
        for layer, index in self.plan:
            if not missing:
                break
            if index is None:
                x = F.max_pool2d(x, 2)
                continue
            x = F.relu(F.conv2d(x, self.get_buffer(f"weight_{index}"), self.get_buffer(f"bias_{index}"), padding=1))
            if layer in missing:
                features[layer] = x
                missing.remove(layer)
        return features


LossNetwork = VggNetwork | DistilledNetwork


def load_loss_network(name: LossName, layers: Iterable[str], *, file: Path | None = None) -> LossNetwork:
    """Open a loss network with the given layers.

    file: a local safetensors file of its weights, with torchvision's keys for a VGG. None: the file that ships for
    "distilled"; for a VGG torchvision's ImageNet weights, which torch downloads once (528 MB for VGG-16, 548 MB for
    VGG-19), checks and caches.

    Raises:
        UsageError: the network lacks a layer, or the file is of another network.
        MediaError: the file cannot be read, or the download failed.
    """
    if name == "distilled":
        return _load_distilled(layers, file or SHIPPED)
    return load_vgg(name, layers, file=file)


def best_at_hand(file: Path | None = None) -> LossName:
    """Return "vgg19" if its weights are in `file` or were downloaded before, else "distilled"."""
    return "vgg19" if file or has_weights("vgg19") else "distilled"


def has_weights(name: LossName) -> bool:
    """Whether a loss network can be opened without a download."""
    return name == "distilled" or _cached(name).exists()


def _load_distilled(layers: Iterable[str], file: Path) -> DistilledNetwork:
    weights, sha256 = _read(file)
    network = DistilledNetwork.from_weights(weights, sha256=sha256)
    if unknown := set(layers) - network.layers:
        raise UsageError(
            f"the distilled loss network has no layer {min(unknown)}",
            hint=f"It has {', '.join(sorted(network.layers))}; vgg16 and vgg19 have all.",
        )
    return network


def load_vgg(name: VggName, layers: Iterable[str], *, file: Path | None = None) -> VggNetwork:
    """Open a VGG; arguments and errors as of `load_loss_network`."""
    layers = tuple(layers)
    if unknown := set(layers) - {layer for layer, index in _plan(name, None) if index is not None}:
        raise UsageError(
            f"{name} has no layer {min(unknown)}", hint="Layers are named relu1_1 to relu4_3 (relu4_4 in vgg19)."
        )
    weights, sha256 = _read(file) if file else _download(name)
    for layer, index in _plan(name, layers):
        if index is not None and f"features.{index}.weight" not in weights:
            raise UsageError(f"{file}: {layer} of {name} is not in it", hint="Give a file with torchvision's keys.")
    # The two agree as far as relu3_3; what comes then tells them apart.
    known = {index for _, index in _plan(name, None)}
    held = {int(key.split(".")[1]) for key in weights if key.startswith("features.")}
    if foreign := {index for index in held if index <= LAST_INDEX[name]} - known:
        raise UsageError(f"{file}: is not {name}, which has no features.{min(foreign)}", hint="Choose the other VGG.")
    return VggNetwork(weights, name=name, layers=layers, sha256=sha256)


def _plan(name: VggName, layers: Iterable[str] | None) -> list[tuple[str, int | None]]:
    """List the layers in order: (name, index in torchvision's `features`) of a convolution, ("", None) of a pooling.

    Ends at the deepest of `layers`; None lists all layers that losses can use.
    """
    plan: list[tuple[str, int | None]] = []
    index = 0
    for block, count in enumerate(CONVOLUTIONS[name], start=1):
        for number in range(1, count + 1):
            plan.append((f"relu{block}_{number}", index))
            index += 2  # a convolution and its ReLU
        plan.append(("", None))
        index += 1
    if layers is None:
        return plan
    wanted = set(layers)
    return plan[: 1 + max(place for place, (layer, _) in enumerate(plan) if layer in wanted)]


def _read(file: Path) -> tuple[dict[str, Tensor], str]:
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        data = file.read_bytes()
        return load(data), hashlib.sha256(data).hexdigest()
    except OSError as error:
        raise MediaError(f"{file}: {error.strerror}", hint="Give a readable safetensors file.") from error
    except SafetensorError as error:
        raise MediaError(f"{file}: not a whole safetensors file", hint="Fetch it again.") from error


def _download(name: VggName) -> tuple[dict[str, Tensor], str]:
    url = _address(name)
    try:
        weights = torch.hub.load_state_dict_from_url(url, map_location="cpu", check_hash=True)
    except (OSError, RuntimeError) as error:
        raise MediaError(
            f"{url}: the download failed ({error})", hint="Try again, or give a file of the weights as `loss_weights`."
        ) from error
    with _cached(name).open("rb") as stream:
        return cast("dict[str, Tensor]", weights), hashlib.file_digest(stream, "sha256").hexdigest()


def _address(name: VggName) -> str:
    from torchvision.models import VGG16_Weights, VGG19_Weights

    address: str = {"vgg16": VGG16_Weights, "vgg19": VGG19_Weights}[name].IMAGENET1K_V1.url
    return address


def _cached(name: VggName) -> Path:
    return Path(torch.hub.get_dir()) / "checkpoints" / _address(name).rpartition("/")[2]
