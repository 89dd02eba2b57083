"""Picture files to stylized picture files: one, or many of which some may be broken."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stylecli.core.errors import MediaError, StyleError
from stylecli.core.progress import Notice, Progress, Step, ignore
from stylecli.inference.engine import Engine
from stylecli.media.images.exr import ExrColor
from stylecli.media.images.files import Picture, read_picture, write_picture
from stylecli.media.pixels import LUMA, to_unit
from stylecli.stylize.batch import Job
from stylecli.stylize.look import Look, paint


@dataclass(frozen=True)
class Outcome:
    """What became of a job: done (`error` None), kept (`output` was there already), or failed.

    lost: what the source holds and the result does not.
    """

    job: Job
    width: int = 0
    height: int = 0
    seconds: float = 0.0
    kept: bool = False
    error: StyleError | None = None
    lost: tuple[str, ...] = ()


def run_jobs(
    jobs: Sequence[Job],
    engines: Mapping[str, Engine],
    look: Look,
    *,
    quality: int | None = None,
    overwrite: bool = False,
    exr_color: ExrColor = "linear",
    strict: bool = False,
    progress: Progress = ignore,
    report: Callable[[Outcome], None] = lambda _: None,
) -> list[Outcome]:
    """Do all jobs; one that fails does not stop the others. `report` hears of each as soon as it ends.

    A single job whose output exists is an error; of many, those whose output exists are kept: a run that was
    interrupted goes on where it stopped. With `strict`, a picture of which something cannot be kept is not written.
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
            picture = picture or _read(job.source, exr_color)
            outcome = _run_job(
                job, picture, engines[job.style], look, quality=quality, overwrite=overwrite, strict=strict
            )
        outcomes.append(outcome)
        report(outcome)
    progress(Step(len(jobs), len(jobs), "pictures"))
    return outcomes


def stylize_picture(picture: Picture, engine: Engine, look: Look) -> Picture:
    """A picture in a style, with all else of it: alpha, profile, metadata."""
    pixels = paint(engine, picture.pixels, look)
    if pixels is picture.pixels or np.array_equal(pixels, picture.pixels):
        return picture
    return picture.with_pixels(pixels, weight=look.weight(*pixels.shape[:2]))


def read_mask(path: Path) -> NDArray[np.float32]:
    """A mask for `Look` from a picture: its brightness, dark where it is transparent; (H, W) in 0..1.

    Raises:
        MediaError: it cannot be read.
    """
    picture = read_picture(path)
    brightness: NDArray[np.float32] = to_unit(picture.pixels) @ LUMA
    return brightness if picture.alpha is None else brightness * to_unit(picture.alpha)


def _run_job(
    job: Job,
    picture: Picture | MediaError,
    engine: Engine,
    look: Look,
    *,
    quality: int | None,
    overwrite: bool,
    strict: bool,
) -> Outcome:
    started = time.monotonic()
    if isinstance(picture, MediaError):
        return Outcome(job, error=picture)
    height, width = picture.pixels.shape[:2]
    lost: list[str] = []
    try:
        job.output.parent.mkdir(parents=True, exist_ok=True)
        stylized = stylize_picture(picture, engine, look)
        notice = refuse_losses(job.source) if strict else lost.append
        write_picture(stylized, job.output, quality=quality, overwrite=overwrite, notice=notice)
    except StyleError as err:
        return Outcome(job, width, height, error=err)
    except OSError as err:
        fault = MediaError(f"{job.output.parent}: {err.strerror}", hint="Choose another folder with -o.")
        return Outcome(job, width, height, error=fault)
    return Outcome(job, width, height, time.monotonic() - started, lost=tuple(lost))


def refuse_losses(source: Path) -> Notice:
    """A `notice` for `write_picture` that raises MediaError on the first thing of `source` that cannot be kept."""

    def notice(lost: str) -> None:
        raise MediaError(f"{source}: cannot be kept: {lost}", hint="Choose another format, or leave out `strict=True`.")

    return notice


def _read(path: Path, exr_color: ExrColor) -> Picture | MediaError:
    try:
        return read_picture(path, exr_color=exr_color)
    except MediaError as err:
        return err
