"""`stylecli batch` as a program: killed, interrupted, started twice, watching."""

from __future__ import annotations

import importlib.util
import json
import os
import random
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner, Result

from stylecli.cli.app import suite
from stylecli.media.images.files import picture_from_pixels, read_picture, write_picture
from stylecli.stylize.batch.manifests.manifest import read_manifest
from tests.support.documents import ROOT, blocks

COUNT = 12  # pictures
MANY = 60
WAIT = 180  # seconds


@pytest.fixture
def folder(tmp_path: Path, photo_file: Path) -> Path:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    for number in range(COUNT):
        target = tmp_path / "in" / ("deep" if number % 2 else "") / f"{number:02}.png"
        shutil.copy(photo_file, target)
        with target.open("ab") as file:  # behind the picture's end: another file, the same picture
            file.write(bytes([number]))
    return tmp_path


def batch(folder: Path, style: Path, *arguments: object) -> Result:
    line = ["batch", *map(str, arguments), "--device", "cpu", "--styles-dir", str(style.parent)]
    return CliRunner().invoke(suite, line)


def manifest_of(folder: Path, style: Path) -> Path:
    manifest = folder / "m.jsonl"
    result = batch(folder, style, "--from-folder", folder / "in", folder / "out", "-s", "tiny", "-o", manifest)
    assert result.exit_code == 0, result.output
    return manifest


def start(folder: Path, style: Path, *arguments: object) -> subprocess.Popen[str]:
    line = [sys.executable, "-m", "stylecli", "batch", *map(str, arguments)]
    where = ["--device", "cpu", "--styles-dir", str(style.parent)]
    return subprocess.Popen([*line, *where], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _wait(process: subprocess.Popen[str], seconds: float) -> None:
    with suppress(subprocess.TimeoutExpired):
        process.wait(seconds)


def records(path: Path) -> list[dict[str, object]]:
    found = []
    for line in path.read_text().splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:  # cut by a kill
            continue
    return found


def test_from_a_folder_to_results(folder: Path, tiny_style: Path) -> None:
    manifest = manifest_of(folder, tiny_style)
    result = batch(folder, tiny_style, manifest, "--dry-run", "--json")
    assert json.loads(result.stdout)["items"] == COUNT
    result = batch(folder, tiny_style, manifest)
    assert result.exit_code == 0
    assert sorted(result.stdout.split())[-1] == "out/deep/11-tiny.png"
    assert f"{COUNT} done, 0 done before, 0 failed" in result.stderr
    assert f"0 done, {COUNT} done before" in batch(folder, tiny_style, manifest).stderr


def test_a_failure_is_one_line_and_exit_code_6(folder: Path, tiny_style: Path) -> None:
    manifest = manifest_of(folder, tiny_style)
    (folder / "in" / "00.png").write_bytes(b"\x89PNG")
    result = batch(folder, tiny_style, manifest, "--retries", 0)
    assert result.exit_code == 6
    assert len([line for line in result.stderr.splitlines() if "00.png" in line]) == 1
    assert f"{COUNT - 1} done" in result.stderr


def test_faults_of_the_manifest_stop_everything(folder: Path, tiny_style: Path) -> None:
    (folder / "m.jsonl").write_text('{"input": "in/00.png", "output": "a.png", "style": "tiny"}\n{"input": 1}\n')
    result = batch(folder, tiny_style, folder / "m.jsonl")
    assert result.exit_code == 2
    assert "line 2: input 1 is not valid" in result.stderr
    assert not (folder / "a.png").exists()


def test_json_ends_with_a_summary(folder: Path, tiny_style: Path) -> None:
    result = batch(folder, tiny_style, manifest_of(folder, tiny_style), "--json")
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert events[-1] == {"event": "summary", "done": COUNT, "skipped": 0, "failed": 0}
    assert Counter(event["event"] for event in events)["result"] == COUNT


def test_the_schema_is_printed(folder: Path, tiny_style: Path) -> None:
    assert json.loads(batch(folder, tiny_style, "--schema").stdout)["$id"] == "stylecli-batch-1"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--from-folder", "a", "b", "-s", "tiny", "--watch", "--claim"],
        ["m.jsonl", "--rows", "2-1"],
        ["--from-folder", "a", "b"],
        ["m.jsonl", "--shard", "3/2"],
        ["m.txt"],
        ["--from-folder", "a", "b", "-s", "x"],
    ],
)
def test_a_command_that_makes_no_sense_is_a_usage_error(folder: Path, tiny_style: Path, arguments: list[str]) -> None:
    assert batch(folder, tiny_style, *arguments).exit_code == 2


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_killed_again_and_again_every_item_is_delivered_once(folder: Path, tiny_style: Path) -> None:
    manifest = manifest_of(folder, tiny_style)
    chance, results = random.Random(3), folder / "RESULTS.jsonl"
    for _ in range(6):
        process = start(folder, tiny_style, manifest)
        size = results.stat().st_size if results.exists() else 0
        limit = time.monotonic() + WAIT
        while process.poll() is None and time.monotonic() < limit:
            if results.exists() and results.stat().st_size > size:  # at work
                break
            _wait(process, 0.01)
        _wait(process, chance.uniform(0, 0.4))
        workers = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        process.kill()
        process.communicate(timeout=WAIT)
        assert psutil.wait_procs(workers, timeout=WAIT)[1] == []  # none outlives the batch
    assert batch(folder, tiny_style, manifest).exit_code == 0
    done = Counter(record["output"] for record in records(results) if record["result"]["status"] == "done")  # type: ignore[index]
    assert len(done) == COUNT
    assert set(done.values()) == {1}
    made = [path for path in (folder / "out").rglob("*") if path.is_file() and not path.name.startswith(".")]
    assert len(made) == COUNT
    assert {read_picture(path).pixels.shape for path in made} == {(300, 451, 3)}


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_it_leaves_no_worker_and_no_false_failure(
    folder: Path, tiny_style: Path, number: int, code: int
) -> None:
    for copy in range(MANY):  # more than are done before the signal comes
        shutil.copy(folder / "in" / "00.png", folder / "in" / f"more-{copy}.png")
    manifest = manifest_of(folder, tiny_style)
    process = start(folder, tiny_style, manifest, "--json")
    assert process.stdout
    assert any('"result"' in line for line in process.stdout)
    workers = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(number)
    process.communicate(timeout=WAIT)
    assert process.returncode == code
    assert psutil.wait_procs(workers, timeout=WAIT)[1] == []
    failed = [one for one in records(folder / "RESULTS.jsonl") if one["result"]["status"] == "failed"]  # type: ignore[index]
    assert failed == []
    assert batch(folder, tiny_style, manifest).exit_code == 0


def test_a_second_run_at_once_is_refused(folder: Path, tiny_style: Path) -> None:
    manifest = manifest_of(folder, tiny_style)
    process = start(folder, tiny_style, manifest, "--json")
    assert process.stdout
    assert any('"result"' in line for line in process.stdout)
    refused = batch(folder, tiny_style, manifest)
    process.communicate(timeout=WAIT)
    assert process.returncode == 0
    assert refused.exit_code in (0, 2)  # 0 where the first one has ended already
    assert refused.exit_code == 0 or "another batch" in refused.stderr


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.skipif(importlib.util.find_spec("watchfiles") is None, reason="watchfiles is not installed")
@pytest.mark.skipif(not (ROOT / "docs").is_dir(), reason="needs a checkout")
def test_a_watched_folder_survives_a_restart(folder: Path, tiny_style: Path, photo_file: Path) -> None:
    (document,) = blocks("docs/batch.md", "A watched folder", "sh nowait")
    names = {"inbox": str(folder / "in"), "done": str(folder / "out"), "great-wave": "tiny"}
    line = [names.get(word, word) for word in [*shlex.split(document)[2:], "--json"]]

    def results_until(process: subprocess.Popen[str], count: int) -> set[str]:
        assert process.stdout
        found: set[str] = set()
        while len(found) < count:
            event = json.loads(process.stdout.readline())
            if event["event"] == "result" and event["status"] == "done":
                found.add(event["output"])
        return found

    process = start(folder, tiny_style, *line)
    first = results_until(process, COUNT)
    process.kill()
    process.communicate(timeout=WAIT)
    process = start(folder, tiny_style, *line)
    shutil.copy(photo_file, folder / "moved.png")
    (folder / "moved.png").rename(folder / "in" / "moved.png")
    assert results_until(process, 1) == {"moved-tiny.png"}
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=WAIT)
    assert process.returncode == 130
    assert len(first) == COUNT
    assert len(list((folder / "out").rglob("*.png"))) == COUNT + 1


@pytest.mark.skipif(os.name != "posix", reason="commands for a POSIX shell")
def test_every_command_of_the_document_runs(folder: Path) -> None:
    document = Path(__file__).parents[3] / "docs" / "batch.md"
    if not document.is_file():
        pytest.skip("needs a checkout")
    photos = folder / "photos"
    photos.mkdir()
    for name in ("a.jpg", "b.jpg"):
        pixels = read_picture(folder / "in" / "00.png").pixels[::4, ::4]
        write_picture(picture_from_pixels(pixels), photos / name)
    program = folder / "stylecli"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m stylecli "$@"\n')
    program.chmod(0o755)
    commands = re.findall(r"```sh\n(.*?)```", document.read_text(encoding="utf-8"), re.DOTALL)
    assert len(commands) >= 5
    search = f"{folder}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": search, "PYTHONPATH": str(document.parents[1])}
    script = "set -eu\n" + "\n".join(commands)
    done = subprocess.run(
        ["sh", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (folder / "out").iterdir())[:2] == ["a-great-wave.jpg", "a-the-scream.jpg"]
    assert (folder / "junit.xml").is_file()
    assert '"output": "small/a_starry-night.webp"' in (folder / "small.jsonl").read_text()


def test_the_toml_of_the_document_is_a_manifest(folder: Path, tmp_path: Path) -> None:
    document = Path(__file__).parents[3] / "docs" / "batch.md"
    if not document.is_file():
        pytest.skip("needs a checkout")
    (text,) = re.findall(r"```toml\n(.*?)```", document.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "photos" / "drafts").mkdir(parents=True)
    for name in ("cover.jpg", "drafts/x.jpg"):
        shutil.copy(folder / "in" / "00.png", tmp_path / "photos" / name)
    (tmp_path / "m.toml").write_text(text)
    assert [(item.output, item.strength) for item in read_manifest(tmp_path / "m.toml")] == [
        ("out/cover.png", 1.0),
        ("out/cover-great-wave.jpg", 0.8),
    ]
