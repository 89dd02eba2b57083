"""The parent's side of a worker process: ask, wait, kill it when the time is over, start another."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from stylecli.inference.sessions import Device
from stylecli.stylize.batch.manifests.files import style_of
from stylecli.stylize.batch.manifests.rows import Item

ENDING_SECONDS = 0.5  # that a worker gets to end by itself


@dataclass(frozen=True)
class WorkerOptions:
    """What a worker process is started with; `threads` of the CPU, None for all."""

    device: Device = "auto"
    threads: int | None = None
    styles_dir: Path | None = None


class BatchWorker(Protocol):
    """Does items, one at a time: a process on this machine, or an actor on another one."""

    def is_ready(self, seconds: float) -> bool:
        """Whether it can be asked; waits for that at most so many seconds."""

    def ask(self, request: Mapping[str, Any], *, timeout: float | None = None) -> dict[str, Any]:
        """Send a request and return the answer: a failed one if the worker dies or takes over `timeout` seconds."""

    def close(self) -> None:
        """End it, whatever it does."""


class WorkerProcess:
    """One worker process, started when it is first asked. Close it."""

    def __init__(self, options: WorkerOptions) -> None:
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._closed = False

    def is_ready(self, seconds: float) -> bool:
        """Always, since the process is started when it is first asked."""
        return True

    def ask(self, request: Mapping[str, Any], *, timeout: float | None = None) -> dict[str, Any]:
        """Send a request and return the answer: a failed one if the worker dies or takes over `timeout` seconds."""
        process = self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        late = threading.Event()

        def end() -> None:
            late.set()
            _end(process)

        timer = threading.Timer(timeout, end) if timeout else None
        if timer:
            timer.start()
        try:
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except (OSError, ValueError):  # ValueError: `end` has closed the pipe already
            line = b""
        finally:
            if timer:
                timer.cancel()
        if line.endswith(b"\n"):
            answer: dict[str, Any] = json.loads(line)
            return answer
        code = self._discard(process)
        if late.is_set():
            assert timeout
            return late_answer(request, timeout)
        return died_answer(request, _death(code))

    def close(self) -> None:
        """End the process, whatever it does."""
        with self._lock:
            self._closed = True
            process = self._process
        if process is not None:
            self._discard(process)

    def _running(self) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._process is None and not self._closed:
                facts = {
                    "device": self._options.device,
                    "threads": self._options.threads,
                    "styles_dir": str(self._options.styles_dir) if self._options.styles_dir else None,
                }
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "stylecli.stylize.batch.workers.worker", json.dumps(facts)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    start_new_session=True,  # ^C is for the parent, which ends its workers; killing takes ffmpeg along
                )
            if self._process is None:
                raise RuntimeError("the worker is closed")
            return self._process

    def _discard(self, process: subprocess.Popen[bytes]) -> int:
        _end(process)
        with self._lock:
            if self._process is process:
                self._process = None
        code = process.wait()
        if process.stdout:
            with suppress(OSError, ValueError):
                process.stdout.close()
        return code


def request_of(item: Item, folder: Path, style_sha256: str = "") -> dict[str, Any]:
    """Make the request to a worker for an item whose paths are relative to `folder`.

    style_sha256: of the network; a worker loads the style again when it changes.
    """
    return {
        **item.options(),
        "kind": item.kind,
        "folder": str(folder),
        "input": str(folder / item.input),
        "output": str(folder / item.output),
        "mask": str(folder / item.mask) if item.mask else None,
        "style": style_of(item, folder),
        "variant": item.variant,
        "style_sha256": style_sha256,
        "overwrite": True,
    }


def late_answer(request: Mapping[str, Any], timeout: float) -> dict[str, Any]:
    """Make the answer for a worker that was killed after `timeout` seconds."""
    fault = f"{request['input']}: not done after {timeout:g} s"
    return {"status": "failed", "error": fault, "hint": "Allow more time.", "kind": "Timeout"}


def died_answer(request: Mapping[str, Any], how: str) -> dict[str, Any]:
    """Make the answer for a worker that died."""
    return {"status": "failed", "error": f"{request['input']}: {how}", "hint": "", "kind": "Died"}


def _end(process: subprocess.Popen[bytes]) -> None:
    """Let a process remove its drafts and end; kill it, if it hangs."""
    if process.stdin:
        with suppress(OSError, ValueError):
            process.stdin.close()
    with suppress(subprocess.TimeoutExpired):
        process.wait(ENDING_SECONDS)
    if sys.platform == "win32":
        process.kill()
        return
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _death(code: int) -> str:
    if code >= 0:
        return f"its worker ended with exit code {code}"
    return f"its worker was ended by {signal.Signals(-code).name}"
