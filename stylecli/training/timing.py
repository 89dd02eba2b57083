"""How fast a style network will be where it is used: exported, in onnxruntime on the CPU."""

from __future__ import annotations

import time

import numpy as np

from stylecli.training.exporting import export_onnx
from stylecli.training.network import StyleNetwork

TIMED_SIZE = (1280, 720)  # width and height in pixels
TIMED_RUNS = 3  # and one before, which does not count


def measure_milliseconds(network: StyleNetwork) -> float:
    """What a picture of TIMED_SIZE takes: the fastest run, since other work on the machine only adds."""
    import onnxruntime

    session = onnxruntime.InferenceSession(export_onnx(network), providers=["CPUExecutionProvider"])
    width, height = TIMED_SIZE
    image = np.random.default_rng(0).random((1, 3, height, width), np.float32)
    times = []
    for _ in range(TIMED_RUNS + 1):
        started = time.perf_counter()
        session.run(["stylized"], {"image": image})
        times.append((time.perf_counter() - started) * 1000)
    return min(times[1:])
