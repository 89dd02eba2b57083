"""Picture files to stylized picture files: one, or many of which some may be broken."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stylecli.engine import Engine, to_unit
from stylecli.errors import MediaError, StyleError, UsageError
from stylecli.images import READABLE, WRITABLE, Picture, read_picture, write_picture
from stylecli.look import LUMA, Look, paint
from stylecli.progress import Progress, Step, ignore

OTHERWISE = ".png"  # the format of a result whose source's format cannot be written


@dataclass(frozen=True)
class Job:
    """One picture to be made: `source` in `style`, written to `output`."""

    source: Path
    style: str
    output: Path


@dataclass(frozen=True)
class Outcome:
    """What became of a job: done (`error` None), kept (`output` was there already), or failed."""

    job: Job
    width: int = 0
    height: int = 0
    seconds: float = 0.0
    kept: bool = False
    error: StyleError | None = None


def plan_jobs(
    sources: Sequence[Path], styles: Sequence[str], output: Path | None, *, recursive: bool = False
) -> list[Job]:
    """Which file becomes which: `output` is a file, a folder, or None for beside the source.

    Sources are pictures and folders. Results are named `{stem}-{style}{suffix}`; those of a folder that is searched
    recursively keep their subfolders.

    Raises:
        MediaError: a source does not exist, or a folder holds no picture.
        UsageError: two results would have the same name, a result that of a source, or `output` that of no format.
    """
    pictures = [(path, base) for source in sources for path, base in _pictures_of(source, recursive=recursive)]
    is_single = len(pictures) == 1 and len(styles) == 1 and not sources[0].is_dir()
    if output and is_single and not output.is_dir() and output.suffix:
        if output.suffix.lower() not in WRITABLE:  # said now, not when the picture is painted
            raise UsageError(f"{output}: not a format that can be written", hint=f"Use {', '.join(WRITABLE)}.")
        jobs = [Job(pictures[0][0], styles[0], output)]
    else:
        jobs = []
        for path, base in pictures:
            suffix = path.suffix if path.suffix.lower() in WRITABLE else OTHERWISE
            folder = output / path.parent.relative_to(base) if output else path.parent
            jobs += [Job(path, style, folder / f"{path.stem}-{style}{suffix}") for style in styles]
    _refuse_collisions(jobs)
    return jobs


def run_jobs(
    jobs: Sequence[Job],
    engines: Mapping[str, Engine],
    look: Look,
    *,
    quality: int | None = None,
    overwrite: bool = False,
    progress: Progress = ignore,
    report: Callable[[Outcome], None] = lambda _: None,
) -> list[Outcome]:
    """Do all jobs; one that fails does not stop the others. `report` hears of each as soon as it ends.

    A single job whose output exists is an error; of many, those whose output exists are kept: a run that was
    interrupted goes on where it stopped.
    """
    outcomes: list[Outcome] = []
    source: Path | None = None
    picture: Picture | MediaError | None = None
    for number, job in enumerate(jobs):
        progress(Step(number, len(jobs), "pictures", job.source.name))
        if job.source != source:  # several styles of one picture stand in a row: it is read once
            source, picture = job.source, None
        if len(jobs) > 1 and not overwrite and job.output.exists():
            outcome = Outcome(job, kept=True)
        else:
            picture = picture or _read(job.source)
            outcome = _run_job(job, picture, engines[job.style], look, quality=quality, overwrite=overwrite)
        outcomes.append(outcome)
        report(outcome)
    progress(Step(len(jobs), len(jobs), "pictures"))
    return outcomes


def pictures_in(sources: Sequence[Path], *, recursive: bool = False) -> list[Path]:
    """The pictures that files and folders name, sorted within a folder.

    Raises:
        MediaError: a folder holds none.
    """
    return [path for source in sources for path, _ in _pictures_of(source, recursive=recursive)]


def stylize_picture(picture: Picture, engine: Engine, look: Look) -> Picture:
    """A picture in a style, with all else of it: alpha, profile, metadata."""
    pixels = paint(engine, picture.pixels, look)
    return picture if pixels is picture.pixels else picture.with_pixels(pixels)


def read_mask(path: Path) -> NDArray[np.float32]:
    """A mask for `Look` from a picture: its brightness, dark where it is transparent; (H, W) in 0..1.

    Raises:
        MediaError: it cannot be read.
    """
    picture = read_picture(path)
    brightness: NDArray[np.float32] = to_unit(picture.pixels) @ LUMA
    return brightness if picture.alpha is None else brightness * to_unit(picture.alpha)


def _run_job(
    job: Job, picture: Picture | MediaError, engine: Engine, look: Look, *, quality: int | None, overwrite: bool
) -> Outcome:
    started = time.monotonic()
    if isinstance(picture, MediaError):
        return Outcome(job, error=picture)
    height, width = picture.pixels.shape[:2]
    try:
        job.output.parent.mkdir(parents=True, exist_ok=True)
        write_picture(stylize_picture(picture, engine, look), job.output, quality=quality, overwrite=overwrite)
    except StyleError as err:
        return Outcome(job, width, height, error=err)
    except OSError as err:
        fault = MediaError(f"{job.output.parent}: {err.strerror}", hint="Choose another folder with -o.")
        return Outcome(job, width, height, error=fault)
    return Outcome(job, width, height, time.monotonic() - started)


def _read(path: Path) -> Picture | MediaError:
    try:
        return read_picture(path)
    except MediaError as err:
        return err


def _pictures_of(source: Path, *, recursive: bool) -> Iterable[tuple[Path, Path]]:
    """(picture, the folder that its subfolders are counted from)."""
    if not source.is_dir():
        return [(source, source.parent)]
    found = source.rglob("*") if recursive else source.iterdir()
    pictures = sorted(path for path in found if path.suffix.lower() in READABLE and path.is_file())
    if not pictures:
        hint = "Give a folder with pictures." if recursive else "Look into its subfolders with --recursive."
        raise MediaError(f"{source}: no picture in it", hint=hint)
    return [(path, source) for path in pictures]


def _refuse_collisions(jobs: Sequence[Job]) -> None:
    sources = {job.source.resolve() for job in jobs}
    made: dict[Path, Path] = {}
    for job in jobs:
        target = job.output.resolve()
        if target in sources:
            raise UsageError(f"{job.output}: is a source too", hint="Give another name or folder with -o.")
        if target in made:
            raise UsageError(
                f"{job.output}: would be made from both {made[target]} and {job.source}",
                hint="Stylize them into different folders.",
            )
        made[target] = job.source
