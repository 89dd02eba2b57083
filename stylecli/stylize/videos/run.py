"""Stylize several videos one after the other. One that fails does not stop the others."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from stylecli.core.errors import StyleError, hits_every_item
from stylecli.core.files import blamed_on
from stylecli.core.progress import Progress, Step, ignore
from stylecli.inference.engine import Engine
from stylecli.media.video.plan import VideoOptions, VideoResult
from stylecli.packs.card import ModelFile
from stylecli.stylize.frame_painter import FramePainter
from stylecli.stylize.look import Look
from stylecli.stylize.painting import fingerprint
from stylecli.stylize.videos.jobs import VideoJob
from stylecli.stylize.videos.video import stylize_video


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
