"""What the doors for editors cost: a frame through the network alone, through the spool, and through a fresh pipe."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile

import numpy as np

from stylecli.core.errors import StyleError
from stylecli.core.progress import Progress, Step, ignore
from stylecli.editors.spool.client import fetch, submit
from stylecli.editors.spool.folder import WORKER
from stylecli.editors.spool.worker import stop
from stylecli.evaluation.speed.networks import noise_picture
from stylecli.evaluation.speed.options import SIZES
from stylecli.inference.engine import Device, Engine
from stylecli.packs.pack import StylePack
from stylecli.stylize.look import Look
from stylecli.stylize.painting import paint

PATIENCE = 120.0  # seconds for a worker to start, and for an answer
SIZE = "720p"
NETWORK = "the network alone"


@dataclass(frozen=True)
class Door:
    """Median milliseconds of a 720p frame of rgba8, from having its pixels to having them painted.

    over_network: how much of it is not the network's.
    """

    door: str
    milliseconds: float
    over_network: float | None = None


def measure_doors(
    pack: StylePack, *, rounds: int = 5, device: Device = "cpu", progress: Progress = ignore
) -> list[Door]:
    """Send a frame through each door in turn, round after round; what the spool's first frame takes is told apart.

    Raises:
        StyleError: a door failed.
    """
    width, height = SIZES[SIZE]
    levels = noise_picture(width, height).levels
    rgba = np.dstack([levels, np.full((height, width), 255, np.uint8)]).tobytes()
    chosen = ["--device", device, "--styles-dir", str(pack.folder.parent)]
    job = {"style": pack.name, "width": width, "height": height}

    with (
        TemporaryDirectory() as spare,
        Engine(pack, device=device) as engine,
        _worker(Path(spare, "spool"), chosen) as spool,
    ):

        def by_spool() -> None:
            fetch(spool, submit(spool, rgba, job), timeout=PATIENCE)

        def by_pipe() -> None:
            size = ["--width", str(width), "--height", str(height)]
            command = [sys.executable, "-m", "stylecli", "pipe", *size, "--style", pack.name, *chosen]
            _checked(subprocess.run(command, input=rgba, capture_output=True, check=False, timeout=PATIENCE))

        ways = {NETWORK: lambda: paint(engine, levels, Look()), "spool, every further frame": by_spool, "pipe": by_pipe}
        first = _milliseconds(by_spool)
        times: dict[str, list[float]] = {name: [] for name in ways}
        for number in range(rounds + 1):  # the first is the warm-up
            for place, (name, way) in enumerate(ways.items()):
                progress(Step(number * len(ways) + place, (rounds + 1) * len(ways), "frames", name))
                way()  # the next of the same kind finds the processor's caches as in a row of frames
                times[name].append(_milliseconds(way))
    medians = {name: statistics.median(values[1:]) for name, values in times.items()}
    network = medians.pop(NETWORK)
    waits = {"spool, first frame of a style": first, **medians}
    through = [Door(name, round(wait, 1), round(wait - network, 1)) for name, wait in waits.items()]
    return [Door(NETWORK, round(network, 1)), *through]


@contextmanager
def _worker(folder: Path, options: list[str]) -> Iterator[Path]:
    """A worker in a process of its own while the `with` lasts."""
    command = [sys.executable, "-m", "stylecli", "spool", str(folder), *options]
    with TemporaryFile() as said, subprocess.Popen(command, stderr=said) as process:
        try:
            deadline = time.monotonic() + PATIENCE
            while not (folder / WORKER).exists():
                if process.poll() is not None or time.monotonic() > deadline:
                    said.seek(0)
                    raise StyleError(
                        f"the spool does not start: {said.read().decode()}", hint="Measure without `doors`."
                    )
                time.sleep(0.01)
            yield folder
            stop(folder)
        finally:
            process.kill()


def _milliseconds(way: Callable[[], object]) -> float:
    started = time.perf_counter()
    way()
    return (time.perf_counter() - started) * 1000


def _checked(done: subprocess.CompletedProcess[bytes]) -> None:
    if done.returncode:
        raise StyleError(f"the pipe failed: {done.stderr.decode().strip()}", hint="Measure without `doors`.")
