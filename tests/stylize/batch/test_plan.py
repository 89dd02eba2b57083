from __future__ import annotations

from pathlib import Path

from stylecli.stylize.batch.manifests.manifest import read_manifest
from stylecli.stylize.batch.options import BatchOptions
from stylecli.stylize.batch.plan import plan_batch
from stylecli.stylize.batch.results import FILE
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
