"""Job templates, checked and run by openjd-cli where it is installed."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

from stylecli.cli.app import suite
from stylecli.core.errors import UsageError
from stylecli.stylize.batch.machines.openjd import write_job
from stylecli.stylize.batch.options import BatchOptions
from tests.stylize.batch.conftest import COUNT

needs_openjd = pytest.mark.skipif(importlib.util.find_spec("openjd") is None, reason="openjd-cli is not installed")


def openjd(*arguments: object) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "openjd", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, check=False, timeout=300)


def template(path: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads(path.read_text())
    return found


def test_a_job_has_a_task_for_each_item(tmp_path: Path) -> None:
    write_job(tmp_path / "job.yaml", Path("m.jsonl"), 20, BatchOptions(timeout=600, device="cuda"))
    (step,) = template(tmp_path / "job.yaml")["steps"]  # type: ignore[misc, attr-defined]
    (item,) = step["parameterSpace"]["taskParameterDefinitions"]
    assert (item["type"], item["range"]) == ("CHUNK[INT]", "1-20")
    assert step["hostRequirements"]["amounts"] == [{"name": "amount.worker.gpu", "min": 1}]
    assert "--timeout" in step["script"]["actions"]["onRun"]["args"]


def test_a_file_that_is_there_is_kept(tmp_path: Path) -> None:
    (tmp_path / "job.yaml").write_text("mine")
    with pytest.raises(UsageError, match="exists"):
        write_job(tmp_path / "job.yaml", Path("m.jsonl"), 1, BatchOptions())
    with pytest.raises(UsageError, match="no format"):
        write_job(tmp_path / "job.txt", Path("m.jsonl"), 1, BatchOptions())


@needs_openjd
@pytest.mark.parametrize("device", ["auto", "cuda"])
def test_the_template_is_valid(tmp_path: Path, device: str) -> None:
    write_job(tmp_path / "job.yaml", Path("m.jsonl"), 9999, BatchOptions(device=device))  # type: ignore[arg-type]
    checked = openjd("check", tmp_path / "job.yaml")
    assert checked.returncode == 0, checked.stdout + checked.stderr


@needs_openjd
@pytest.mark.skipif(os.name != "posix", reason="a script for a POSIX shell")
def test_the_job_runs_in_chunks_and_does_every_item_once(folder: Path) -> None:
    program = folder / "program"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m stylecli "$@"\n')
    program.chmod(0o755)
    where = ["--device", "cpu", "--styles-dir", str(folder / "styles"), "--workers", "1"]
    line = ["batch", str(folder / "m.jsonl"), "--openjd", str(folder / "job.yaml"), *where]
    assert CliRunner().invoke(suite, line).exit_code == 0
    text = (folder / "job.yaml").read_text()
    (folder / "job.yaml").write_text(text.replace('"defaultTaskCount": 10', '"defaultTaskCount": 4'))
    done = openjd("run", folder / "job.yaml", "-p", f"Stylecli={program}")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line for path in folder.glob("RESULTS*.jsonl") for line in path.read_text().splitlines()]
    ends = Counter(row["output"] for row in map(json.loads, lines) if row["result"]["status"] == "done")
    assert ends == {f"out/{number}.png": 1 for number in range(COUNT)}


def test_rows_that_do_not_exist_are_refused(folder: Path) -> None:
    where = ["--device", "cpu", "--styles-dir", str(folder / "styles")]
    for rows in (f"1-{COUNT + 1}", "0-2", "3-1", "x"):
        assert CliRunner().invoke(suite, ["batch", str(folder / "m.jsonl"), "--rows", rows, *where]).exit_code == 2
