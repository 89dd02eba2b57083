"""The cost of a network in use: exported, in onnxruntime on the CPU, in its own process."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass

from stylecli.training.export import onnx_export, onnx_trial
from stylecli.training.networks.style_network import StyleNetwork

SIZE = (1280, 720)  # of the picture, in pixels


@dataclass(frozen=True)
class Cost:
    """Milliseconds and peak memory for a picture of `SIZE`, the fastest of some runs; size of the model."""

    milliseconds: float
    megabytes: float | None  # None where the system does not report it
    model_bytes: int


def measure_cost(network: StyleNetwork, *, any_size: bool = True) -> Cost:
    """Export a network and measure it in a new process.

    any_size: export the model of a pack. False: a model for pictures of `SIZE` alone, which is exported in a third of
    the time and paints as fast; its memory and its bytes are a few percent off.

    Raises:
        PackError: the model of a pack does not paint what the network paints.
    """
    model = onnx_export.export_onnx(network) if any_size else onnx_export.export_unchecked(network, size=SIZE)
    command = [sys.executable, "-m", onnx_trial.__name__, *map(str, SIZE)]
    measured = json.loads(subprocess.run(command, input=model, check=True, capture_output=True).stdout)
    return Cost(measured["milliseconds"], measured["megabytes"], len(model))
