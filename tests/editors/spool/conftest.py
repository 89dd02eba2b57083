from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stylecli.editors.spool.worker import serve
from tests.support.spools import Serve, wait_for


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    folder = tmp_path / "spool"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def served(spool: Path, tiny_style: Path) -> Serve:
    """Give a function that answers all jobs in the folder, then returns what became of them."""

    def work() -> list[str]:
        statuses: list[str] = []
        serve(
            spool,
            device="cpu",
            styles_dir=tiny_style.parent,
            idle=0.001,
            answered=lambda _, status: statuses.append(status),
        )
        return statuses

    return work


@pytest.fixture
def worker(spool: Path, tiny_style: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start a real worker of `spool`; it is ended at the end of the test."""
    line = [sys.executable, "-m", "stylecli", "spool", spool, "--styles-dir", tiny_style.parent, "--device", "cpu"]
    with subprocess.Popen(list(map(str, line)), stderr=subprocess.DEVNULL) as process:
        wait_for((spool / "worker.json").exists)
        yield process
        process.terminate()
