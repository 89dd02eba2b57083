"""Networks behind the interface of an `Engine`: that of a run, in PyTorch, and other ONNX files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray

from stylecli.core.errors import DeviceError, UsageError
from stylecli.evaluation.speed.contestants import open_rival
from stylecli.evaluation.speed.options import BenchOptions, White
from stylecli.inference.engine import Device
from stylecli.media.resizing import resize
from stylecli.training.networks.any_size import AnySizeNetwork
from stylecli.training.networks.conditional import count_styles
from stylecli.training.networks.registry import network_from_weights
from stylecli.training.networks.style_network import StyleNetwork
from stylecli.training.runs.checkpoints import WEIGHTS, read_tensors


class RunNetwork:
    """The network of a run, in PyTorch, behind the interface of an `Engine`."""

    def __init__(self, name: str, network: StyleNetwork, *, device: Device = "auto") -> None:
        """Put it on a device.

        Raises:
            DeviceError: PyTorch cannot work on the device.
        """
        self.name = name
        self.device = _torch_device(device)
        self._network = AnySizeNetwork(network).to(self.device).eval()

    @classmethod
    def of(cls, run: Path, *, device: Device = "auto") -> Self:
        """Rebuild it from the weights of a run, after whose folder it is called.

        Raises:
            MediaError: there are no whole weights in the run.
            UsageError: they are those of several styles, or of no known network, or hold NaN or infinity.
            DeviceError: PyTorch cannot work on the device.
        """
        weights, _ = read_tensors(run / WEIGHTS)
        if count_styles(weights) > 1:
            raise UsageError(
                f"{run}: holds several styles", hint="Make styles of them with `stylecli export`, and judge those."
            )
        try:
            network = network_from_weights(weights)
        except UsageError as error:
            raise UsageError(f"{run}: {error.message}", hint=error.hint) from error
        return cls(run.name, network, device=device)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._network.cpu()

    @torch.inference_mode()
    def stylize(self, unit: NDArray[np.float32]) -> NDArray[np.float32]:
        """Paint a picture (H, W, 3), sRGB-encoded RGB in 0..1; same shape and range."""
        image = torch.from_numpy(np.ascontiguousarray(unit)).permute(2, 0, 1)[None].to(self.device)
        stylized: NDArray[np.float32] = self._network(image)[0].permute(1, 2, 0).contiguous().cpu().numpy()
        return stylized


class ForeignNetwork:
    """Another picture-to-picture ONNX network, on the CPU, behind the interface of an `Engine`."""

    def __init__(self, path: Path, *, white: White = BenchOptions.against_white) -> None:
        """Open a file; raises MediaError if it holds no network that takes one picture."""
        self.name = path.stem
        self._white = float(white)
        self._run = open_rival(path, white=white, threads=os.cpu_count() or 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to close: the session goes with the object."""

    def stylize(self, unit: NDArray[np.float32]) -> NDArray[np.float32]:
        """Paint a picture (H, W, 3), sRGB-encoded RGB in 0..1; same shape and range, resized if need be."""
        painted = np.asarray(self._run(unit)[0][0], np.float32).transpose(1, 2, 0) / self._white  # (H, W, 3)
        clipped = np.ascontiguousarray(painted.clip(0, 1), np.float32)
        return clipped if clipped.shape == unit.shape else resize(clipped, *unit.shape[:2])


def _torch_device(device: Device) -> torch.device:
    has_cuda = torch.cuda.is_available()
    if device == "coreml" or (device == "cuda" and not has_cuda):
        raise DeviceError(f"{device}: runs are judged in PyTorch, which cannot use it here", hint='Use `device="cpu"`.')
    return torch.device("cuda" if has_cuda and device != "cpu" else "cpu")
