"""Stylize many picture files in parallel. A broken one does not stop the others."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from stylecli.core.errors import MediaError, StyleError, hits_every_item
from stylecli.core.files import blamed_on
from stylecli.core.progress import Notice, Progress, Step, ignore
from stylecli.core.threads import side_by_side
from stylecli.inference.engine import Device, Engine, Tiling
from stylecli.media.images.codec import check_encoding, writable_format
from stylecli.media.images.files import Pages, check_target, read_pages, write_pages
from stylecli.packs.pack import StylePack
from stylecli.stylize.frame_painter import FramePainter
from stylecli.stylize.look import Look
from stylecli.stylize.options import PictureOptions
from stylecli.stylize.pictures.jobs import PictureJob
from stylecli.stylize.pictures.pages import page_of, prepared, stylize_pages
from stylecli.stylize.pictures.scenes import PaintTasks, work_on_scene
from stylecli.stylize.pictures.sidecars import keep_times_and_sidecar

AT_ONCE_BESIDE_A_GPU = 4  # pictures in work: while the GPU paints one, others are decoded and encoded


@dataclass(frozen=True)
class Outcome:
    """The result of a job: done (`error` is None), kept (`output` existed already), or failed.

    lost: what the source holds but the result cannot. pictures: number of frames or pages in the result.
    """

    job: PictureJob
    width: int = 0
    height: int = 0
    seconds: float = 0.0
    kept: bool = False
    error: StyleError | None = None
    lost: tuple[str, ...] = ()
    pictures: int = 0


@contextmanager
def open_engines(
    packs: Sequence[StylePack], *, device: Device = "auto", tile: Tiling = "auto", pictures: int = 1
) -> Iterator[dict[str, Engine]]:
    """Open the engine of every style, by name, and close them at the end. For many `pictures` they share the cores.

    Raises:
        PackError, DeviceError: as `Engine`.
    """
    with ExitStack() as stack:
        yield {
            pack.name: stack.enter_context(Engine(pack, device=device, tile=tile, side_by_side=pictures > len(packs)))
            for pack in packs
        }


def run_jobs(
    jobs: Sequence[PictureJob],
    engines: Mapping[str, Engine],
    look: Look,
    *,
    options: PictureOptions | None = None,
    progress: Progress = ignore,
    report: Callable[[Outcome], None] = lambda _: None,
) -> list[Outcome]:
    """Do all jobs, several at a time; one that fails does not stop the others. Returns the outcomes in order.

    One thread decodes, paints and encodes a picture, so decoding and encoding overlap with the network. Memory holds
    as many pictures as there are threads. Consecutive jobs with the same source read it once.

    engines: by the style's name, from `open_engines`.
    options: None: `PictureOptions()`.
    report: called in the caller's thread with each outcome, in the order of the jobs.

    The existing output of a single job is an error. Of several jobs, existing outputs are kept, so an interrupted run
    resumes. Frames of a sequence or of a split video share statistics (`scenes`).

    Raises:
        StyleError: an error that every further job would have too, such as a full disk.
    """
    options = options or PictureOptions()
    outcomes: list[Outcome] = []
    at_once = max(
        (engine.at_once if engine.device == "cpu" else AT_ONCE_BESIDE_A_GPU for engine in engines.values()), default=1
    )
    if jobs:
        progress(Step(0, len(jobs), "pictures", jobs[0].source.name))
    work = _work(jobs, engines, look, options)
    if len({job.source for job in jobs}) == 1:  # in this thread, so that an interrupt does not wait for another one
        done: Generator[list[Outcome], None, None] = (do() for do in work)
    else:
        done = side_by_side(work, at_once, waits=False)
    with closing(work), closing(done):
        for group in done:
            for outcome in group:
                if outcome.error and len(jobs) > 1 and hits_every_item(outcome.error):
                    raise outcome.error
                outcomes.append(outcome)
                report(outcome)
                progress(Step(len(outcomes), len(jobs), "pictures", outcome.job.source.name))
    return outcomes


def _work(
    jobs: Sequence[PictureJob], engines: Mapping[str, Engine], look: Look, options: PictureOptions
) -> Generator[Callable[[], list[Outcome]], None, None]:
    """Yield one callable for each source, which paints it in all its styles."""
    keeps = len(jobs) > 1 and not options.overwrite

    def run(group: Sequence[PictureJob], source: _Source | None, tasks: PaintTasks) -> _Work:
        return partial(_run_source, group, engines, look, options, keeps=keeps, source=source, tasks_of_style=tasks)

    for scene, of_scene in groupby(jobs, key=lambda job: job.scene):
        if scene:
            yield from work_on_scene(
                list(of_scene),
                {name: FramePainter(engine, look) for name, engine in engines.items()},
                read=partial(_read_frame, options=options),
                pixels_of=_pixels_of,
                is_done=lambda job: keeps and os.path.exists(job.output),  # noqa: PTH110
                do=run,
            )
        else:
            yield from (run(list(group), None, {}) for _, group in groupby(of_scene, key=lambda job: job.source))


_Work = Callable[[], list[Outcome]]
_Source = Pages | Exception  # what was read from a file, or the error


def _pixels_of(source: _Source) -> list[NDArray[Any]]:
    """Return the pixels of a frame that its scene's statistics include: the picture, or all stereo views."""
    if not isinstance(source, Pages):
        return []
    return [one.pixels for one in (source.pictures if source.kind == "views" else source.pictures[:1])]


def _read_frame(job: PictureJob, options: PictureOptions) -> _Source:
    """Read a frame of a scene; returns the error if that fails."""
    try:
        pages = read_pages(job.source, reading=options.reading, page=page_of(options))
        return prepared(pages, job.output.suffix, str(job.output), options)
    except (StyleError, OSError, MemoryError) as error:
        return error


def _run_source(
    jobs: Sequence[PictureJob],
    engines: Mapping[str, Engine],
    look: Look,
    options: PictureOptions,
    *,
    keeps: bool,
    source: _Source | None,
    tasks_of_style: PaintTasks,
) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for job in jobs:
        started = time.monotonic()
        try:
            if job.fault:
                raise job.fault
            if keeps and job.output.exists():
                outcomes.append(Outcome(job, kept=True))
                continue
            _check_before(job, options)
            source = source or read_pages(job.source, reading=options.reading, page=page_of(options))
            if isinstance(source, Exception):
                raise source
            paint_tasks = tasks_of_style.get(job.style, ())
            engine = engines[job.style]
            outcomes.append(
                _run_job(job, source, engine, look, options, keeps=keeps, started=started, paint_tasks=paint_tasks)
            )
        except StyleError as error:
            outcomes.append(Outcome(job, error=error))
        except OSError as error:
            fault = MediaError(f"{job.output}: it cannot be written ({error.strerror})", hint="Choose another folder.")
            outcomes.append(Outcome(job, error=fault))
        except MemoryError:
            fault = MediaError(f"{job.source}: there is too little memory for it", hint="Close other programs.")
            outcomes.append(Outcome(job, error=fault))
    return outcomes


def _run_job(
    job: PictureJob,
    pages: Pages,
    engine: Engine,
    look: Look,
    options: PictureOptions,
    *,
    keeps: bool,
    started: float,
    paint_tasks: Sequence[Callable[[], NDArray[Any]]],
) -> Outcome:
    ready = prepared(pages, job.output.suffix, str(job.output), options)
    height, width = ready.pictures[0].pixels.shape[:2]
    lost: list[str] = []
    notice = refuse_losses(job.source) if options.strict else lost.append
    try:
        stylized = stylize_pages(ready, engine, look, paint_tasks=paint_tasks)
        if keeps and job.output.exists():  # another run was faster
            return Outcome(job, width, height, kept=True)
        write_pages(stylized, job.output, encoding=options.encoding, overwrite=options.overwrite, notice=notice)
        lost += keep_times_and_sidecar(job.source, job.output, times=options.keep_times, sidecars=options.sidecars)
    except StyleError as error:
        return Outcome(job, width, height, error=error)
    seconds, count = time.monotonic() - started, len(ready.pictures)
    return Outcome(job, width, height, seconds, lost=tuple(dict.fromkeys(lost)), pictures=count)


def _check_before(job: PictureJob, options: PictureOptions) -> None:
    """Check, before painting, that the result can be written.

    Raises:
        UsageError: the output exists, or an option makes no sense for its format.
        MediaError: the folder cannot be made or written.
    """
    check_encoding(options.encoding, writable_format(job.output.suffix, str(job.output)))
    check_target(job.output, overwrite=options.overwrite)
    folder = job.output.parent
    with blamed_on(folder, error=MediaError, hint="Choose another folder."):
        if options.makes_folders:
            folder.mkdir(parents=True, exist_ok=True)
        elif not folder.is_dir():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    if not os.access(folder, os.W_OK):
        raise MediaError(f"{folder}: there is no permission to write into it", hint="Choose another folder.")


def refuse_losses(source: Path) -> Notice:
    """Return a `notice` for `write_picture` that raises MediaError for the first thing that cannot be kept."""

    def notice(lost: str) -> None:
        raise MediaError(f"{source}: cannot be kept: {lost}", hint="Choose another format, or leave out `strict=True`.")

    return notice
