from __future__ import annotations

import json
import os
import random
import shutil
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stylecli.core.errors import MediaError, UsageError
from stylecli.media.images.files import picture_from_pixels, read_picture, write_picture
from stylecli.media.video.clip import probe
from stylecli.media.video.writing.writer import Sound, record
from stylecli.photos.film import RATE, chord
from stylecli.stylize.batch.ledger import ItemOutcome
from stylecli.stylize.batch.manifests.manifest import read_manifest
from stylecli.stylize.batch.options import BatchOptions
from stylecli.stylize.batch.results import FILE, open_results
from stylecli.stylize.batch.run import open_batch, worker_count
from stylecli.stylize.batch.workers.processes import WorkerProcess
from tests.stylize.batch.conftest import COUNT

Run = Callable[..., list[ItemOutcome]]
KILLS = int(os.environ.get("STYLECLI_TEST_KILLS", "20"))  # of workers; a hundred take a minute


@pytest.fixture
def run(folder: Path) -> Run:
    def run_batch(manifest: str = "m.jsonl", **options: Any) -> list[ItemOutcome]:
        name = options.pop("file", FILE)
        how = BatchOptions(device="cpu", styles_dir=folder / "styles", **{"workers": 2, **options})
        items = read_manifest(folder / manifest, styles_dir=folder / "styles")
        with open_results(folder / name) as results, open_batch(folder, results, how) as batch:
            return batch.run(items)

    return run_batch


def statuses(ended: list[ItemOutcome]) -> Counter[str]:
    return Counter(one.status for one in ended)


def records(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / FILE).read_text().splitlines()]


def test_every_item_is_done_and_recorded(run: Run, folder: Path) -> None:
    assert statuses(run()) == {"done": COUNT}
    assert sorted(path.name for path in (folder / "out").iterdir()) == [f"{number}.png" for number in range(COUNT)]
    done = [record["result"] for record in records(folder) if record["result"]["status"] == "done"]
    assert {(facts["width"], facts["height"], facts["device"]) for facts in done} == {(60, 40, "cpu")}
    assert len({facts["key"] for facts in done}) == COUNT


def test_the_same_command_again_does_nothing(run: Run, folder: Path) -> None:
    run()
    before = {path: path.stat().st_mtime_ns for path in (folder / "out").iterdir()}
    assert statuses(run()) == {"skipped": COUNT}
    assert {path: path.stat().st_mtime_ns for path in (folder / "out").iterdir()} == before


def test_a_touched_input_is_not_a_changed_one(run: Run, folder: Path) -> None:
    run()
    os.utime(folder / "0.png", (1, 1))
    assert statuses(run()) == {"skipped": COUNT}


def test_only_what_changed_is_done_again(run: Run, folder: Path) -> None:
    run()
    shutil.copy(folder / "1.png", folder / "0.png")
    assert statuses(run()) == {"done": 1, "skipped": COUNT - 1}
    assert (folder / "out" / "0.png").read_bytes() == (folder / "out" / "1.png").read_bytes()


def test_another_option_is_another_result(run: Run, folder: Path) -> None:
    run()
    text = (folder / "m.jsonl").read_text()
    (folder / "m.jsonl").write_text(text.replace('"style": "tiny"', '"style": "tiny", "strength": 0.5', 1))
    assert statuses(run()) == {"done": 1, "skipped": COUNT - 1}


def test_a_lost_output_is_made_again(run: Run, folder: Path) -> None:
    run()
    (folder / "out" / "3.png").unlink()
    assert statuses(run()) == {"done": 1, "skipped": COUNT - 1}


def test_a_broken_input_fails_by_name_and_the_others_are_done(run: Run, folder: Path) -> None:
    (folder / "2.png").write_bytes((folder / "2.png").read_bytes()[:500])
    ended = run(retries=2)
    assert statuses(ended) == {"done": COUNT - 1, "failed": 1}
    (failed,) = (one for one in ended if one.status == "failed")
    assert "2.png" in failed.facts["error"]
    assert failed.facts["attempt"] == 3
    shutil.copy(folder / "1.png", folder / "2.png")
    assert statuses(run()) == {"done": 1, "skipped": COUNT - 1}


def test_failed_rows_of_the_results_are_a_manifest(run: Run, folder: Path) -> None:
    good = (folder / "2.png").read_bytes()
    (folder / "2.png").write_bytes(good[:500])
    run(retries=0)
    failed = [record for record in records(folder) if record["result"]["status"] == "failed"]
    (folder / "again.jsonl").write_text("".join(json.dumps(record) + "\n" for record in failed))
    (folder / "2.png").write_bytes(good)
    assert statuses(run("again.jsonl")) == {"done": 1}
    assert statuses(run()) == {"skipped": COUNT}


def test_a_file_of_somebody_else_is_never_replaced(run: Run, folder: Path) -> None:
    (folder / "out").mkdir()
    (folder / "out" / "0.png").write_text("mine")
    for _ in range(2):
        ended = run()
        assert "overwrite=True" in next(one.facts["hint"] for one in ended if one.status == "failed")
        assert (folder / "out" / "0.png").read_text() == "mine"
    assert statuses(run(overwrite=True)) == {"done": 1, "skipped": COUNT - 1}


def test_a_start_without_an_end_is_done_again(run: Run, folder: Path) -> None:
    run()
    lines = (folder / FILE).read_text().splitlines(keepends=True)
    last = json.loads(lines[-1])
    assert last["result"]["status"] == "done"
    (folder / FILE).write_text("".join(lines[:-1]) + lines[-1][:40])  # killed between rename and record
    assert statuses(run()) == {"done": 1, "skipped": COUNT - 1}
    broken = [line for line in (folder / FILE).read_text().splitlines() if not line.endswith("}")]
    assert broken == [lines[-1][:40]]


def test_two_runs_at_once_are_refused(run: Run, folder: Path) -> None:
    with open_results(folder / FILE), pytest.raises(UsageError, match="another batch"):
        run()


def test_fail_fast_stops(run: Run, folder: Path) -> None:
    for number in range(COUNT):
        (folder / f"{number}.png").write_bytes(b"\x89PNG broken")
    assert statuses(run(max_failures=1, retries=0, workers=1))["failed"] < COUNT


def test_shards_are_disjoint_and_complete(run: Run, folder: Path) -> None:
    parts = []
    for number in (1, 2, 3):
        ended = run(shard=(number, 3), file=f"RESULTS-{number}-of-3.jsonl")
        assert all(one.status == "done" for one in ended)
        parts.append({one.item.output for one in ended})
    assert sum(map(len, parts)) == COUNT
    assert len(set().union(*parts)) == COUNT
    assert statuses(run()) == {"skipped": COUNT}
    assert statuses(run(shard=(1, 1), file="RESULTS-1-of-1.jsonl")) == {"skipped": COUNT}


def test_an_item_that_takes_too_long_fails_by_name(run: Run) -> None:
    ended = run(timeout=0.01, retries=0)  # no worker starts in this time
    assert {one.facts["kind"] for one in ended} == {"Timeout"}
    assert statuses(ended) == {"failed": COUNT}


def test_fewer_items_than_cores_share_the_cores() -> None:
    assert worker_count(BatchOptions(), 1) == 1
    assert worker_count(BatchOptions(workers=3), 10) == 3
    assert worker_count(BatchOptions(workers=3), 2) == 2
    assert worker_count(BatchOptions(workers=3)) == 3  # of a watched folder nobody knows how many come
    assert worker_count(BatchOptions(), 0) == 1


def test_the_longest_is_done_first(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    ask = WorkerProcess.ask

    def ask_and_note(self: WorkerProcess, request: dict[str, Any], **how: Any) -> dict[str, Any]:
        asked.append(Path(request["input"]).name)
        return ask(self, request, **how)

    monkeypatch.setattr(WorkerProcess, "ask", ask_and_note)
    write_picture(picture_from_pixels(np.zeros((4, 4, 3), np.uint8)), folder / "4.png", overwrite=True)
    assert statuses(run(workers=1)) == {"done": COUNT}  # the order of reports is another: two threads make them
    assert len(asked) == COUNT
    assert asked[-1] == "4.png"


def test_workers_that_are_killed_cost_time_only(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(1)
    killed = []
    real = WorkerProcess.ask

    def ask_and_kill(self: WorkerProcess, request: dict[str, Any], **how: Any) -> dict[str, Any]:
        process = self._running()
        if len(killed) < KILLS:
            killed.append(process.pid)
            threading.Timer(chance.uniform(0, 0.5), lambda: _kill(process.pid)).start()
        return real(self, request, **how)

    monkeypatch.setattr(WorkerProcess, "ask", ask_and_kill)
    count = KILLS + COUNT  # each is asked for at least once: on a fast machine most end before their worker is killed
    rows = [
        {"input": f"{n % COUNT}.png", "output": f"out/{n}.png", "style": "tiny", "strength": (n + 1) / count}
        for n in range(count)
    ]
    (folder / "m.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert statuses(run(retries=KILLS)) == {"done": count}
    assert len(killed) == KILLS
    done = Counter(record["output"] for record in records(folder) if record["result"]["status"] == "done")
    assert done == {row["output"]: 1 for row in rows}
    assert sorted(path.name for path in (folder / "out").iterdir()) == sorted(f"{n}.png" for n in range(count))
    for path in (folder / "out").iterdir():
        assert read_picture(path).pixels.shape == (40, 60, 3)


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def test_a_record_that_cannot_be_written_stops_the_batch(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    run()
    before = (folder / FILE).read_bytes()
    shutil.copy(folder / "1.png", folder / "0.png")
    with monkeypatch.context() as patched:
        patched.setattr("stylecli.stylize.batch.results.os.fsync", full)
        with pytest.raises(MediaError, match="No space"):
            run()
    assert (folder / FILE).read_bytes() == before
    assert statuses(run()) == {"done": 1, "skipped": COUNT - 1}


def test_an_output_that_cannot_be_written_fails_by_name(run: Run, folder: Path) -> None:
    (folder / "out").write_text("no folder")
    ended = run(retries=0)
    assert statuses(ended) == {"failed": COUNT}
    assert all("out" in one.facts["error"] for one in ended)
    assert (folder / "out").read_text() == "no folder"


def test_an_input_that_vanished_fails_by_name(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(self: WorkerProcess, request: dict[str, Any], **how: Any) -> dict[str, Any]:
        Path(request["input"]).unlink(missing_ok=True)
        return real(self, request, **how)

    real = WorkerProcess.ask
    monkeypatch.setattr(WorkerProcess, "ask", ask)
    ended = run(retries=1)
    assert statuses(ended) == {"failed": COUNT}
    assert "does not exist" in ended[0].facts["error"] or "cannot be read" in ended[0].facts["error"]


def test_an_input_that_changes_while_it_is_read_is_not_done(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(self: WorkerProcess, request: dict[str, Any], **how: Any) -> dict[str, Any]:
        answer = real(self, request, **how)
        os.utime(request["input"], (len(asked), len(asked)))
        asked.append(request["input"])
        return answer

    asked: list[str] = []
    real = WorkerProcess.ask
    monkeypatch.setattr(WorkerProcess, "ask", ask)
    assert {one.facts["kind"] for one in run(retries=0)} == {"Changed"}
    monkeypatch.undo()
    assert statuses(run()) == {"done": COUNT}


@pytest.fixture
def sequence(folder: Path) -> Path:
    """A manifest with one row, a sequence of all pictures; gives the folder of its frames."""
    for number in range(COUNT):
        shutil.copy(folder / f"{number}.png", folder / f"shot.{number:04}.png")
    row = {"input": "shot.%04d.png", "output": "frames/%04d.png", "style": "tiny"}
    (folder / "s.jsonl").write_text(json.dumps(row))
    return folder / "frames"


def test_a_sequence_is_done_once(run: Run, folder: Path, sequence: Path) -> None:
    (ended,) = run("s.jsonl")
    assert (ended.status, ended.facts["frames"], ended.facts["pixels"]) == ("done", COUNT, COUNT * 2400)
    assert statuses(run("s.jsonl")) == {"skipped": 1}
    (folder / "shot.0003.png").write_bytes((folder / "0.png").read_bytes())
    before = (sequence / "0003.png").read_bytes()
    assert statuses(run("s.jsonl")) == {"done": 1}
    assert (sequence / "0003.png").read_bytes() != before


def test_a_sequence_goes_on_where_it_was_killed(run: Run, folder: Path, sequence: Path) -> None:
    run("s.jsonl")
    frames = {path: path.read_bytes() for path in sequence.iterdir()}
    lines = (folder / FILE).read_text().splitlines(keepends=True)
    (folder / FILE).write_text(lines[0])  # begun, not ended
    for number in (2, 5):
        (sequence / f"{number:04}.png").unlink()
    before = {path: path.stat().st_mtime_ns for path in sequence.iterdir()}
    assert statuses(run("s.jsonl")) == {"done": 1}
    assert {path: path.read_bytes() for path in sequence.iterdir()} == frames
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_no_frame_of_an_earlier_look_stays_in_a_sequence(
    run: Run, folder: Path, sequence: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("s.jsonl")
    (folder / "s.jsonl").write_text((folder / "s.jsonl").read_text().replace("}", ', "strength": 0.5}'))
    with monkeypatch.context() as patched:
        patched.setattr(WorkerProcess, "ask", lambda *_, **__: {"status": "failed", "kind": "Died", "error": "killed"})
        assert statuses(run("s.jsonl")) == {"failed": 1}
    assert list(sequence.iterdir()) == []
    assert statuses(run("s.jsonl")) == {"done": 1}
    assert len(list(sequence.iterdir())) == COUNT


def test_frames_of_somebody_else_are_never_replaced(run: Run, folder: Path, sequence: Path) -> None:
    sequence.mkdir()
    (sequence / "0004.png").write_text("mine")
    (ended,) = run("s.jsonl")
    assert "overwrite=True" in ended.facts["hint"]
    assert [path.name for path in sequence.iterdir()] == ["0004.png"]
    assert statuses(run("s.jsonl", overwrite=True)) == {"done": 1}
    assert len(list(sequence.iterdir())) == COUNT


def test_a_video_is_an_item_like_any_other(run: Run, folder: Path) -> None:
    frames = (np.full((48, 64, 3), 40 * index, np.uint8) for index in range(5))
    record(folder / "clip.mp4", frames, size=(64, 48), rate=Fraction(5), sound=Sound(chord(1.0), RATE))
    row = {"input": "clip.mp4", "output": "clip-tiny.mkv", "style": "tiny", "crf": 30}
    (folder / "v.jsonl").write_text(json.dumps(row))
    (ended,) = run("v.jsonl")
    assert (ended.facts["frames"], ended.facts["pixels"]) == (5, 5 * 64 * 48)
    assert probe(folder / "clip-tiny.mkv").width == 64
    assert statuses(run("v.jsonl")) == {"skipped": 1}


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_video_that_hangs_its_decoder_costs_itself_alone(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(self: WorkerProcess, request: dict[str, Any], **how: Any) -> dict[str, Any]:
        if request["kind"] != "video":
            return real(self, request, **how)
        os.kill(self._running().pid, signal.SIGSTOP)  # it reads no more, as in a loop inside of libav
        stopped.append(self._running().pid)
        return real(self, request, timeout=0.2)

    stopped: list[int] = []
    real = WorkerProcess.ask
    monkeypatch.setattr(WorkerProcess, "ask", ask)
    shutil.copy(folder / "0.png", folder / "clip.mp4")
    row = {"input": "clip.mp4", "output": "out/clip.mp4", "style": "tiny"}
    with (folder / "m.jsonl").open("a") as manifest:
        manifest.write(json.dumps(row) + "\n")
    ended = run(retries=1)
    assert statuses(ended) == {"done": COUNT, "failed": 1}
    (failed,) = (one for one in ended if one.status == "failed")
    assert (failed.facts["kind"], failed.facts["attempt"]) == ("Timeout", 2)
    assert len(stopped) == 2
    for pid in stopped:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_the_next_item_is_prepared_while_one_is_in_work(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(self: WorkerProcess, request: dict[str, Any], **how: Any) -> dict[str, Any]:
        limit = time.monotonic() + 180
        asked.append(request["input"])
        while len(asked) == 1 and time.monotonic() < limit:
            started = {record["output"] for record in records(folder) if record["result"]["status"] == "started"}
            if len(started) == 2:
                seen.append(started)
                break
        return real(self, request, **how)

    asked: list[str] = []
    seen: list[set[str]] = []
    real = WorkerProcess.ask
    monkeypatch.setattr(WorkerProcess, "ask", ask)
    assert statuses(run(workers=1)) == {"done": COUNT}
    assert len(seen) == 1
