"""The speed of networks. They run in turn, round after round, so that a change of the machine's speed affects all."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from stylecli.core.progress import Progress, Step, ignore
from stylecli.evaluation.speed.contestants import (
    JOHNSON_ONNX,
    YARDSTICK,
    Contestant,
    NoisePicture,
    noise_picture,
    open_contestants,
)
from stylecli.evaluation.speed.options import SIZES, BenchOptions
from stylecli.inference.model_graph import Graph, parsed, with_outputs
from stylecli.inference.sessions import open_cpu_session
from stylecli.packs.pack import StylePack

PROBES = (64, 128, 192)  # pixels: sides of the squares that the convolutions are counted on
CEILING_SIDE = 1536  # rows and columns of the matrices whose product measures the machine
CEILING_ROUNDS = 5
START_UPS = {
    "stylecli --help": ("-m", "stylecli", "--help"),
    "import of the inference API": ("-c", "import stylecli.stylize.style"),
}


@dataclass(frozen=True)
class Timing:
    """The speed of one contestant at one size.

    milliseconds: the median of one picture. speedup: the milliseconds of YARDSTICK over its own; None without torch.
    speedup_onnxruntime: the same against Johnson's network in onnxruntime. gflops: 10^9 operations of its convolutions
    a second. share: of the float32 `ceiling` of the machine.
    """

    contestant: str
    size: str
    milliseconds: float
    speedup: float | None = None
    speedup_onnxruntime: float | None = None
    gflops: float | None = None
    share: float | None = None

    @property
    def milliseconds_per_megapixel(self) -> float:
        """Milliseconds for 10^6 pixels, to compare sizes."""
        width, height = SIZES[self.size]
        return round(self.milliseconds * 1e6 / (width * height), 1)


def measure_networks(packs: Sequence[StylePack], options: BenchOptions, *, progress: Progress = ignore) -> list[Timing]:
    """Time styles, other networks and, where torch is installed, Johnson's network (Johnson et al. 2016).

    Each style paints an 8-bit picture as `stylecli image` does, including the measurement of its statistics. A style
    that takes statistics also paints one as a frame of a scene, with statistics that were measured before. All run in
    one process with the same number of threads. The first round is not counted, and neither is the first of the two
    runs of each turn.

    Args:
        packs: the styles.
        options: what to time.
        progress: hears of every run.

    Raises:
        MediaError: one of `options.against` is no network that takes a picture.
    """
    threads = options.threads or os.cpu_count() or 1
    with ExitStack() as stack:
        contestants = open_contestants(packs, options, threads=threads, stack=stack)
        on_cpu = all(contestant.device == "cpu" for contestant in contestants.values())
        most = ceiling(threads) if on_cpu else None
        timings: list[Timing] = []
        for number, size in enumerate(options.size):
            frame = noise_picture(*SIZES[size])
            milliseconds = _in_turn(contestants, frame, options.rounds, number, len(options.size), progress)
            timings += [_timing(name, size, milliseconds, contestant, most) for name, contestant in contestants.items()]
    return timings


def _timing(
    name: str, size: str, milliseconds: Mapping[str, float], contestant: Contestant, most: float | None
) -> Timing:
    mine = milliseconds[name]
    eager, exported = milliseconds.get(YARDSTICK), milliseconds.get(JOHNSON_ONNX)
    rate = (
        multiplications(contestant.model, *SIZES[size], white=contestant.white) / mine * 1000
        if contestant.model
        else None
    )
    return Timing(
        name,
        size,
        round(mine, 1),
        round(eager / mine, 1) if eager else None,
        round(exported / mine, 1) if exported else None,
        float(f"{rate:.3g}") if rate else None,
        round(rate / most, 2) if rate and most else None,
    )


def measure_start_ups(*, rounds: int = 5) -> dict[str, float]:
    """Return the median seconds that each program of START_UPS takes in a new process."""
    seconds = {}
    for name, arguments in START_UPS.items():
        times = []
        for _ in range(rounds + 1):
            started = time.perf_counter()
            subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
            times.append(time.perf_counter() - started)
        seconds[name] = round(statistics.median(times[1:]), 3)
    return seconds


def multiplications(model: bytes, width: int, height: int, *, white: float = 1.0) -> float:
    """Count the operations of an ONNX model's convolutions for one picture; a multiply-accumulate is two operations.

    They are counted on three small squares. A layer with a margin m computes (width + m) * (height + m) pixels, so the
    count is a * width * height + b * (width + height) + c; three squares give a, b and c.

    Args:
        model: the serialized model.
        width: of the picture, in pixels.
        height: of the picture, in pixels.
        white: the value of white at the model's input.

    Returns:
        10^9 operations.
    """
    area, sides, constant = np.polyfit(PROBES, [_operations(model, side, white) for side in PROBES], 2)
    return float(area * width * height + sides / 2 * (width + height) + constant) / 1e9


def ceiling(threads: int) -> float:
    """Measure 10^9 operations a second of a product of large float32 matrices in onnxruntime: a bound for networks."""
    import onnx
    from onnx import TensorProto, helper

    shape = [CEILING_SIDE, CEILING_SIDE]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("a", "b", "product")]
    graph = helper.make_graph([helper.make_node("MatMul", ["a", "b"], ["product"])], "product", values[:2], values[2:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = open_cpu_session(onnx.ModelProto.SerializeToString(model), threads=threads)
    random = np.random.default_rng(0)
    factors = {name: random.random(shape, np.float32) for name in ("a", "b")}
    seconds = []
    for _ in range(CEILING_ROUNDS + 1):
        started = time.perf_counter()
        session.run(None, factors)
        seconds.append(time.perf_counter() - started)
    return 2 * CEILING_SIDE**3 / min(seconds[1:]) / 1e9


def machine() -> dict[str, Any]:
    """Describe the machine: processor, cores, system."""
    return {"processor": _processor(), "cores": os.cpu_count(), "system": f"{platform.system()} {platform.machine()}"}


def _in_turn(
    contestants: Mapping[str, Contestant],
    frame: NoisePicture,
    rounds: int,
    part: int,
    parts: int,
    progress: Progress,
) -> dict[str, float]:
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(rounds + 1):  # the first is the warm-up
        for place, (name, contestant) in enumerate(contestants.items()):
            done = (part * (rounds + 1) + number) * len(contestants) + place
            progress(Step(done, parts * (rounds + 1) * len(contestants), "runs", name))
            contestant.run(frame)  # refills the caches, which other contestants have used: the second run counts
            started = time.perf_counter()
            contestant.run(frame)
            times[name].append((time.perf_counter() - started) * 1000)
    return {name: statistics.median(values[1:]) for name, values in times.items()}


def _processor() -> str:
    try:
        facts = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(":")[2].strip() for line in facts if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _operations(model: bytes, side: int, white: float) -> float:
    """Count the operations of all convolutions on a square picture, from the shapes of their outputs."""
    graph = Graph(parsed(model).graph)
    convolutions = [node for node in graph.graph.node if node.op_type == "Conv"]
    if not convolutions:
        return 0.0
    name = graph.graph.input[0].name
    session = open_cpu_session(with_outputs(model, [node.output[0] for node in convolutions]))
    written: list[Any] = session.run(None, {name: np.full((1, 3, side, side), white / 2, np.float32)})
    # Products that are summed for one sample of the output.
    sums = (prod(graph.constants[graph.source(node.input[1])].dims[1:]) for node in convolutions)
    return float(sum(2 * result.size * length for result, length in zip(written, sums, strict=True)))
