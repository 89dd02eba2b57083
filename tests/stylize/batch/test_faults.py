"""Faults of the machine, with real processes: every item ends as done, or as a failure that names its cause."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.stylize.batch.conftest import COUNT

WAIT = 300  # seconds
OWN_MOUNTS = ("unshare", "--user", "--map-root-user", "--mount")  # file systems that only this process sees
NO_PRIVILEGES = ("setpriv", "--bounding-set=-all") if os.name == "posix" and os.geteuid() == 0 else ()
SMALL = "24k"  # a disk that holds two or three of the outputs

# The command, which gives the folder of the outputs another mode as soon as the first one is written.
LOSING = """
import os, sys
from stylecli.cli.app import main
from stylecli.stylize.batch.workers.processes import WorkerProcess

def ask_and_lose(*request, **how):
    answer = ask(*request, **how)
    os.chmod("out", mode)
    return answer

ask, WorkerProcess.ask, mode = WorkerProcess.ask, ask_and_lose, int(sys.argv[1])
main(sys.argv[2:])
"""


def line(*arguments: str) -> list[str]:
    how = ["--device", "cpu", "--styles-dir", "styles", "--workers", "1", "--retries", "0", "--json"]
    return [sys.executable, "-m", "stylecli", "batch", "m.jsonl", *how, *arguments]


def events(output: str) -> list[dict[str, Any]]:
    return [event for event in map(json.loads, output.splitlines()) if event["event"] == "result"]


def can_mount() -> bool:
    trial = [*OWN_MOUNTS, "mount", "-t", "tmpfs", "-o", f"size={SMALL}", "none", "/mnt"]
    return sys.platform == "linux" and shutil.which("unshare") is not None and subprocess.run(trial).returncode == 0  # noqa: PLW1510


@pytest.fixture(scope="module")
def mounts() -> None:
    if not can_mount():
        pytest.skip("needs Linux, and the right to mount in a namespace of one's own")


def with_mounts(script: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*OWN_MOUNTS, "sh", "-euc", script, "sh", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=WAIT, check=False)


@pytest.mark.usefixtures("mounts")
def test_a_disk_that_gets_full_costs_the_items_that_did_not_fit(folder: Path) -> None:
    (folder / "out").mkdir()
    done = with_mounts(f'mount -t tmpfs -o size={SMALL} none out; exec "$@"', folder, *line())
    assert done.returncode == 6, done.stderr
    ended = events(done.stdout)
    assert Counter(one["status"] for one in ended).total() == COUNT
    assert 1 <= Counter(one["status"] for one in ended)["done"] < COUNT
    failed = [one for one in ended if one["status"] == "failed"]
    assert all("No space left" in one["error"] and one["output"] in one["error"] for one in failed)
    assert all("Free some space" in one["hint"] for one in failed)
    again = subprocess.run(line(), cwd=folder, capture_output=True, text=True, timeout=WAIT, check=False)
    assert again.returncode == 0  # with room


@pytest.mark.usefixtures("mounts")
def test_records_on_a_full_disk_stop_the_batch_and_later_it_goes_on(folder: Path) -> None:
    script = """
    mkdir disk && mount -t tmpfs -o size=400k none disk
    cp -r styles *.png m.jsonl disk && cd disk
    cat /dev/zero > filler 2> /dev/null || true
    "$@" && exit 99 || echo "code $?"
    rm filler
    exec "$@"
    """
    done = with_mounts(script, folder, *line())
    assert done.returncode == 0, done.stderr
    assert "code 4" in done.stdout
    assert "RESULTS.jsonl" in done.stderr
    assert "No space left" in done.stderr
    told = "\n".join(one for one in done.stdout.splitlines() if one.startswith("{"))
    assert Counter(one["output"] for one in events(told) if one["status"] == "done") == {
        f"out/{number}.png": 1 for number in range(COUNT)
    }


@pytest.fixture
def writable_again(folder: Path) -> Iterator[None]:
    (folder / "out").mkdir()
    yield
    (folder / "out").chmod(0o755)  # else pytest cannot remove it


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
@pytest.mark.skipif(bool(NO_PRIVILEGES) and shutil.which("setpriv") is None, reason="root may write everywhere")
@pytest.mark.usefixtures("writable_again")
@pytest.mark.parametrize("mode", [0o555, 0o000])
def test_a_permission_that_is_lost_costs_the_items_that_need_it(folder: Path, mode: int) -> None:
    command = [*NO_PRIVILEGES, *line()]
    losing = [*NO_PRIVILEGES, sys.executable, "-c", LOSING, str(mode), *line()[3:]]
    done = subprocess.run(losing, cwd=folder, capture_output=True, text=True, timeout=WAIT, check=False)
    assert done.returncode == 6, done.stderr
    ended = events(done.stdout)
    failed = [one for one in ended if one["status"] == "failed"]
    assert (len(ended), len(failed)) == (COUNT, COUNT - 1)
    assert all("out" in one["error"] and "ermission" in one["error"] for one in failed)
    (folder / "out").chmod(0o755)
    again = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=WAIT, check=False)
    assert again.returncode == 0, again.stderr
    assert len(list((folder / "out").glob("*.png"))) == COUNT
