from __future__ import annotations

from pathlib import Path

import pytest

from stylecli.core.errors import UsageError
from stylecli.stylize.batch.manifests.manifest import read_manifest
from stylecli.stylize.batch.options import BatchOptions
from stylecli.stylize.batch.session import chosen_items, run_batch


def test_rows_are_done_alone_and_known_to_later_runs(folder: Path) -> None:
    items = read_manifest(folder / "m.jsonl", styles_dir=folder / "styles")
    how = BatchOptions(workers=1, device="cpu", styles_dir=folder / "styles", rows=((1, 2), (4, 4)))
    chosen = {one.item.output for one in run_batch(items, folder, how)}
    assert chosen == {"out/0.png", "out/1.png", "out/3.png"}
    whole = run_batch(items, folder, BatchOptions(workers=1, device="cpu", styles_dir=folder / "styles"))
    assert sorted(one.item.output for one in whole if one.status == "skipped") == [
        "out/0.png",
        "out/1.png",
        "out/3.png",
    ]
    assert {one.status for one in whole} == {"done", "skipped"}


def test_rows_behind_the_last_are_refused(folder: Path) -> None:
    items = read_manifest(folder / "m.jsonl", styles_dir=folder / "styles")
    with pytest.raises(UsageError, match="no item 9"):
        chosen_items(items, BatchOptions(rows=((1, 2), (8, 9))))
    assert chosen_items(items, BatchOptions()) == items
