"""Stylize picture files: one, or many side by side. A broken one does not stop the others."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylecli.core.errors import MediaError, StyleError, hits_every_item
from stylecli.core.progress import Notice, Progress, Step, ignore
from stylecli.core.threads import side_by_side
from stylecli.inference.engine import Device, Engine, Tiling
from stylecli.media.images.files import Picture, read_picture, write_picture
from stylecli.media.pixels import LUMA, to_unit
from stylecli.packs.pack import StylePack
from stylecli.stylize.frame_painter import FramePainter
from stylecli.stylize.jobs import PictureJob
from stylecli.stylize.look import Look
from stylecli.stylize.options import PictureOptions
from stylecli.stylize.painting import paint, weight_of
from stylecli.stylize.scenes import Begun, work_on_scene

AT_ONCE_BESIDE_A_GPU = 4  # pictures in work: while the GPU paints one, others are decoded and encoded


@dataclass(frozen=True)
class Outcome:
    """What became of a job: done (`error` None), kept (`output` was there already), or failed.

    lost: what the source holds and the result does not.
    """

    job: PictureJob
    width: int = 0
    height: int = 0
    seconds: float = 0.0
    kept: bool = False
    error: StyleError | None = None
    lost: tuple[str, ...] = ()


@contextmanager
def open_engines(
    packs: Sequence[StylePack], *, device: Device = "auto", tile: Tiling = "auto", pictures: int = 1
) -> Iterator[dict[str, Engine]]:
    """Open the engine of every style, by name, and close them all. For many `pictures` they share the cores.

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

    Each picture is decoded, painted and encoded by one thread, so decoding and encoding of some run beside the network
    of others. Memory holds as many pictures as there are threads. Neighbouring jobs of one source read it once.

    engines: by the style's name, as `open_engines` gives them.
    options: None: `PictureOptions()`.
    report: called in the caller's thread with each outcome, in the order of the jobs.

    A single job whose output exists is an error. Of many, those whose output exists are kept: a run that was
    interrupted goes on where it stopped. Frames of a sequence or of a split video are painted as `stylize.scenes` says.

    Raises:
        StyleError: a fault that every further job would have, too, such as a full disk.
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
        done = side_by_side(work, at_once)
    with closing(work), closing(done):
        for group in done:
            for outcome in group:
                if outcome.error and len(jobs) > 1 and hits_every_item(outcome.error):
                    raise outcome.error
                outcomes.append(outcome)
                report(outcome)
                progress(Step(len(outcomes), len(jobs), "pictures", outcome.job.source.name))
    return outcomes


def stylize_picture(
    picture: Picture, engine: Engine, look: Look, *, begun: Callable[[], NDArray[Any]] | None = None
) -> Picture:
    """Stylize a picture, and keep all else of it: alpha, profile, metadata.

    begun: what paints it as a frame of a scene (`FramePainter.begin`); None: it is a picture of its own.
    """
    pixels = begun() if begun else paint(engine, picture.pixels, look)
    if pixels is picture.pixels or np.array_equal(pixels, picture.pixels):
        return picture
    return picture.with_pixels(pixels, weight=weight_of(look, *pixels.shape[:2]))


def read_mask(path: Path) -> NDArray[np.float32]:
    """Read a mask for `Look`: the brightness of a picture, dark where it is transparent; (H, W) in 0..1.

    Raises:
        MediaError: it cannot be read.
    """
    picture = read_picture(path)
    brightness: NDArray[np.float32] = to_unit(picture.pixels) @ LUMA
    return brightness if picture.alpha is None else brightness * to_unit(picture.alpha)


def _work(
    jobs: Sequence[PictureJob], engines: Mapping[str, Engine], look: Look, options: PictureOptions
) -> Generator[Callable[[], list[Outcome]], None, None]:
    """One callable for each source, with all its styles."""
    keeps = len(jobs) > 1 and not options.overwrite

    def run(group: Sequence[PictureJob], picture: Picture | MediaError | None, begun: Begun) -> _Work:
        return partial(_run_source, group, engines, look, options, keeps=keeps, picture=picture, begun=begun)

    for scene, of_scene in groupby(jobs, key=lambda job: job.scene):
        if scene:
            painters = {name: FramePainter(engine, look) for name, engine in engines.items()}
            yield from work_on_scene(
                list(of_scene),
                painters,
                read=lambda job: _read(job.source, options),
                pixels_of=lambda picture: None if isinstance(picture, MediaError) else picture.pixels,
                is_done=lambda job: keeps and job.output.exists(),
                do=run,
            )
        else:
            yield from (run(list(group), None, {}) for _, group in groupby(of_scene, key=lambda job: job.source))


_Work = Callable[[], list[Outcome]]


def _run_source(
    jobs: Sequence[PictureJob],
    engines: Mapping[str, Engine],
    look: Look,
    options: PictureOptions,
    *,
    keeps: bool,
    picture: Picture | MediaError | None,
    begun: Begun,
) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for job in jobs:
        if keeps and job.output.exists():
            outcomes.append(Outcome(job, kept=True))
            continue
        started = time.monotonic()
        picture = picture or _read(job.source, options)
        begin = begun.get(job.style)
        outcomes.append(_run_job(job, picture, engines[job.style], look, options, started=started, begun=begin))
    return outcomes


def _run_job(
    job: PictureJob,
    picture: Picture | MediaError,
    engine: Engine,
    look: Look,
    options: PictureOptions,
    *,
    started: float,
    begun: Callable[[], NDArray[Any]] | None,
) -> Outcome:
    if isinstance(picture, MediaError):
        return Outcome(job, error=picture)
    height, width = picture.pixels.shape[:2]
    lost: list[str] = []
    try:
        job.output.parent.mkdir(parents=True, exist_ok=True)
        stylized = stylize_picture(picture, engine, look, begun=begun)
        notice = refuse_losses(job.source) if options.strict else lost.append
        write_picture(stylized, job.output, quality=options.quality, overwrite=options.overwrite, notice=notice)
    except StyleError as error:
        return Outcome(job, width, height, error=error)
    except OSError as error:
        fault = MediaError(f"{job.output.parent}: {error.strerror}", hint="Choose another folder.")
        return Outcome(job, width, height, error=fault)
    return Outcome(job, width, height, time.monotonic() - started, lost=tuple(lost))


def refuse_losses(source: Path) -> Notice:
    """A `notice` for `write_picture` that raises MediaError on the first thing of `source` that cannot be kept."""

    def notice(lost: str) -> None:
        raise MediaError(f"{source}: cannot be kept: {lost}", hint="Choose another format, or leave out `strict=True`.")

    return notice


def _read(path: Path, options: PictureOptions) -> Picture | MediaError:
    try:
        return read_picture(path, exr_color=options.exr_color)
    except MediaError as error:
        return error
