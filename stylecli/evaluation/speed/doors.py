"""What the doors for editors cost: a frame through the network alone, the spool, a new pipe, and the plug-ins."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np

from stylecli.core.errors import StyleError
from stylecli.core.progress import Progress, Step, ignore
from stylecli.core.temporary import temporary_folder
from stylecli.editors.spool.client import fetch, submit
from stylecli.editors.spool.folder import WORKER
from stylecli.editors.spool.worker import stop
from stylecli.evaluation.speed.contestants import noise_picture
from stylecli.evaluation.speed.options import SIZES
from stylecli.evaluation.speed.plugins import CACHE_AIM, FUSE_NAMES, OVER_NETWORK_AIM, plugin_ways
from stylecli.inference.engine import Device, Engine
from stylecli.packs.pack import StylePack
from stylecli.stylize.look import Look
from stylecli.stylize.painting import paint

PATIENCE = 120.0  # seconds for a worker to start, and for an answer
SIZE = "720p"
NETWORK, NETWORK_OF_FLOATS = "the network alone", "the network alone, floats"


@dataclass(frozen=True)
class Door:
    """Median milliseconds of a 720p frame, from having its pixels to having them painted.

    over_network: the milliseconds above those of the network alone. own: further milliseconds that the stand-in for
    Fusion takes for its images and files; Fusion's own time for them is unknown.
    """

    door: str
    milliseconds: float
    over_network: float | None = None
    own: float | None = None

    @property
    def verdict(self) -> str:
        """The time of the fuse against its aim, in a line; nothing of other doors, which have none."""
        if self.door not in FUSE_NAMES:
            return ""
        _, is_new = FUSE_NAMES[self.door]
        if is_new and self.over_network is not None:
            return f"{self.door}: the network and {self.over_network:.0f} ms; the aim is at most {OVER_NETWORK_AIM:.0f}"
        return f"{self.door}: {self.milliseconds:.0f} ms; the aim is at most {CACHE_AIM:.0f}"


def measure_doors(
    pack: StylePack, *, rounds: int = 5, device: Device = "cpu", progress: Progress = ignore
) -> list[Door]:
    """Send a frame through each door in turn, round after round. The spool's first frame is a row of its own.

    The plug-ins are measured where they can run: the fuse with the package lupa, the frei0r filter with a C compiler.

    Raises:
        StyleError: a door failed.
    """
    width, height = SIZES[SIZE]
    levels = noise_picture(width, height).levels
    rgba = np.dstack([levels, np.full((height, width), 255, np.uint8)]).tobytes()
    chosen = ["--device", device, "--styles-dir", str(pack.folder.parent)]
    job = {"style": pack.name, "width": width, "height": height}

    with (
        temporary_folder() as spare,
        Engine(pack, device=device) as engine,
        _worker(spare / "spool", chosen) as spool,
        plugin_ways(levels, pack.name, spool, spare / "home") as plugins,
    ):

        def by_spool() -> None:
            fetch(spool, submit(spool, rgba, job), timeout=PATIENCE)

        def by_pipe() -> None:
            size = ["--width", str(width), "--height", str(height)]
            command = [sys.executable, "-m", "stylecli", "pipe", *size, "--style", pack.name, *chosen]
            _checked(subprocess.run(command, input=rgba, capture_output=True, check=False, timeout=PATIENCE))

        floats = levels.astype(np.float32) / 255
        ways: dict[str, Callable[[], float | None]] = {
            NETWORK: lambda: _done(paint(engine, levels, Look())),
            NETWORK_OF_FLOATS: lambda: _done(paint(engine, floats, Look())),
            "spool, every further frame": by_spool,
            **plugins,
            "pipe": by_pipe,
        }
        first = _milliseconds(by_spool)[0]
        times = _in_turn(ways, rounds, progress)
    return _doors(first, times)


def _in_turn(
    ways: Mapping[str, Callable[[], float | None]], rounds: int, progress: Progress
) -> dict[str, tuple[float, float]]:
    """Return for each way the medians of `_milliseconds` over the rounds."""
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for number in range(rounds + 1):  # the first is the warm-up
        for place, (name, way) in enumerate(ways.items()):
            progress(Step(number * len(ways) + place, (rounds + 1) * len(ways), "frames", name))
            way()  # fills the processor's caches, as the frame before does in a row of frames
            times[name].append(_milliseconds(way))
    return {
        name: (statistics.median(wait for wait, _ in values[1:]), statistics.median(own for _, own in values[1:]))
        for name, values in times.items()
    }


def _doors(first: float, times: Mapping[str, tuple[float, float]]) -> list[Door]:
    """Return the network alone, then what each door adds to it. `first`: milliseconds of the spool's first frame."""
    network, of_floats = times[NETWORK][0], times[NETWORK_OF_FLOATS][0]
    doors = [Door(NETWORK, round(network, 1))]
    if any(name in FUSE_NAMES for name in times):
        doors.append(Door(NETWORK_OF_FLOATS, round(of_floats, 1)))
    doors.append(_door("spool, first frame of a style", first, network))
    for name, (wait, own) in times.items():
        if name in FUSE_NAMES:
            doors.append(_door(name, wait, of_floats, own))
        elif name not in (NETWORK, NETWORK_OF_FLOATS):
            doors.append(_door(name, wait, network))
    return doors


def _door(name: str, wait: float, network: float, own: float | None = None) -> Door:
    return Door(name, round(wait, 1), round(wait - network, 1), None if own is None else round(own, 1))


@contextmanager
def _worker(folder: Path, options: list[str]) -> Iterator[Path]:
    """Run a worker in its own process during the `with`."""
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


def _milliseconds(way: Callable[[], float | None]) -> tuple[float, float]:
    """Return the milliseconds of a way without those of the stand-in for Fusion, and these."""
    started = time.perf_counter()
    own = (way() or 0.0) * 1000
    return (time.perf_counter() - started) * 1000 - own, own


def _done(_: object) -> None:
    """Discard a result."""


def _checked(done: subprocess.CompletedProcess[bytes]) -> None:
    if done.returncode:
        raise StyleError(f"the pipe failed: {done.stderr.decode().strip()}", hint="Measure without `doors`.")
