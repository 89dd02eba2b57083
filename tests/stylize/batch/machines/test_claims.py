from __future__ import annotations

import json
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from stylecli.core.errors import MediaError
from stylecli.media.images.files import read_picture
from stylecli.stylize.batch.ledger import ItemOutcome
from stylecli.stylize.batch.machines.claims import Claims, open_claims
from stylecli.stylize.batch.manifests.manifest import read_manifest
from stylecli.stylize.batch.options import BatchOptions
from stylecli.stylize.batch.session import LEASES, run_batch
from tests.stylize.batch.conftest import COUNT

WAIT = 300  # seconds


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def two(tmp_path: Path, clock: Clock) -> tuple[Claims, Claims]:
    return Claims(tmp_path, "first", 10, clock), Claims(tmp_path, "second", 10, clock)


def test_an_item_has_one_holder(two: tuple[Claims, Claims]) -> None:
    first, second = two
    assert first.take("a.png")
    assert not second.take("a.png")
    assert second.take("b.png")
    assert first.take("a.png")  # still
    first.release("a.png")
    assert second.take("a.png")
    assert not first.holds("a.png")


def test_nothing_is_left_behind(two: tuple[Claims, Claims], tmp_path: Path) -> None:
    first, _ = two
    for name in "abc":
        first.take(name)
    first.release_all()
    assert list(tmp_path.iterdir()) == []


def test_a_holder_without_a_sign_of_life_is_taken_over(two: tuple[Claims, Claims], clock: Clock) -> None:
    first, second = two
    first.take("a.png")
    assert not second.take("a.png")
    clock.now = 11
    assert second.take("a.png")
    assert second.holds("a.png")
    assert not first.holds("a.png")
    first.beat()  # it was not dead, only late
    first.release("a.png")
    assert second.holds("a.png")


def test_a_holder_that_lives_keeps_its_item(two: tuple[Claims, Claims], clock: Clock) -> None:
    first, second = two
    first.take("a.png")
    for clock.now in range(0, 100, 9):  # type: ignore[assignment]
        first.beat()
        assert not second.take("a.png")
    assert first.holds("a.png")


def test_clocks_of_two_machines_are_never_compared(tmp_path: Path) -> None:
    early, late = Clock(), Clock()
    late.now = 1e9
    first, second = Claims(tmp_path, "first", 10, early), Claims(tmp_path, "second", 10, late)
    first.take("a.png")
    assert not second.take("a.png")
    late.now += 9
    assert not second.take("a.png")
    late.now += 2
    assert second.take("a.png")


def test_of_many_that_take_over_one_succeeds(tmp_path: Path) -> None:
    clock = Clock()
    Claims(tmp_path, "dead", 10, clock).take("a.png")
    rivals = [Claims(tmp_path, str(number), 10, clock) for number in range(12)]
    for rival in rivals:
        rival.take("a.png")
    clock.now = 11
    start, got = threading.Barrier(len(rivals)), []

    def take(rival: Claims) -> None:
        start.wait()
        if rival.take("a.png"):
            got.append(rival)

    threads = [threading.Thread(target=take, args=(rival,)) for rival in rivals]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 1
    assert [rival for rival in rivals if rival.holds("a.png")] == got


def test_signs_of_life_are_shown_while_leases_are_open(tmp_path: Path) -> None:
    with open_claims(tmp_path / "leases", "worker", seconds=0.05) as claims:
        claims.take("a.png")
        (lease,) = (tmp_path / "leases").iterdir()
        first, limit = lease.read_bytes(), time.monotonic() + WAIT
        while lease.read_bytes() in (first, b"") and time.monotonic() < limit:
            pass
        assert int(lease.read_bytes().split()[-1]) > int(first.split()[-1])
    assert list((tmp_path / "leases").iterdir()) == []


def options(folder: Path) -> BatchOptions:
    return BatchOptions(workers=1, device="cpu", styles_dir=folder / "styles", claim=True)


def done_of(folder: Path) -> Counter[str]:
    lines = [line for path in folder.glob("RESULTS*.jsonl") for line in path.read_text().splitlines()]
    rows = [json.loads(line) for line in lines if line.endswith("}")]
    return Counter(row["output"] for row in rows if row["result"]["status"] == "done")


def test_two_workers_share_the_items(folder: Path) -> None:
    items = read_manifest(folder / "m.jsonl", styles_dir=folder / "styles")
    ended: list[list[ItemOutcome]] = []
    threads = [
        threading.Thread(target=lambda: ended.append(run_batch(items, folder, options(folder)))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(one) for one in ended] == [COUNT, COUNT]  # each sees the end of all
    assert {one.status for own in ended for one in own} <= {"done", "skipped"}
    assert done_of(folder) == {f"out/{number}.png": 1 for number in range(COUNT)}
    assert list((folder / LEASES).iterdir()) == []


def test_an_item_that_fails_elsewhere_is_a_failure_here(folder: Path) -> None:
    (folder / "2.png").write_bytes(b"no picture")
    items = read_manifest(folder / "m.jsonl", styles_dir=folder / "styles")
    ended: list[list[ItemOutcome]] = []
    threads = [
        threading.Thread(target=lambda: ended.append(run_batch(items, folder, options(folder)))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for own in ended:
        (failed,) = (one for one in own if one.status == "failed")
        assert "2.png" in failed.facts["error"]


@pytest.mark.parametrize("skew", [-7200, 7200])
def test_workers_whose_clocks_differ_do_nothing_twice(
    folder: Path, monkeypatch: pytest.MonkeyPatch, skew: float
) -> None:
    items = read_manifest(folder / "m.jsonl", styles_dir=folder / "styles")
    (folder / "2.png").rename(folder / "hidden.png")
    real = time.time
    monkeypatch.setattr("stylecli.stylize.batch.results.time.time", lambda: real() + skew)
    run_batch(items, folder, options(folder))
    monkeypatch.undo()
    (folder / "hidden.png").rename(folder / "2.png")
    assert Counter(one.status for one in run_batch(items, folder, options(folder)))["done"] == 1
    assert {one.status for one in run_batch(items, folder, options(folder))} == {"skipped"}


@pytest.mark.skipif(sys.platform == "win32", reason="an open folder cannot be moved there")
@pytest.mark.parametrize("claim", [True, False])
def test_a_shared_folder_that_disappears_is_named_and_nothing_is_lost(
    folder: Path, tmp_path: Path, claim: bool
) -> None:
    how = replace(options(folder), claim=claim, lease_seconds=1)
    shared = tmp_path / "mount"
    shared.mkdir()
    for path in [*folder.glob("*.png"), folder / "m.jsonl"]:
        shutil.copy(path, shared)
    items = read_manifest(shared / "m.jsonl", styles_dir=folder / "styles")

    def disappear(_: ItemOutcome) -> None:
        if shared.exists():
            shared.rename(tmp_path / "gone")

    with pytest.raises(MediaError, match="mount"):
        run_batch(items, shared, how, report=disappear)
    (tmp_path / "gone").rename(shared)
    statuses = Counter(one.status for one in run_batch(items, shared, how))
    assert statuses["failed"] == 0
    assert set(done_of(shared).values()) == {1}
    assert len(done_of(shared)) == COUNT


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_workers_that_are_killed_are_taken_over_and_nothing_is_done_twice(folder: Path) -> None:
    count, chance = 24, random.Random(5)
    rows = []
    for number in range(count):
        shutil.copy(folder / f"{number % COUNT}.png", folder / f"in{number}.png")
        rows.append({"input": f"in{number}.png", "output": f"out/{number}.png", "style": "tiny"})
    (folder / "m.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    line = [sys.executable, "-m", "stylecli", "batch", str(folder / "m.jsonl"), "--claim", "--lease", "2"]
    line += ["--workers", "1", "--device", "cpu", "--styles-dir", str(folder / "styles"), "--json"]

    def start() -> subprocess.Popen[str]:
        return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    survivor = start()
    killed = 0
    for _ in range(4):
        process = start()
        assert process.stdout
        for text in process.stdout:
            if '"event": "result"' in text:
                break
        with_pause = chance.uniform(0, 0.05)
        try:
            process.wait(with_pause)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            killed += 1
        process.communicate(timeout=WAIT)
    output, _ = survivor.communicate(timeout=WAIT)
    assert survivor.returncode == 0
    assert killed >= 1
    summary = json.loads(output.splitlines()[-1])
    assert (summary["done"] + summary["skipped"], summary["failed"]) == (count, 0)
    assert done_of(folder) == {f"out/{number}.png": 1 for number in range(count)}
    names = sorted(path.name for path in (folder / "out").iterdir())
    assert all(re.fullmatch(r"\d+\.png|\.[0-9a-f]{16}\.png", name) for name in names)  # drafts of the killed ones
    assert read_picture(folder / "out" / "0.png").pixels.shape == (40, 60, 3)
