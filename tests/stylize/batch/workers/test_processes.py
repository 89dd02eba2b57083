from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from stylecli.stylize.batch.workers.processes import WorkerOptions, WorkerProcess

PROBE = {"kind": "probe", "probes": "picture", "page": None, "output": "0.png"}


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_worker_that_hangs_is_killed_alone(folder: Path) -> None:
    worker = WorkerProcess(WorkerOptions("cpu", None, folder / "styles"))
    request = {**PROBE, "input": str(folder / "0.png")}
    try:
        assert worker.ask(request)["width"] == 60
        os.kill(worker._running().pid, signal.SIGSTOP)
        assert worker.ask(request, timeout=0.2)["kind"] == "Timeout"
        assert worker.ask(request)["width"] == 60
    finally:
        worker.close()


def test_a_worker_that_dies_is_named(folder: Path) -> None:
    worker = WorkerProcess(WorkerOptions("cpu", None, folder / "styles"))
    try:
        os.kill(worker._running().pid, signal.SIGKILL)
        answer = worker.ask({**PROBE, "input": str(folder / "0.png")})
        assert answer["kind"] == "Died"
        assert "SIGKILL" in answer["error"]
    finally:
        worker.close()
