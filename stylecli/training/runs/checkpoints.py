"""A training on disk: one safetensors file holds the network, its average, the optimiser and the step, or nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from stylecli.core.errors import MediaError

CHECKPOINT = "checkpoint.safetensors"
WEIGHTS = "weights.safetensors"


def write_tensors(tensors: Mapping[str, Tensor], path: Path, metadata: Mapping[str, str] | None = None) -> None:
    """Write a safetensors file beside its name, then rename.

    Raises:
        MediaError: disk full, no permission.
    """
    from safetensors.torch import save

    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_bytes(
            save({name: t.detach().cpu().contiguous() for name, t in tensors.items()}, dict(metadata or {}))
        )
        partial.replace(path)
    except OSError as err:
        partial.unlink(missing_ok=True)
        raise MediaError(f"{path}: {err.strerror}", hint="Make room or choose another folder.") from err


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors and the metadata of a safetensors file, on the CPU.

    Raises:
        MediaError: missing or damaged.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118 (no mapping)
    except (OSError, SafetensorError) as err:
        raise MediaError(
            f"{path}: missing or damaged ({err})", hint="Give a folder that `stylecli train` wrote."
        ) from err


@dataclass
class State:
    """All that a resumed training needs to go on as if it had never stopped."""

    network: nn.Module
    average: AveragedModel  # the same network with the moving average of its weights
    optimizer: torch.optim.Optimizer
    step: int = 0  # optimiser steps done
    seconds: float = 0.0  # that they took

    def save(self, run: Path) -> None:
        """Write the checkpoint of a run."""
        metadata = {"step": str(self.step), "seconds": f"{self.seconds:.1f}"}
        write_tensors(dict(self._tensors()), run / CHECKPOINT, metadata)

    def load(self, run: Path) -> bool:
        """Take the state of a run's checkpoint, if it has one; raises MediaError for a damaged one."""
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
    """Exponential, but at first the plain mean: the random weights of the beginning are soon forgotten."""
    return average.lerp(current, max(1 - decay, 1 / (int(updates) + 1)))
