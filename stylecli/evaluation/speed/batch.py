"""How well a batch uses the machine: each stage alone, the whole batch, and the best possible rate."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil

from stylecli.core.errors import StyleError
from stylecli.core.progress import Progress, Step, ignore
from stylecli.core.threads import side_by_side
from stylecli.evaluation.speed.video import TEST_CLIP, Stage
from stylecli.inference.engine import Engine
from stylecli.media.images.files import Picture, read_picture, write_picture
from stylecli.media.video.ffmpeg import ffmpeg_program
from stylecli.packs.pack import StylePack
from stylecli.stylize.batch.ledger import Ended
from stylecli.stylize.batch.manifests.manifest import read_manifest
from stylecli.stylize.batch.options import BatchOptions
from stylecli.stylize.batch.results import DONE, FILE, open_results
from stylecli.stylize.batch.run import open_batch
from stylecli.stylize.look import Look
from stylecli.stylize.pictures.pages import stylize_picture

PHOTOS = 60
SIZE = (1280, 864)  # 1.1 megapixels
MANIFEST = "m.jsonl"
SAMPLE = 20  # photos of which each stage is timed alone, since they are held in memory


@dataclass(frozen=True)
class BatchSpeed:
    """Items a second of the whole, and the most that the stages allow, both medians over the rounds.

    stages: each alone, on all cores. ceiling: min(slowest stage alone, cores / sum of CPU seconds an item).
    share: of the ceiling that was reached, the median of the rounds' own ratios.
    worker_megabytes: memory of all workers after a third of the items, and at the end.
    """

    items: int
    workers: int
    stages: dict[str, Stage]
    items_per_second: float
    ceiling: float
    share: float
    worker_megabytes: tuple[float, float]


@dataclass(frozen=True)
class _Round:
    stages: dict[str, Stage]
    seconds: float  # of the whole
    megabytes: tuple[float, float]
    workers: int


def measure_batch(
    pack: StylePack,
    *,
    photos: int = PHOTOS,
    size: tuple[int, int] = SIZE,
    rounds: int = 5,
    progress: Progress = ignore,
) -> BatchSpeed:
    """Time each stage alone and the whole batch, JPEG to JPEG on the CPU, round after round.

    The time of the whole is that of a fresh batch: it starts its worker processes and loads the style.

    Raises:
        StyleError: an item failed.
    """
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        _write_photos(folder, photos, size)
        rows = ({"input": f"{n}.jpg", "output": f"out/{n}.jpg", "style": pack.name} for n in range(1, photos + 1))
        (folder / MANIFEST).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        found = []
        for number in range(rounds):
            progress(Step(number, rounds, "rounds", "each stage alone"))
            stages = _stages(pack, folder, min(photos, SAMPLE))
            progress(Step(number, rounds, "rounds", "all together"))
            found.append(_whole(pack, folder, stages))
        progress(Step(rounds, rounds, "rounds"))
    rates = [photos / one.seconds for one in found]
    ceilings = [_ceiling(one.stages) for one in found]
    return BatchSpeed(
        items=photos,
        workers=found[0].workers,
        stages={name: _median([one.stages[name] for one in found]) for name in found[0].stages},
        items_per_second=statistics.median(rates),
        ceiling=statistics.median(ceilings),
        share=statistics.median(rate / ceiling for rate, ceiling in zip(rates, ceilings, strict=True)),
        worker_megabytes=found[-1].megabytes,
    )


def _stages(pack: StylePack, folder: Path, count: int) -> dict[str, Stage]:
    """Each stage alone, as many photos at a time as there are cores."""
    sources = [folder / f"{number}.jpg" for number in range(1, count + 1)]
    with Engine(pack, device="cpu", side_by_side=True) as engine:
        decode = [partial(read_picture, path) for path in sources]
        read, decoding = _timed(decode, engine.at_once)
        network: list[Callable[[], Picture]] = [partial(stylize_picture, one, engine, Look()) for one in read]
        list(side_by_side(network[: engine.at_once], engine.at_once))  # the first pictures of a session are slow
        painted, painting = _timed(network, engine.at_once)
        encode = [
            partial(write_picture, picture, folder / f"{number}-alone.jpg", overwrite=True)
            for number, picture in enumerate(painted)
        ]
        _, encoding = _timed(encode, engine.at_once)
    return {"decode": decoding, "network": painting, "encode": encoding}


def _whole(pack: StylePack, folder: Path, stages: dict[str, Stage]) -> _Round:
    shutil.rmtree(folder / "out", ignore_errors=True)
    (folder / FILE).unlink(missing_ok=True)
    options = BatchOptions(device="cpu", styles_dir=pack.folder.parent)
    items = read_manifest(folder / MANIFEST, styles_dir=options.styles_dir)
    ended: list[Ended] = []
    megabytes: list[float] = []

    def report(one: Ended) -> None:
        if one.status != DONE:
            raise StyleError(one.facts["error"], hint=one.facts["hint"])
        ended.append(one)
        if len(ended) in (len(items) // 3, len(items)):
            megabytes.append(_megabytes_of_children())

    with open_results(folder / FILE) as results, open_batch(folder, results, options) as batch:
        started = time.perf_counter()
        batch.run(items, report=report)
        seconds = time.perf_counter() - started
        workers = len(batch.workers)
    return _Round(stages, seconds, (megabytes[0], megabytes[-1]), workers)


def _ceiling(stages: dict[str, Stage]) -> float:
    cores = os.cpu_count() or 1
    slowest = max(stage.seconds for stage in stages.values())
    return min(1 / slowest, cores / sum(stage.cpu_seconds for stage in stages.values()))


def _timed(jobs: Sequence[Callable[[], Any]], at_once: int) -> tuple[list[Any], Stage]:
    started, cpu_started = time.perf_counter(), time.process_time()
    done = list(side_by_side(jobs, at_once))
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu_started
    return done, Stage(seconds / len(jobs), cpu / len(jobs))


def _median(stages: Sequence[Stage]) -> Stage:
    return Stage(
        statistics.median(stage.seconds for stage in stages), statistics.median(stage.cpu_seconds for stage in stages)
    )


def _megabytes_of_children() -> float:
    return sum(_resident(child) for child in psutil.Process().children()) / 1e6


def _resident(process: psutil.Process) -> int:
    try:
        resident: int = process.memory_info().rss
    except psutil.NoSuchProcess:
        return 0
    return resident


def _write_photos(folder: Path, count: int, size: tuple[int, int]) -> None:
    """JPEG files 1.jpg, 2.jpg ... with detail at all scales."""
    width, height = size
    source = ["-f", "lavfi", "-i", TEST_CLIP.format(width=width, height=height), "-frames:v", str(count)]
    command = [ffmpeg_program(), "-loglevel", "error", *source, "-q:v", "2", str(folder / "%d.jpg")]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
