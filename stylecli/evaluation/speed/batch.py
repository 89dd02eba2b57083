"""Many photos by `stylecli batch` and `stylecli image`, beside each stage alone and the best possible rate."""

from __future__ import annotations

import json
import shutil
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import ffmpeg
import psutil

from stylecli.core.errors import StyleError
from stylecli.core.progress import Progress, Step, ignore
from stylecli.core.temporary import temporary_folder
from stylecli.core.threads import side_by_side
from stylecli.evaluation.speed.options import PHOTOS
from stylecli.evaluation.speed.video import TEST_CLIP, Stage, ceiling_of, limit_of, timed
from stylecli.inference.engine import Engine
from stylecli.media.images.files import Picture, read_picture, write_picture
from stylecli.media.video.ffmpeg import run_ffmpeg
from stylecli.packs.pack import StylePack
from stylecli.stylize.batch.ledger import ItemOutcome
from stylecli.stylize.batch.manifests.manifest import read_manifest
from stylecli.stylize.batch.options import BatchOptions
from stylecli.stylize.batch.results import DONE, FILE, open_results
from stylecli.stylize.batch.run import open_batch
from stylecli.stylize.look import Look
from stylecli.stylize.pictures.jobs import plan_jobs
from stylecli.stylize.pictures.pages import stylize_picture
from stylecli.stylize.pictures.run import open_engines, run_jobs

SIZE = (1280, 864)  # 1.1 megapixels
DISTINCT = 12  # photos; the others are copies of them
SAMPLE = 8  # photos that each stage alone is timed on; they are held in memory
ROUNDS_MAX = 3
ROUNDS_SECONDS = 60.0  # after which no further round begins
AIM = 0.9  # share of the possible speed
MANIFEST = "m.jsonl"
SOURCES, RESULTS = "photos", "out"


@dataclass(frozen=True)
class BatchSpeed:
    """The speed of a command that does many photos; all but `items` and `workers` are medians over the rounds.

    workers: processes of `stylecli batch`, threads of `stylecli image`.
    stages: each alone, on all cores; ceiling: items a second, as `ceiling_of` these.
    items_per_second, cpu_seconds (an item): of the whole, from its first process or thread on.
    share: of the ceiling that was reached, the median of the rounds' own ratios.
    worker_megabytes: memory of all workers after a third of the items, and at the end; None for threads.
    """

    command: str
    items: int
    workers: int
    stages: Mapping[str, Stage]
    ceiling: float
    items_per_second: float
    cpu_seconds: float
    share: float
    worker_megabytes: tuple[float, float] | None = None

    @property
    def verdict(self) -> str:
        """The speed against what is possible, in a line."""
        possible = f"{self.share:.2f} of the possible {self.ceiling:.2f}, which {limit_of(self.stages)} sets"
        return f"{self.command}: {self.items_per_second:.2f} photos a second, {possible}; the aim is {AIM:g}"


@dataclass(frozen=True)
class _Whole:
    """All photos, done by a command. whole: what one of them took."""

    whole: Stage
    workers: int
    megabytes: tuple[float, float] | None = None


def measure_batch(
    pack: StylePack,
    *,
    photos: int = PHOTOS,
    size: tuple[int, int] = SIZE,
    rounds: int = ROUNDS_MAX,
    progress: Progress = ignore,
) -> list[BatchSpeed]:
    """Time each stage alone and the two commands, JPEG to JPEG on the CPU, round after round.

    At most ROUNDS_MAX; none begins after ROUNDS_SECONDS. A command's time is that of a fresh one: it starts its workers
    and loads the style.

    Raises:
        StyleError: an item failed.
    """
    commands: dict[str, Callable[[StylePack, Path, int], _Whole]] = {
        "stylecli batch": _by_batch,
        "stylecli image": _by_image,
    }
    rounds = min(rounds, ROUNDS_MAX)
    of_stages: list[dict[str, Stage]] = []
    of_commands: dict[str, list[_Whole]] = {name: [] for name in commands}
    with temporary_folder() as folder:
        _write_photos(folder / SOURCES, photos, size)
        names = [f"{number}.jpg" for number in range(photos)]
        rows = ({"input": f"{SOURCES}/{one}", "output": f"{RESULTS}/{one}", "style": pack.name} for one in names)
        (folder / MANIFEST).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        started = time.monotonic()
        for number in range(rounds):
            if number and time.monotonic() - started > ROUNDS_SECONDS:
                break
            progress(Step(number, rounds, "rounds", "each stage alone"))
            of_stages.append(_stages(pack, folder, min(photos, SAMPLE)))
            for name, run in commands.items():
                progress(Step(number, rounds, "rounds", name))
                shutil.rmtree(folder / RESULTS, ignore_errors=True)
                of_commands[name].append(run(pack, folder, photos))
        progress(Step(rounds, rounds, "rounds"))
    return [_speed(name, photos, of_stages, found) for name, found in of_commands.items()]


def _speed(command: str, photos: int, of_stages: Sequence[dict[str, Stage]], found: Sequence[_Whole]) -> BatchSpeed:
    ceilings = [ceiling_of(stages) for stages in of_stages]
    whole = _median([one.whole for one in found])
    return BatchSpeed(
        command,
        photos,
        found[0].workers,
        {name: _median([stages[name] for stages in of_stages]) for name in of_stages[0]},
        statistics.median(ceilings),
        1 / whole.seconds,
        whole.cpu_seconds,
        statistics.median(1 / one.whole.seconds / most for one, most in zip(found, ceilings, strict=True)),
        found[-1].megabytes,
    )


def _stages(pack: StylePack, folder: Path, count: int) -> dict[str, Stage]:
    """Each stage alone, as many photos at a time as there are cores."""
    sources = [folder / SOURCES / f"{number}.jpg" for number in range(count)]
    with Engine(pack, device="cpu", side_by_side=True) as engine:

        def stage(jobs: Sequence[Callable[[], Any]]) -> tuple[list[Any], Stage]:
            done: list[Any] = []
            return done, timed(lambda: done.extend(side_by_side(jobs, engine.at_once)), len(jobs))

        read, decode = stage([partial(read_picture, path) for path in sources])
        network: list[Callable[[], Picture]] = [partial(stylize_picture, one, engine, Look()) for one in read]
        list(side_by_side(network[: engine.at_once], engine.at_once))  # the first pictures of a session are slow
        painted, paint = stage(network)
        _, encode = stage(
            [
                partial(write_picture, picture, folder / f"{number}-alone.jpg", overwrite=True)
                for number, picture in enumerate(painted)
            ]
        )
    return {"decode": decode, "network": paint, "encode": encode}


def _by_batch(pack: StylePack, folder: Path, photos: int) -> _Whole:
    (folder / FILE).unlink(missing_ok=True)
    options = BatchOptions(device="cpu", styles_dir=pack.folder.parent)
    items = read_manifest(folder / MANIFEST, styles_dir=options.styles_dir)
    ended: list[ItemOutcome] = []
    megabytes: list[float] = []

    def report(one: ItemOutcome) -> None:
        if one.status != DONE:
            raise StyleError(one.facts["error"], hint=one.facts["hint"])
        ended.append(one)
        if len(ended) in (photos // 3, photos):
            megabytes.append(sum(resident for resident, _ in _of_workers()) / 1e6)

    with open_results(folder / FILE) as results, open_batch(folder, results, options) as batch:
        own = timed(lambda: batch.run(items, report=report), photos)
        whole = Stage(own.seconds, own.cpu_seconds + sum(seconds for _, seconds in _of_workers()) / photos)
        return _Whole(whole, len(batch.workers), (megabytes[0], megabytes[-1]))


def _by_image(pack: StylePack, folder: Path, photos: int) -> _Whole:
    def run() -> None:
        jobs = plan_jobs([folder / SOURCES], [pack.name], folder / RESULTS)
        with open_engines([pack], device="cpu", pictures=len(jobs)) as engines:
            at_once.append(engines[pack.name].at_once)
            for outcome in run_jobs(jobs, engines, Look()):
                if outcome.error:
                    raise outcome.error

    at_once: list[int] = []
    return _Whole(timed(run, photos), at_once[0])


def _median(stages: Sequence[Stage]) -> Stage:
    return Stage(
        statistics.median(stage.seconds for stage in stages), statistics.median(stage.cpu_seconds for stage in stages)
    )


def _of_workers() -> list[tuple[int, float]]:
    """Resident bytes and CPU seconds of each child of this process."""
    found = []
    for child in psutil.Process().children():
        try:
            with child.oneshot():
                times = child.cpu_times()
                found.append((child.memory_info().rss, times.user + times.system))
        except psutil.NoSuchProcess:
            continue
    return found


def _write_photos(photos: Path, count: int, size: tuple[int, int]) -> None:
    """JPEG files 0.jpg, 1.jpg ... with detail at all scales."""
    width, height = size
    photos.mkdir()
    distinct = min(count, DISTINCT)
    source = ffmpeg.input(TEST_CLIP.format(width=width, height=height), f="lavfi")
    numbered = source.output(str(photos / "%d.jpg"), vframes=distinct, start_number=0, **{"q:v": 2})
    run_ffmpeg(numbered, f"{photos}: cannot be written", target=photos)
    for number in range(distinct, count):
        shutil.copy(photos / f"{number % distinct}.jpg", photos / f"{number}.jpg")
