"""The speed of networks. They run in turn, round after round, so that a change of the machine's speed affects all."""

from __future__ import annotations

import importlib.util
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylecli.core.progress import Progress, Step, ignore
from stylecli.evaluation.speed.operations import ceiling, multiplications
from stylecli.evaluation.speed.options import SIZES, BenchOptions, White
from stylecli.evaluation.speed.rivals import open_rival
from stylecli.inference.engine import Engine
from stylecli.inference.normalization import Statistics
from stylecli.inference.sessions import open_cpu_session
from stylecli.media.pixels import to_unit
from stylecli.packs.pack import StylePack
from stylecli.stylize.look import Look
from stylecli.stylize.painting import paint

YARDSTICK = "johnson, torch eager"  # the baseline of the speedups: how published implementations run
START_UPS = {
    "stylecli --help": ("-m", "stylecli", "--help"),
    "import of the inference API": ("-c", "import stylecli.stylize.style"),
}

JOHNSON_ONNX = "johnson, onnxruntime"


@dataclass(frozen=True)
class NoisePicture:
    """A picture of noise, (H, W, 3), as uint8 and as float32 in 0..1."""

    levels: NDArray[np.uint8]
    unit: NDArray[np.float32]


@dataclass(frozen=True)
class Contestant:
    """A network to time. `model`: its float32 ONNX model, by which its operations are counted; empty if unknown."""

    run: Callable[[NoisePicture], Any]
    model: bytes = b""
    white: float = 1.0  # the value of white at the model's input
    device: str = "cpu"


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
        contestants: dict[str, Contestant] = {}
        for pack in packs:
            for model in pack.card.models if options.all_variants else (pack.model(),):
                engine = Engine(pack, variant=model.variant, device=options.device, threads=threads)
                name = pack.name if model.variant == pack.model().variant else f"{pack.name} {model.variant}"
                contestants |= _of_style(name, stack.enter_context(engine), pack.model_bytes(model.variant))
        if importlib.util.find_spec("torch"):
            contestants |= _johnson(threads)
        contestants |= {
            str(path): _rival(path, white=options.against_white, threads=threads) for path in options.against
        }
        on_cpu = all(contestant.device == "cpu" for contestant in contestants.values())
        most = ceiling(threads) if on_cpu else None
        timings: list[Timing] = []
        for number, size in enumerate(options.size):
            frame = noise_picture(*SIZES[size])
            milliseconds = _in_turn(contestants, frame, options.rounds, number, len(options.size), progress)
            timings += [_timing(name, size, milliseconds, contestant, most) for name, contestant in contestants.items()]
    return timings


def noise_picture(width: int, height: int) -> NoisePicture:
    """Make a picture of noise, the same each time; size in pixels."""
    levels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    return NoisePicture(levels, to_unit(levels))


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


def _of_style(name: str, engine: Engine, model: bytes) -> dict[str, Contestant]:
    """Return a style as a contestant and, if it takes statistics, once more as a painter of frames of a scene."""
    native, scenes = Look(brush="native"), dict[tuple[int, ...], Statistics]()

    def scene_of(frame: NoisePicture) -> Statistics:
        if frame.levels.shape not in scenes:  # in the round that is not counted
            scenes[frame.levels.shape] = engine.measure(frame.levels)
        return scenes[frame.levels.shape]

    own = Contestant(lambda frame: paint(engine, frame.levels, native), model, device=engine.device)
    given = Contestant(
        lambda frame: paint(engine, frame.levels, native, statistics=scene_of(frame)), model, device=engine.device
    )
    contestants = {f"{name}, onnxruntime": own}
    return contestants | ({f"{name}, frame of a scene": given} if engine.takes_statistics else {})


def _rival(path: Path, *, white: White, threads: int) -> Contestant:
    run = open_rival(path, white=white, threads=threads)
    return Contestant(lambda frame: run(frame.unit), path.read_bytes(), float(white))


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


def machine() -> dict[str, Any]:
    """Describe the machine: processor, cores, system."""
    return {"processor": _processor(), "cores": os.cpu_count(), "system": f"{platform.system()} {platform.machine()}"}


def _johnson(threads: int) -> dict[str, Contestant]:
    import torch

    from stylecli.training.export.onnx_export import export_onnx
    from stylecli.training.networks.johnson import JohnsonNetwork

    torch.set_num_threads(threads)
    network = JohnsonNetwork().eval()
    model = export_onnx(network)
    session = open_cpu_session(model, threads=threads)

    @torch.inference_mode()
    def eager(frame: NoisePicture) -> None:
        network(torch.from_numpy(frame.unit).permute(2, 0, 1)[None].contiguous())

    def exported(frame: NoisePicture) -> None:
        session.run(["stylized"], {"image": np.ascontiguousarray(frame.unit.transpose(2, 0, 1)[None])})

    return {JOHNSON_ONNX: Contestant(exported, model), YARDSTICK: Contestant(eager, model)}


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
