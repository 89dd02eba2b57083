"""Real clusters of processes on the loopback. Asked for: pytest tests/stylize/batch -m ray."""

from __future__ import annotations

import importlib
import importlib.util
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stylecli.core.errors import DeviceError, UsageError
from stylecli.media.images.files import read_picture
from stylecli.stylize.batch.machines import ray_cluster
from stylecli.stylize.batch.machines.ray_cluster import open_ray_workers
from stylecli.stylize.batch.options import BatchOptions
from tests.stylize.batch.conftest import COUNT
from tests.support.documents import blocks

COPIES = 6  # of each picture of the folder, so that the batch outlives the death of a node
NODES = 3
ATTEMPTS = 4  # to start a node
WAIT = 600  # seconds
OBJECT_STORE = 80 << 20  # bytes, the smallest that Ray takes: paths travel, never pixels


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    line = [sys.executable, "-m", "stylecli", "batch", "m.jsonl", *arguments]
    where = ["--device", "cpu", "--styles-dir", "styles", "--json"]
    return subprocess.Popen([*line, *where], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def many(folder: Path) -> Path:
    """The folder with a row for each of the copies, whose brush makes a different result of each."""
    rows = [
        {"input": f"{n % COUNT}.png", "output": f"out/{n}.png", "style": "tiny", "strength": (n + 1) / COUNT / COPIES}
        for n in range(COUNT * COPIES)
    ]
    (folder / "m.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


@pytest.fixture
def cluster() -> Iterator[Any]:
    """A cluster of a head that does no items; `added` adds nodes that do."""
    made = importlib.import_module("ray.cluster_utils").Cluster()
    try:
        added(made, 0, include_dashboard=False, include_log_monitor=False, no_monitor=True)
        yield made
    finally:
        made.shutdown()


def added(cluster: Any, cores: int, **options: Any) -> Any:
    """A new node of a cluster.

    On a busy machine it is tried again: a node of Ray 2.60, unlike one of 2.52, ends when the Python processes that it
    starts have not told it their ports within 15 s (ray-project/ray#65983).
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return cluster.add_node(num_cpus=cores, object_store_memory=OBJECT_STORE, **options)
        except Exception:  # Ray raises bare ones
            if attempt == ATTEMPTS:
                raise
    raise AssertionError


def results(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "out").iterdir() if not path.name.startswith(".")}


def test_ray_that_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match="Ray is missing"), open_ray_workers(BatchOptions(ray="local")):
        pass


@pytest.mark.parametrize(("address", "tries"), [("local", ray_cluster.STARTS), ("auto", 1)])
def test_a_cluster_of_this_machine_is_started_again(monkeypatch: pytest.MonkeyPatch, address: str, tries: int) -> None:
    class BusyRay:
        began = ended = 0

        def init(self, *_: object, **__: object) -> None:
            self.began += 1
            raise RuntimeError("timed out")

        def shutdown(self) -> None:
            self.ended += 1

    busy = BusyRay()
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: True)
    monkeypatch.setattr(ray_cluster, "_imported_ray", lambda: busy)
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    with pytest.raises(DeviceError, match="timed out"), open_ray_workers(BatchOptions(ray=address)):
        pass
    assert (busy.began, busy.ended) == (tries, tries)


@pytest.mark.ray
def test_a_node_that_is_killed_costs_its_running_items_alone(many: Path, cluster: Any) -> None:
    nodes = [added(cluster, 1) for _ in range(NODES)]
    cluster.wait_for_nodes()
    process = start(many, "--ray", cluster.address, "--retries", "3")
    assert process.stdout
    results_told = []
    for line in process.stdout:
        if (event := json.loads(line))["event"] == "result":
            results_told.append(event)
            if len(results_told) == COUNT:
                cluster.remove_node(nodes[1], allow_graceful=False)
    process.wait(WAIT)
    assert process.returncode == 0, process.stderr and process.stderr.read()
    done = Counter(one["output"] for one in results_told if one["status"] == "done")
    assert done == {f"out/{number}.png": 1 for number in range(COUNT * COPIES)}
    distributed = results(many)
    (many / "out").rename(many / "distributed")
    (many / "RESULTS.jsonl").unlink()
    alone = start(many)
    alone.communicate(timeout=WAIT)
    assert alone.returncode == 0
    assert results(many) == distributed  # byte by byte


@pytest.mark.ray
def test_without_an_address_it_runs_on_this_machine(folder: Path) -> None:
    line, _ = blocks("docs/batch.md", "Several machines", "sh ray")[0].splitlines()
    assert line.split()[:5] == ["stylecli", "batch", "m.jsonl", "--ray", "#"]  # what `start` runs
    (folder / "2.png").write_bytes(b"no picture")
    process = start(folder, "--ray", "--workers", "2", "--retries", "0")
    output, _ = process.communicate(timeout=WAIT)
    assert process.returncode == 6
    assert json.loads(output.splitlines()[-1]) == {"event": "summary", "done": COUNT - 1, "skipped": 0, "failed": 1}
    assert read_picture(folder / "out" / "0.png").pixels.shape == (40, 60, 3)


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "[::1]:1", "127.0.0.1:99999"])
def test_a_cluster_that_is_not_there_is_named_at_once(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: True)
    monkeypatch.setattr(ray_cluster, "_imported_ray", lambda: None)
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    with (
        pytest.raises(DeviceError, match=re.escape(f"{address}: no Ray cluster")),
        open_ray_workers(BatchOptions(ray=address)),
    ):
        pass
