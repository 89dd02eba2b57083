"""A style is learned by `stylecli styles learn` in a process of its own: it can be ended, and may fail, at any time."""

from __future__ import annotations

import json
import os
import queue
import re
import subprocess
import sys
import unicodedata
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import IO, Any

from stylecli.core.errors import MediaError, UsageError
from stylecli.core.progress import Progress, Step
from stylecli.packs.card import STYLE_NAME
from stylecli.web.jobs.queue import Job
from stylecli.web.options import Limits
from stylecli.web.pictures.wishes import HINT, number

PROGRAM = (sys.executable, "-m", "stylecli")
TEXT_LENGTH = 100  # characters of a title or an artist
NAME_LENGTH = 60
SECONDS_MIN = 10.0
LOOK_SECONDS = 0.2  # between two looks at the process
LEAVE_SECONDS = 3.0  # that it has to end
PATIENCE_LEVEL = 5  # the niceness of the process: the page stays quick


@dataclass(frozen=True)
class PageLesson:
    """What is learned. name: of the new style, made from `title`; base: to start from; "": the usual one."""

    name: str
    title: str
    artist: str
    year: int
    seconds: float
    base: str


def lesson_of(value: Mapping[str, Any], taken: Container[str], limits: Limits) -> PageLesson:
    """Read the lesson in a call; `taken` are the names of all styles.

    Raises:
        UsageError: a value is missing, of the wrong type or out of range, or the name is taken.
    """
    title, artist, base = (_text(value, name) for name in ("title", "artist", "base"))
    name = name_of_title(title)
    if not name:
        raise UsageError("the title has no letter from a to z", hint="Give the style a title that can be its name.")
    if name in taken:
        raise UsageError(f"{title}: there is a style of this name", hint="Choose another title.")
    if base and base not in taken:
        raise UsageError("there is no such style to start from", hint=HINT)
    year, seconds = int(number(value, "year", 0)), number(value, "seconds")
    if not 0 <= year <= 9999:
        raise UsageError("the year is not understood", hint="Write it as 1889, or leave it out.")
    if not SECONDS_MIN <= seconds <= limits.lesson_seconds:
        raise UsageError(
            f"{seconds:g} s of training are not possible", hint=f"{SECONDS_MIN:g} to {limits.lesson_seconds:g} s are."
        )
    return PageLesson(name, title, artist, year, seconds, base)


def name_of_title(title: str) -> str:
    """A style's name from its title: `Café at Night` is `cafe-at-night`; "" if none can be made."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    name = "-".join(re.findall(r"[a-z0-9]+", plain))[:NAME_LENGTH].strip("-")
    return name if STYLE_NAME.fullmatch(name) else ""


def _text(value: Mapping[str, Any], name: str) -> str:
    text = value.get(name, "")
    if not isinstance(text, str):
        raise UsageError("the call is not understood", hint=HINT)
    return "".join(sign for sign in text if sign.isprintable()).strip()[:TEXT_LENGTH]


@dataclass(frozen=True)
class Learning:
    """The work of a job that learns a style from the painting that is its only file, and puts it on the shelf."""

    lesson: PageLesson
    styles_dir: Path | None

    def __call__(self, job: Job, progress: Progress) -> None:
        """Learn the style; `job.preview` shows it growing.

        Raises:
            MediaError: the process failed; its last words are the message.
        """
        (item,) = job.items
        preview = job.folder / f"{self.lesson.name}-preview.png"
        painting = item.upload.path.absolute()
        told = _Told()
        errors = job.folder / "errors.txt"
        with errors.open("wb") as stderr, _process(self._command(painting, job.folder), job.folder, stderr) as process:
            for line in _lines(process):
                told.hear(line)
                progress(told.step)
                _look_at(preview, job)
            code = process.wait()
        _look_at(preview, job)
        if code or not told.has_result:
            words = errors.read_text(encoding="utf-8", errors="replace").strip().rpartition("\n")[2]
            said = words.removeprefix("stylecli: ").replace(str(painting), item.upload.name).rstrip(".")
            raise MediaError(said or "the training ended without a word")
        item.state = "done"

    def _command(self, painting: Path, folder: Path) -> list[str]:
        lesson = self.lesson
        words = [*PROGRAM, "styles", "learn", str(painting), "--json", f"--work={folder / 'training'}"]
        words += [f"--name={lesson.name}", f"--title={lesson.title}", f"--time-budget={lesson.seconds:.0f}s"]
        if lesson.artist:
            words.append(f"--artist={lesson.artist}")
        if lesson.year:
            words.append(f"--year={lesson.year}")
        if lesson.base:
            words.append(f"--base={lesson.base}")
        if self.styles_dir:
            words.append(f"--styles-dir={self.styles_dir.absolute()}")
        return words


class _Told:
    """What the process has said on stdout: one JSON object a line."""

    def __init__(self) -> None:
        self.step, self.has_result = Step(0, None, ""), False

    def hear(self, line: bytes | None) -> None:
        if line is None:
            return
        event = json.loads(line)
        if event["event"] == "progress":
            self.step = Step(event["done"], event["total"], event["unit"])
        self.has_result = self.has_result or event["event"] == "result"


@contextmanager
def _process(command: list[str], folder: Path, stderr: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """A process that works in `folder`; it does not survive the `with`."""
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr, cwd=folder
    ) as process:
        if hasattr(os, "setpriority"):
            with suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, process.pid, PATIENCE_LEVEL)
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(LEAVE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _lines(process: subprocess.Popen[bytes]) -> Iterator[bytes | None]:
    """The lines that a process prints, until it ends; None while it is silent, so that the caller can end it."""
    heard: queue.Queue[bytes] = queue.Queue()

    def listen() -> None:
        assert process.stdout
        for line in process.stdout:
            heard.put(line)
        heard.put(b"")

    Thread(target=listen, daemon=True).start()
    while True:
        try:
            line = heard.get(timeout=LOOK_SECONDS)
        except queue.Empty:
            yield None
            continue
        if not line:
            return
        yield line


def _look_at(preview: Path, job: Job) -> None:
    """Let the page know of a new version of the preview."""
    with suppress(FileNotFoundError):
        drawn = preview.stat().st_mtime_ns // 1_000_000
        job.preview, job.drawn = preview, drawn
