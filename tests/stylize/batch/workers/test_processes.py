from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from stylecli.stylize.batch.workers.processes import WorkerOptions, WorkerProcess

WRITING = """
import queue, sys, time
from pathlib import Path
from stylecli.core.files import atomic_file
from stylecli.stylize.batch.workers.worker import _read

with atomic_file(Path("out.png")) as draft:
    draft.write_bytes(b"half")
    print("writing", flush=True)
    _read(sys.stdin.buffer, queue.SimpleQueue())
"""
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


def test_a_worker_whose_batch_was_killed_leaves_no_draft(tmp_path: Path) -> None:
    line = [sys.executable, "-c", WRITING]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(line, cwd=tmp_path, start_new_session=True, **pipes) as process:  # type: ignore[call-overload]
        assert process.stdout.readline() == b"writing\n"
        assert len(list(tmp_path.iterdir())) == 1
        process.stdin.close()
        process.wait(180)
    assert list(tmp_path.iterdir()) == []
