"""Real `stylecli video` processes that tests stop, hold and kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

PATIENCE = 300.0  # seconds after which a run that does not end has failed


@dataclass(frozen=True)
class ItemOutcome:
    """How a run ended."""

    code: int
    result: dict[str, Any]  # empty where there is none
    said: str  # on stderr


def line(clip: Path, style: Path, output: Path, *more: str) -> list[str]:
    """The command; as JSON, so that its progress can be followed."""
    return [sys.executable, "-m", "stylecli", "video", str(clip), "-s", str(style), "-o", str(output), "--json", *more]


def run(command: list[str], **environment: str) -> ItemOutcome:
    """Run a command to its end."""
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=PATIENCE, env={**os.environ, **environment}
    )
    return ItemOutcome(done.returncode, _result(done.stdout), done.stderr)


class Running:
    """A command at work."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def painted(self, frames: int) -> bool:
        """Wait until so many frames are painted; False where it ended before."""
        return any(done >= frames for done in self.progress())

    def progress(self) -> Iterator[int]:
        """How many frames are painted, each time that it tells."""
        assert self.process.stdout
        return (json.loads(row).get("done", 0) for row in self.process.stdout)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let it stand still while something happens around it."""
        self.process.send_signal(signal.SIGSTOP)
        yield
        self.process.send_signal(signal.SIGCONT)

    def ended(self) -> ItemOutcome:
        """Wait for its end."""
        output, said = self.process.communicate(timeout=PATIENCE)
        return ItemOutcome(self.process.returncode, _result(output), said)


@contextmanager
def running(command: list[str], **environment: str) -> Iterator[Running]:
    """Start a command; it is killed when the `with` is left, as the system kills: at once."""
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env={**os.environ, **environment}) as process:
        try:
            yield Running(process)
        finally:
            process.kill()


def kill_after(frames: int, command: list[str]) -> None:
    """Run a command and kill it once it has painted so many frames, or has ended."""
    with running(command) as run:
        run.painted(frames)


def processes_about(folder: Path) -> list[str]:
    """The command lines of all processes that name something in `folder`."""
    lines = (process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"]))
    return [" ".join(words) for words in lines if any(str(folder) in word for word in words)]


def _result(output: str) -> dict[str, Any]:
    rows = output.splitlines()
    row: dict[str, Any] = json.loads(rows[-1]) if rows else {}
    return row if row.get("event") == "result" else {}
