"""The time of a frame by pixels and by threads, and its energy."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from stylecli.core.progress import Progress, Step, ignore
from stylecli.evaluation.speed.contestants import noise_picture
from stylecli.evaluation.speed.options import SIZES
from stylecli.inference.engine import Engine
from stylecli.packs.pack import StylePack
from stylecli.stylize.look import Look
from stylecli.stylize.painting import paint

COUNTERS = Path("/sys/class/powercap")  # Linux: running totals of the processor packages' energy, in microjoules
FRAMES = 20  # measured together, since the counters are updated about every millisecond


@dataclass(frozen=True)
class ScalingPoint:
    """Median milliseconds of a frame of a scene at a size, with a number of threads."""

    size: str
    threads: int
    milliseconds: float
    milliseconds_per_megapixel: float


def measure_scaling(pack: StylePack, *, rounds: int = 5, progress: Progress = ignore) -> list[ScalingPoint]:
    """Time a frame on the CPU: every size with all cores, and 720p with 1, 2, 4, ... threads."""
    cores = os.cpu_count() or 1
    numbers = [2**power for power in range(cores.bit_length()) if 2**power < cores]
    wanted = [*((size, cores) for size in SIZES), *(("720p", threads) for threads in numbers)]
    points = []
    for number, (size, threads) in enumerate(wanted):
        progress(Step(number, len(wanted), "sizes and threads", f"{size}, {threads} threads"))
        with Engine(pack, device="cpu", threads=threads) as engine:
            run = _painting(engine, size)
            milliseconds = statistics.median(_timed(run) for _ in range(rounds)) * 1000
        width, height = SIZES[size]
        per_megapixel = milliseconds * 1e6 / (width * height)
        points.append(ScalingPoint(size, threads, round(milliseconds, 1), round(per_megapixel, 1)))
    return points


def measure_energy(pack: StylePack, *, size: str = "720p") -> float | None:
    """Measure the joules that the processor takes for a frame; None where it has no counters, as in most VMs."""
    if not (counters := sorted(COUNTERS.glob("intel-rapl:?/energy_uj"))):
        return None
    try:
        with Engine(pack, device="cpu") as engine:
            run = _painting(engine, size)
            before = [int(counter.read_text()) for counter in counters]
            for _ in range(FRAMES):
                run()
            after = [int(counter.read_text()) for counter in counters]
    except PermissionError:
        return None
    spent = sum(late - early for early, late in zip(before, after, strict=True))
    return round(spent / 1e6 / FRAMES, 2) if spent > 0 else None  # negative: a counter wrapped around


def _painting(engine: Engine, size: str) -> Callable[[], None]:
    """Return a function that paints a frame of a scene; it has run once already, as a warm-up."""
    frame = noise_picture(*SIZES[size])
    scene, native = engine.measure(frame.levels), Look(brush="native").of_frames()

    def run() -> None:
        paint(engine, frame.levels, native, statistics=scene)

    run()
    return run


def _timed(run: Callable[[], None]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started
