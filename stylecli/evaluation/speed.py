"""How fast networks run: every contestant in turn, round after round, so that a drifting machine is fair to all."""

from __future__ import annotations

import importlib.util
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylecli.engine import Device, Engine
from stylecli.evaluation.rivals import Range, open_rival
from stylecli.pack import StylePack
from stylecli.progress import Progress, Step, ignore

SIZES = {  # (width, height) in pixels
    "512": (512, 512),
    "720p": (1280, 720),
    "1080p": (1920, 1080),
    "4K": (3840, 2160),
    "8K": (7680, 4320),
}
QUICK = ("720p", "1080p")  # the sizes that are measured unless others are asked for
YARDSTICK = "johnson, torch eager"  # what others are compared with: how the published implementations run
START_UPS = {
    "stylecli --help": ("-m", "stylecli", "--help"),
    "import of the inference API": ("-c", "import stylecli.style"),
}

Contestant = Callable[[NDArray[np.float32]], Any]  # runs on (H, W, 3) float32


@dataclass(frozen=True)
class Timing:
    """Median milliseconds of one contestant at one size, and how many times faster that is than the yardstick."""

    contestant: str
    size: str
    milliseconds: float
    speedup: float | None = None  # None where the yardstick did not run

    @property
    def milliseconds_per_megapixel(self) -> float:
        """To compare sizes."""
        width, height = SIZES[self.size]
        return round(self.milliseconds * 1e6 / (width * height), 1)


def measure_networks(
    packs: Sequence[StylePack],
    *,
    sizes: Sequence[str] = QUICK,
    rounds: int = 5,
    device: Device = "cpu",
    threads: int | None = None,
    rivals: Sequence[Path] = (),
    white: Range = "255",
    progress: Progress = ignore,
) -> list[Timing]:
    """Time the styles and, where torch is installed, Johnson's network in onnxruntime and in PyTorch eager.

    `rivals` are ONNX files of other networks, whose input is 0 for black and `white` for white, run on the CPU.
    All in one process with the same number of threads, one uncounted round first.
    """
    threads = threads or os.cpu_count() or 1
    engines = {f"{pack.name}, onnxruntime": Engine(pack, device=device, threads=threads) for pack in packs}
    contestants: dict[str, Contestant] = {name: engine.stylize for name, engine in engines.items()}
    if importlib.util.find_spec("torch"):
        contestants |= _johnson(threads)
    contestants |= {str(path): open_rival(path, white=white, threads=threads) for path in rivals}
    timings: list[Timing] = []
    for number, size in enumerate(sizes):
        width, height = SIZES[size]
        frame = np.random.default_rng(0).random((height, width, 3), np.float32)
        milliseconds = _in_turn(contestants, frame, rounds, number, len(sizes), progress)
        yardstick = milliseconds.get(YARDSTICK)
        for name, value in milliseconds.items():
            timings.append(Timing(name, size, round(value, 1), round(yardstick / value, 1) if yardstick else None))
    for engine in engines.values():
        engine.close()
    return timings


def measure_start_ups(*, rounds: int = 5) -> dict[str, float]:
    """Median seconds from nothing to a fresh interpreter's end."""
    seconds = {}
    for name, arguments in START_UPS.items():
        times = []
        for _ in range(rounds + 1):
            started = time.perf_counter()
            subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
            times.append(time.perf_counter() - started)
        seconds[name] = round(statistics.median(times[1:]), 3)
    return seconds


def machine() -> dict[str, Any]:
    """What the numbers were measured on."""
    return {"processor": _processor(), "cores": os.cpu_count(), "system": f"{platform.system()} {platform.machine()}"}


def _johnson(threads: int) -> dict[str, Contestant]:
    import onnxruntime
    import torch

    from stylecli.training.exporting import export_onnx
    from stylecli.training.network import JohnsonNetwork

    torch.set_num_threads(threads)
    network = JohnsonNetwork().eval()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(export_onnx(network), options, providers=["CPUExecutionProvider"])

    @torch.inference_mode()
    def eager(frame: NDArray[np.float32]) -> None:
        network(torch.from_numpy(frame).permute(2, 0, 1)[None].contiguous())

    def exported(frame: NDArray[np.float32]) -> None:
        session.run(["stylized"], {"image": np.ascontiguousarray(frame.transpose(2, 0, 1)[None])})

    return {"johnson, onnxruntime": exported, YARDSTICK: eager}


def _in_turn(
    contestants: Mapping[str, Contestant],
    frame: NDArray[np.float32],
    rounds: int,
    part: int,
    parts: int,
    progress: Progress,
) -> dict[str, float]:
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(rounds + 1):  # the first is the warm-up
        for place, (name, run) in enumerate(contestants.items()):
            done = (part * (rounds + 1) + number) * len(contestants) + place
            progress(Step(done, parts * (rounds + 1) * len(contestants), "runs", name))
            started = time.perf_counter()
            run(frame)
            times[name].append((time.perf_counter() - started) * 1000)
    return {name: statistics.median(values[1:]) for name, values in times.items()}


def _processor() -> str:
    try:
        facts = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(":")[2].strip() for line in facts if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
