from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from numpy.typing import NDArray

from stylecli.stylize.batch.manifests.manifest import read_manifest
from stylecli.stylize.batch.options import BatchOptions
from stylecli.stylize.batch.plan import plan_batch
from stylecli.stylize.batch.results import FILE
from stylecli.stylize.batch.workers.processes import WorkerProcess
from tests.stylize.batch.conftest import COUNT


def test_the_plan_counts_and_measures(folder: Path) -> None:
    items = read_manifest(folder / "m.jsonl", styles_dir=folder / "styles")
    plan = plan_batch(items, folder, BatchOptions(workers=2, device="cpu", styles_dir=folder / "styles"))
    assert (plan.items, plan.pictures, plan.videos, plan.frames, plan.pixels) == (COUNT, COUNT, 0, COUNT, COUNT * 2400)
    assert plan.seconds is not None
    assert plan.bytes_needed > COUNT * 1000
    assert plan.bytes_free > 0
    assert not (folder / "out").exists()
    assert not (folder / FILE).exists()


def test_frames_count_where_the_result_holds_them(folder: Path, photo: NDArray[np.uint8]) -> None:
    frames = [PIL.Image.fromarray(np.roll(photo[:60, :80], 20 * number, 1)) for number in range(3)]
    frames[0].save(folder / "a.gif", save_all=True, append_images=frames[1:])
    rows = [{"input": "a.gif", "output": output, "style": "tiny"} for output in ("a.webp", "a.jpg")]
    (folder / "m.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    items = read_manifest(folder / "m.jsonl", styles_dir=folder / "styles")
    plan = plan_batch(items, folder, BatchOptions(workers=2, device="cpu", styles_dir=folder / "styles"))
    assert (plan.items, plan.frames) == (2, 4)


def test_the_frames_of_a_sequence_are_counted(folder: Path) -> None:
    for number in range(COUNT):
        (folder / f"{number}.png").rename(folder / f"shot.{number:04}.png")
    (folder / "m.jsonl").write_text(json.dumps({"input": "shot.%04d.png", "output": "out/%04d.png", "style": "tiny"}))
    items = read_manifest(folder / "m.jsonl", styles_dir=folder / "styles")
    plan = plan_batch(items, folder, BatchOptions(workers=2, device="cpu", styles_dir=folder / "styles"))
    assert (plan.items, plan.sequences, plan.frames, plan.pixels) == (1, 1, COUNT, COUNT * 2400)
    assert plan.seconds is not None
    assert plan.bytes_needed > COUNT * 1000


@pytest.mark.parametrize(("columns", "detail"), [({}, 0), ({"detail": 1}, 1)])
def test_the_sample_of_a_sequence_is_painted_as_its_frames(
    folder: Path, monkeypatch: pytest.MonkeyPatch, columns: dict[str, float], detail: float
) -> None:
    (folder / "0.png").rename(folder / "shot.0000.png")
    row = {"input": "shot.%04d.png", "output": "out/%04d.png", "style": "tiny", **columns}
    (folder / "m.jsonl").write_text(json.dumps(row))
    asked, ask = [], WorkerProcess.ask

    def listen(worker: WorkerProcess, request: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        asked.append(request)
        return ask(worker, request, **more)

    monkeypatch.setattr(WorkerProcess, "ask", listen)
    items = read_manifest(folder / "m.jsonl", styles_dir=folder / "styles")
    plan_batch(items, folder, BatchOptions(workers=1, device="cpu", styles_dir=folder / "styles"))
    assert [(one["fill"], one["detail"]) for one in asked if one["kind"] == "picture"] == [(0, detail)]
