"""Long work in two lanes, each one job after the other, with progress, and cancelled when asked."""

from __future__ import annotations

import queue
import secrets
import shutil
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from stylecli.core.errors import MediaError, StyleError
from stylecli.core.progress import Progress, Step
from stylecli.web.options import Limits
from stylecli.web.pictures.uploads import FullError, Upload

State = Literal["waiting", "running", "done", "failed", "cancelled"]
Lane = Literal["files", "lessons"]  # a lesson takes minutes: files need not wait for it

KEPT = 12  # finished jobs whose results stay


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
    """Work that takes long.

    work: does it. It calls the progress that it gets at least every second: that raises CancelledError at the end.
    style: the name of the style that is used or learned. folder: for all files of the job.
    result: the file to download, called `name`. preview: a picture of the work so far; `drawn` counts its versions.
    """

    id: str
    work: Callable[[Job, Progress], None]
    items: list[Item]
    style: str
    folder: Path
    state: State = "waiting"
    done: float = 0.0
    total: float | None = None
    unit: str = ""
    message: str = ""
    started: float = 0.0
    result: Path | None = None
    name: str = ""
    preview: Path | None = None
    drawn: int = 0
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
            "style": self.style,
            "name": self.name,
            "drawn": self.drawn,
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
    """The jobs of one server, done by a thread for each lane."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self._folder, self._limits = folder, limits
        self._jobs: dict[str, Job] = {}
        self._lanes: dict[Lane, queue.Queue[Job | None]] = {lane: queue.Queue() for lane in get_args(Lane)}
        self._threads = [
            threading.Thread(target=self._work, args=(waiting,), name=f"stylecli web {lane}", daemon=True)
            for lane, waiting in self._lanes.items()
        ]
        for thread in self._threads:
            thread.start()

    def __getitem__(self, job_id: str) -> Job:
        """The job of an id.

        Raises:
            MediaError: there is none.
        """
        if job_id not in self._jobs:
            raise MediaError("this work is not here any more", hint="Start it again.")
        return self._jobs[job_id]

    def start(
        self,
        work: Callable[[Job, Progress], None],
        uploads: Sequence[Upload],
        style: str,
        *,
        lane: Lane = "files",
    ) -> Job:
        """Put a job into the queue of a lane.

        Raises:
            FullError: the queue is full, or the job has too many files.
        """
        if len(uploads) > self._limits.batch or not uploads:
            raise FullError(f"{len(uploads)} files", hint=f"1 to {self._limits.batch} are taken at a time.")
        if len(self.open()) >= self._limits.waiting:
            raise FullError("the queue is full", hint="Wait for some of the work, or cancel it.")
        for old in [job for job in self._jobs.values() if job.is_over][:-KEPT]:
            self._forget(old)
        job_id = secrets.token_urlsafe(12)
        job = Job(job_id, work, [Item(upload) for upload in uploads], style, self._folder / f"job-{job_id}")
        self._jobs[job_id] = job
        self._lanes[lane].put(job)
        return job

    def open(self) -> list[Job]:
        """The jobs that are not over."""
        return [job for job in list(self._jobs.values()) if not job.is_over]

    def cancel(self, job_id: str) -> None:
        """End a job, or take it out of the queue."""
        job = self[job_id]
        job.cancelled.set()
        if job.state == "waiting":
            job.state = "cancelled"

    def close(self, patience: float = 5.0) -> None:
        """Cancel everything and wait a moment for it."""
        for job in self._jobs.values():
            job.cancelled.set()
        for waiting in self._lanes.values():
            waiting.put(None)
        for thread in self._threads:
            thread.join(patience)

    def _forget(self, job: Job) -> None:
        self._jobs.pop(job.id, None)
        shutil.rmtree(job.folder, ignore_errors=True)

    def _work(self, waiting: queue.Queue[Job | None]) -> None:
        while (job := waiting.get()) is not None:
            if not job.cancelled.is_set():
                self._run(job)

    def _run(self, job: Job) -> None:
        job.state, job.started = "running", time.monotonic()
        try:
            job.folder.mkdir()
            job.work(job, lambda step: self._advance(job, step))
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

    def _advance(self, job: Job, step: Step) -> None:
        job.done, job.total, job.unit = step.done, step.total, step.unit
        if job.cancelled.is_set():
            raise CancelledError
        if time.monotonic() - job.started > self._limits.job_seconds:
            raise CancelledError("It took too long.")
