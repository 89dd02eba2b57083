"""Several videos in one run: which source becomes which output, and one that fails does not stop the others."""

from __future__ import annotations

import glob
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from stylecli.core.errors import MediaError, StyleError, UsageError, hits_every_item
from stylecli.core.files import blamed_on
from stylecli.core.progress import Progress, Step, ignore
from stylecli.inference.engine import Engine
from stylecli.media.video.plan import VideoOptions, VideoResult
from stylecli.media.video.writing.containers import CONTAINERS
from stylecli.packs.card import ModelFile
from stylecli.stylize.frame_painter import FramePainter
from stylecli.stylize.jobs import refuse_collisions
from stylecli.stylize.look import Look
from stylecli.stylize.painting import fingerprint
from stylecli.stylize.videos import stylize_video

OTHERWISE = ".mp4"  # the container of a result whose source's container is not written
# Looked for in folders. Most .webp are no animations.
VIDEOS = frozenset(CONTAINERS) - {".webp"} | {
    *(".3g2", ".3gp", ".avi", ".divx", ".dv", ".f4v", ".flv", ".m2v", ".mpeg", ".mpg", ".mts", ".mxf", ".ogv", ".vob"),
    *(".wmv", ".asf"),
}


@dataclass(frozen=True)
class VideoJob:
    """One video to be made of `source`, written to `output`."""

    source: Path
    output: Path


@dataclass(frozen=True)
class VideoOutcome:
    """What became of a job: done (with its `result`), kept (`output` was there already), or failed."""

    job: VideoJob
    result: VideoResult | None = None
    error: StyleError | None = None
    seconds: float = 0.0

    @property
    def status(self) -> str:
        """`done`, `kept` or `failed`."""
        return "failed" if self.error else "done" if self.result else "kept"


Stylize = Callable[[VideoJob, Progress], VideoResult]


@dataclass(frozen=True)
class VideoStylizer:
    """Stylizes one video after the other on one engine.

    model: of the engine; None where stopped work cannot be finished by a later run.
    restart, keep_frames, overwrite: as of `stylize_video`.
    notice: called with the source and each message about it.
    """

    engine: Engine
    model: ModelFile | None
    look: Look
    options: VideoOptions
    restart: bool = False
    keep_frames: Path | None = None
    overwrite: bool = False
    notice: Callable[[Path, str], None] = lambda _, __: None

    def __call__(self, job: VideoJob, progress: Progress) -> VideoResult:
        """Write one video. Raises as `stylize_video`."""
        return stylize_video(
            job.source,
            job.output,
            paint=FramePainter(self.engine, self.look),
            options=self.options,
            fingerprint=fingerprint(self.engine, self.model, self.look) if self.model else None,
            restart=self.restart,
            keep_frames=self.keep_frames,
            overwrite=self.overwrite,
            progress=progress,
            notice=lambda message: self.notice(job.source, message),
        )


def plan_videos(sources: Sequence[Path], style: str, output: Path | None, *, recursive: bool = False) -> list[VideoJob]:
    """Plan one job for each video.

    sources: videos, folders, and names with wildcards, which are resolved here where no shell has done it.
    output: a file for a single video, or a folder; None: beside the source.
    recursive: search subfolders too, and keep them in the output.

    Results are named `{stem}-{style}{suffix}`, or `.mp4` where the source's container is not written. A file of a
    folder that is the result of another one is no source.

    Raises:
        MediaError: a folder holds no video, or nothing has such a name.
        UsageError: two results have the same name, or a result replaces a source.
    """
    if output and len(sources) == 1 and not sources[0].is_dir() and not _has_wildcards(sources[0]):
        if output.suffix and not output.is_dir():
            return [VideoJob(sources[0], output)]
    elif output and output.suffix.lower() in CONTAINERS and not output.is_dir():
        raise UsageError(f"{output}: is the name of one video", hint="Give a folder as `output`.")
    jobs, found = [], set()
    for source in sources:
        for path, base in _videos_of(source, recursive=recursive):
            folder = output / path.parent.relative_to(base) if output else path.parent
            jobs.append(VideoJob(path, folder / name_of_result(path, style)))
            if path != source:
                found.add(path)
    made = {job.output for job in jobs}
    jobs = [job for job in jobs if job.source not in found & made]
    refuse_collisions(jobs)
    return jobs


def name_of_result(source: Path, style: str) -> str:
    """The file name of a stylized video: `{stem}-{style}{suffix}`, in a container that is written."""
    suffix = source.suffix if source.suffix.lower() in CONTAINERS else OTHERWISE
    return f"{source.stem}-{style}{suffix}"


def run_videos(
    jobs: Sequence[VideoJob],
    stylize: Stylize,
    *,
    overwrite: bool = False,
    progress: Progress = ignore,
    report: Callable[[VideoOutcome], None] = lambda _: None,
) -> list[VideoOutcome]:
    """Do all jobs one after the other; one that fails does not stop the others. Returns the outcomes in order.

    stylize: writes one video.
    report: called with each outcome.

    Of many, those whose output exists are kept unless `overwrite`. Missing folders are made.

    Raises:
        StyleError: a fault that every further job would have, too, such as a full disk.
    """
    outcomes = []
    for number, job in enumerate(jobs, start=1):
        label = f"{job.source.name} ({number} of {len(jobs)})" if len(jobs) > 1 else ""
        outcome = _run(job, stylize, _labelled(progress, label), keeps=len(jobs) > 1 and not overwrite)
        if outcome.error and hits_every_item(outcome.error) and number < len(jobs):
            raise outcome.error
        outcomes.append(outcome)
        report(outcome)
    return outcomes


def _run(job: VideoJob, stylize: Stylize, progress: Progress, *, keeps: bool) -> VideoOutcome:
    started = time.monotonic()
    try:
        with blamed_on(job.output, hint="Choose another name."):  # which may be too long
            if keeps and job.output.exists():
                return VideoOutcome(job)
        with blamed_on(job.output.parent, hint="Choose another folder."):
            job.output.parent.mkdir(parents=True, exist_ok=True)
        return VideoOutcome(job, stylize(job, progress), seconds=time.monotonic() - started)
    except StyleError as error:
        return VideoOutcome(job, error=error)


def _labelled(progress: Progress, label: str) -> Progress:
    def show(step: Step) -> None:
        progress(replace(step, label=label or step.label))

    return show


def _videos_of(source: Path, *, recursive: bool) -> Iterator[tuple[Path, Path]]:
    """(video, the folder that its subfolders are counted from)."""
    if source.is_dir():
        files = source.rglob("*") if recursive else source.iterdir()
        videos = sorted(path for path in files if _is_video(path))
        if not videos:
            hint = "Give a folder with videos." if recursive else "Look into its subfolders with `recursive=True`."
            raise MediaError(f"{source}: no video in it", hint=hint)
        yield from ((path, source) for path in videos)
    elif _has_wildcards(source):
        matches = sorted(Path(source.anchor).glob(str(source.relative_to(source.anchor))))
        videos = [path for path in matches if path.is_file() and not path.name.startswith(".")]
        if not videos:
            raise MediaError(f"{source}: no such video", hint="Check the folder and the name.")
        yield from ((path, path.parent) for path in videos)
    else:
        yield source, source.parent


def _is_video(path: Path) -> bool:
    return path.suffix.lower() in VIDEOS and not path.name.startswith(".") and path.is_file()


def _has_wildcards(source: Path) -> bool:
    """Whether it is a pattern of names; a file that has such a name is none."""
    return glob.has_magic(str(source)) and not source.exists()
