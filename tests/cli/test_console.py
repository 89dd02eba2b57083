"""The output of commands: what a full disk behind stdout does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import stylecli.cli


def test_every_command_prints_through_the_console() -> None:
    package = Path(stylecli.cli.__file__).parent
    printing = [path.name for path in package.rglob("*.py") if "click.echo(" in path.read_text(encoding="utf-8")]
    assert printing == ["console.py"]  # whose `emit` survives a full disk behind stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_a_full_disk_behind_stdout_is_a_media_error() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "stylecli", "batch", "--schema"], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 4
    assert done.stderr.decode().strip() == (
        "stylecli: stdout: it cannot be written (No space left on device). The work itself is done."
    )
