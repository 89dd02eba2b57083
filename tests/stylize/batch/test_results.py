from __future__ import annotations

from pathlib import Path

from stylecli.stylize.batch.manifests.manifest import read_manifest
from stylecli.stylize.batch.results import FILE, Results


def test_results_know_what_they_wrote(folder: Path) -> None:
    (item, *_) = read_manifest(folder / "m.jsonl", styles_dir=folder / "styles")
    results = Results(folder / FILE)
    assert not results.is_ours(item)
    results.append(item, {"status": "failed", "key": "k"})
    assert not Results(folder / FILE).is_ours(item)
    results.append(item, {"status": "done", "key": "k"})
    assert Results(folder / FILE).is_ours(item)
    assert Results(folder / FILE).is_done(item, "k")
    assert not Results(folder / FILE).is_done(item, "other")
