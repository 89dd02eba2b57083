"""Checkpoints: one safetensors file with the network, its average, the optimizer and the step, written atomically."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from stylecli.core.errors import MediaError
from stylecli.core.files import blamed_on, write_atomically
from stylecli.packs.card import STYLE_WEIGHTS

CHECKPOINT = "checkpoint.safetensors"
WEIGHTS = STYLE_WEIGHTS


def write_tensors(tensors: Mapping[str, Tensor], path: Path, metadata: Mapping[str, str] | None = None) -> None:
    """Write a safetensors file atomically.

    Raises:
        MediaError: the file cannot be written.
    """
    with blamed_on(path):
        write_atomically(path, as_safetensors(tensors, metadata))


def as_safetensors(tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> bytes:
    """Return tensors and metadata as the content of a safetensors file."""
    from safetensors.torch import save

    return save({name: t.detach().cpu().contiguous() for name, t in tensors.items()}, dict(metadata or {}))


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read the tensors and the metadata of a safetensors file, on the CPU.

    Raises:
        MediaError: the file is missing or damaged.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118 (no mapping)
    except (OSError, SafetensorError) as error:
        raise MediaError(
            f"{path}: missing or damaged ({error})", hint="Give the folder of a finished training."
        ) from error


@dataclass
class TrainingState:
    """Everything that a resumed training needs to continue with the same bits."""

    network: nn.Module
    average: AveragedModel  # the same network with the moving average of its weights
    optimizer: torch.optim.Optimizer
    step: int = 0  # optimizer steps taken
    seconds: float = 0.0  # that these steps took

    def save(self, run: Path) -> None:
        """Write the checkpoint of a run."""
        metadata = {"step": str(self.step), "seconds": f"{self.seconds:.1f}"}
        write_tensors(dict(self._tensors()), run / CHECKPOINT, metadata)

    def load(self, run: Path) -> bool:
        """Load a run's checkpoint; returns whether there is one. Raises MediaError if it is damaged."""
        if not (run / CHECKPOINT).exists():
            return False
        tensors, metadata = read_tensors(run / CHECKPOINT)
        groups: dict[str, dict[str, Tensor]] = {"network": {}, "average": {}, "optimizer": {}}
        for name, tensor in tensors.items():
            group, _, rest = name.partition(".")
            groups[group][rest] = tensor
        self.network.load_state_dict(groups["network"])
        self.average.load_state_dict(groups["average"])
        moments: dict[int, dict[str, Tensor]] = {}
        for name, tensor in groups["optimizer"].items():
            index, _, key = name.partition(".")
            moments.setdefault(int(index), {})[key] = tensor
        param_groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": moments, "param_groups": param_groups})
        self.step, self.seconds = int(metadata["step"]), float(metadata["seconds"])
        return True

    def _tensors(self) -> Iterator[tuple[str, Tensor]]:
        for group, module in (("network", self.network), ("average", self.average)):
            for name, tensor in module.state_dict().items():
                yield f"{group}.{name}", tensor
        for index, moments in self.optimizer.state_dict()["state"].items():
            for name, tensor in moments.items():
                yield f"optimizer.{index}.{name}", tensor


def moving_average(decay: float, average: Tensor, current: Tensor, updates: Tensor | int) -> Tensor:
    """Update an exponential moving average; the first updates give the plain mean, to forget random weights soon."""
    return average.lerp(current, max(1 - decay, 1 / (int(updates) + 1)))
