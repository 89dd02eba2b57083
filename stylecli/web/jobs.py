"""Long work: a video, or many files as a zip. One after the other, with progress, and cancelled when asked."""

from __future__ import annotations

import queue
import secrets
import shutil
import sys
import threading
import time
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from stylecli.core.errors import MediaError, StyleError
from stylecli.core.progress import Step
from stylecli.inference.engine import Engine
from stylecli.media.video.clip import Span
from stylecli.media.video.plan import VideoOptions
from stylecli.media.video.writing.containers import CONTAINERS
from stylecli.stylize.frame_painter import FramePainter
from stylecli.stylize.jobs import PictureJob, plan_jobs
from stylecli.stylize.look import Look
from stylecli.stylize.options import PictureOptions
from stylecli.stylize.pictures import run_jobs
from stylecli.stylize.videos import stylize_video
from stylecli.web.looks import Wish
from stylecli.web.options import Limits
from stylecli.web.previews import Previews
from stylecli.web.uploads import FullError, Upload

State = Literal["waiting", "running", "done", "failed", "cancelled"]

KEPT = 12  # finished jobs whose results stay
PLAYED = (".mp4", ".webm", ".mov")  # results that a browser plays
VIDEO_SUFFIX = ".mp4"  # of the result of any other video


class CancelledError(Exception):
    """A job was cancelled, or took too long."""


@dataclass
class Item:
    """One file of a job. `note` is why it failed, or what could not be kept."""

    upload: Upload
    state: State = "waiting"
    note: str = ""


@dataclass
class Job:
    """One video, or many files. `style` is the name for files; `result` is the file to download, called `name`."""

    id: str
    items: list[Item]
    wish: Wish
    style: str
    span: Span | None
    folder: Path
    state: State = "waiting"
    done: float = 0.0
    total: float | None = None
    unit: str = ""
    message: str = ""
    started: float = 0.0
    result: Path | None = None
    name: str = ""
    cancelled: threading.Event = field(default_factory=threading.Event)

    def facts(self) -> dict[str, Any]:
        """What the page may know."""
        return {
            "id": self.id,
            "state": self.state,
            "done": self.done,
            "total": self.total,
            "unit": self.unit,
            "message": self.message,
            "seconds": round(time.monotonic() - self.started, 1) if self.state == "running" else 0,
            "name": self.name,
            "items": [
                {"upload": item.upload.id, "name": item.upload.name, "state": item.state, "note": item.note}
                for item in self.items
            ],
        }

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in ("done", "failed", "cancelled")


class Jobs:
    """The jobs of one server, done by one thread."""

    def __init__(self, folder: Path, previews: Previews, limits: Limits) -> None:
        self._folder, self._previews, self._limits = folder, previews, limits
        self._jobs: dict[str, Job] = {}
        self._waiting: queue.Queue[Job | None] = queue.Queue()
        self._thread = threading.Thread(target=self._work, name="stylecli web jobs", daemon=True)
        self._thread.start()

    def __getitem__(self, job_id: str) -> Job:
        """The job of an id.

        Raises:
            MediaError: there is none.
        """
        if job_id not in self._jobs:
            raise MediaError("this work is not here any more", hint="Start it again.")
        return self._jobs[job_id]

    def start(self, uploads: Sequence[Upload], wish: Wish, span: Span | None) -> Job:
        """Put a job into the queue.

        Raises:
            FullError: the queue is full, or the job has too many files.
            PackError: there is no such style.
        """
        style = self._previews.pack(wish.style, wish.variant).name
        if len(uploads) > self._limits.batch or not uploads:
            raise FullError(f"{len(uploads)} files", hint=f"1 to {self._limits.batch} are taken at a time.")
        if sum(not job.is_over for job in self._jobs.values()) >= self._limits.waiting:
            raise FullError("the queue is full", hint="Wait for some of the work, or cancel it.")
        for old in [job for job in self._jobs.values() if job.is_over][:-KEPT]:
            self._forget(old)
        job_id = secrets.token_urlsafe(12)
        job = Job(job_id, [Item(upload) for upload in uploads], wish, style, span, self._folder / f"job-{job_id}")
        self._jobs[job_id] = job
        self._waiting.put(job)
        return job

    def cancel(self, job_id: str) -> None:
        """End a job, or take it out of the queue."""
        job = self[job_id]
        job.cancelled.set()
        if job.state == "waiting":
            job.state = "cancelled"

    def close(self, patience: float = 3.0) -> None:
        """Cancel everything and wait a moment for it."""
        for job in self._jobs.values():
            job.cancelled.set()
        self._waiting.put(None)
        self._thread.join(patience)

    def _forget(self, job: Job) -> None:
        self._jobs.pop(job.id, None)
        shutil.rmtree(job.folder, ignore_errors=True)

    def _work(self) -> None:
        while (job := self._waiting.get()) is not None:
            if not job.cancelled.is_set():
                self._run(job)

    def _run(self, job: Job) -> None:
        job.state, job.started = "running", time.monotonic()
        try:
            job.folder.mkdir()
            self._run_items(job)
            job.state = "done"
        except CancelledError as error:
            job.state, job.message = "cancelled", str(error)
        except StyleError as error:
            job.state, job.message = "failed", str(error)
        except OSError as error:
            job.state, job.message = "failed", f"The disk: {error.strerror}"
        except Exception as error:  # a defect: the page hears that the job is over, the terminal the rest
            job.state, job.message = "failed", f"{type(error).__name__}: see the messages in the terminal"
            sys.excepthook(type(error), error, error.__traceback__)
        finally:
            if job.state != "done":
                shutil.rmtree(job.folder, ignore_errors=True)

    def _run_items(self, job: Job) -> None:
        outputs: list[tuple[Item, Path]] = []
        for number, item in enumerate(job.items):
            item.state = "running"
            try:
                outputs.append((item, self._run_item(job, item, number)))
                item.state = "done"
            except StyleError as error:
                item.state, item.note = "failed", str(error).replace(str(item.upload.path), item.upload.name)
        if not outputs:
            raise MediaError(job.items[0].note.rstrip(".") if len(job.items) == 1 else "no file could be stylized")
        if len(job.items) == 1:
            item, path = outputs[0]
            job.result, job.name = path, result_name(item.upload, job.style, path)
        else:
            job.result, job.name = _zipped(job, outputs), f"{job.style}.zip"

    def _run_item(self, job: Job, item: Item, number: int) -> Path:
        if item.upload.kind == "video":
            return self._run_video(job, item, number)
        self._advance(job, Step(number, len(job.items), "files"))
        output, lost = make_picture(item.upload, job.wish, self._previews, job.folder)
        item.note = ", ".join(lost)
        self._advance(job, Step(number + 1, len(job.items), "files"))
        return output

    def _run_video(self, job: Job, item: Item, number: int) -> Path:
        source = item.upload.path
        suffix = source.suffix if source.suffix in PLAYED and source.suffix in CONTAINERS else VIDEO_SUFFIX
        output = job.folder / f"{item.upload.id}{suffix}"
        notes: list[str] = []

        def progress(step: Step) -> None:
            if len(job.items) == 1:
                self._advance(job, step)
            else:
                share = step.done / step.total if step.total else 0
                self._advance(job, Step(number + share, len(job.items), "files"))

        pack = self._previews.pack(job.wish.style, job.wish.variant)
        with Engine(pack, device=self._previews.device, side_by_side=True) as engine:
            painter = FramePainter(engine, self._previews.look(job.wish))
            stylize_video(
                source,
                output,
                paint=painter,
                options=VideoOptions(span=job.span),
                progress=progress,
                notice=notes.append,
            )
        item.note = " ".join(notes)
        return output

    def _advance(self, job: Job, step: Step) -> None:
        job.done, job.total, job.unit = step.done, step.total, step.unit
        if job.cancelled.is_set():
            raise CancelledError
        if time.monotonic() - job.started > self._limits.job_seconds:
            raise CancelledError("It took too long.")


def make_picture(upload: Upload, wish: Wish, previews: Previews, folder: Path) -> tuple[Path, tuple[str, ...]]:
    """Stylize a picture at full size into `folder`, as `stylecli image` does: its file, and what could not be kept.

    Raises:
        MediaError, PackError, DeviceError: the file, the style or the device does not work.
    """
    with previews.lock:
        look: Look = previews.look(wish)
        engine = previews.engine(wish.style, wish.variant)
        (planned,) = plan_jobs([upload.path], [engine.name], None)
        job = PictureJob(upload.path, engine.name, folder / f"{secrets.token_hex(8)}{planned.output.suffix}")
        (outcome,) = run_jobs([job], {engine.name: engine}, look, options=PictureOptions())
    if outcome.error:
        message = outcome.error.message.replace(str(upload.path), upload.name)
        raise type(outcome.error)(message, hint=outcome.error.hint)
    return outcome.job.output, outcome.lost


def result_name(upload: Upload, style: str, output: Path) -> str:
    """The name of a result, as the command line gives it: `{stem}-{style}{suffix}`."""
    return f"{upload.stem}-{style}{output.suffix}"


def _zipped(job: Job, outputs: Sequence[tuple[Item, Path]]) -> Path:
    """All results in one zip, stored as they are: pictures and videos do not get smaller."""
    archive = job.folder / "all.zip"
    used: set[str] = set()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as file:
        for item, path in outputs:
            name = result_name(item.upload, job.style, path)
            number = 2
            while name in used:
                name = f"{item.upload.stem}-{job.style}-{number}{path.suffix}"
                number += 1
            used.add(name)
            file.write(path, name)
            with suppress(OSError):
                path.unlink()
    return archive
