"""A training on disk: one safetensors file holds the network, the optimiser and the step, whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from stylecli.errors import MediaError

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


def save_checkpoint(run: Path, step: int, network: nn.Module, optimizer: torch.optim.Optimizer, seconds: float) -> None:
    """Keep all that a resumed run needs to go on as if it had never stopped."""
    tensors = {f"network.{name}": tensor for name, tensor in network.state_dict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": tensor for name, tensor in state.items()}
    write_tensors(tensors, run / CHECKPOINT, {"step": str(step), "seconds": f"{seconds:.1f}"})


def load_checkpoint(run: Path, network: nn.Module, optimizer: torch.optim.Optimizer) -> tuple[int, float]:
    """Put a checkpoint back into the network and the optimiser; (steps done, seconds spent), (0, 0) without one."""
    if not (run / CHECKPOINT).exists():
        return 0, 0.0
    tensors, metadata = read_tensors(run / CHECKPOINT)
    network.load_state_dict({name[8:]: tensor for name, tensor in tensors.items() if name.startswith("network.")})
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith("optimizer."):
            _, index, key = name.split(".")
            state.setdefault(int(index), {})[key] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    return int(metadata["step"]), float(metadata["seconds"])
