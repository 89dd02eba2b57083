from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from stylecli.core.errors import UsageError
from stylecli.stylize.batch.manifests.folders import FolderRule, rows_of_folder, write_manifest
from stylecli.stylize.batch.manifests.manifest import read_manifest


def outputs(rule: FolderRule, base: Path) -> list[str]:
    return [row["output"] for row in rows_of_folder(rule, base)]


def test_the_structure_is_kept(photos: Path) -> None:
    rule = FolderRule(photos, photos.parent / "out", ["x", "y"], include=["*.png"])
    assert outputs(rule, photos.parent) == ["out/a-x.png", "out/a-y.png", "out/deep/b-x.png", "out/deep/b-y.png"]


def test_globs_include_and_exclude(photos: Path) -> None:
    rule = FolderRule(photos, photos.parent / "out", ["x"], include=["*.png"], exclude=["deep/*"])
    assert outputs(rule, photos.parent) == ["out/a-x.png"]


def test_the_name_is_a_pattern(photos: Path) -> None:
    rule = FolderRule(photos, photos.parent / "out", ["x"], include=["a.png"], name="{style}/{stem}.jpg")
    assert outputs(rule, photos.parent) == ["out/x/a.jpg"]
    with pytest.raises(UsageError, match="only"):
        outputs(FolderRule(photos, photos, ["x"], name="{what}"), photos)


def test_the_results_are_no_sources(photos: Path) -> None:
    (photos / "out").mkdir()
    shutil.copy(photos / "a.png", photos / "out" / "a-x.png")
    assert outputs(FolderRule(photos, photos / "out", ["x"], include=["*.png"]), photos) == [
        "out/a-x.png",
        "out/deep/b-x.png",
    ]


def test_the_manifest_of_a_folder_can_be_run(photos: Path, tiny_style: Path) -> None:
    rule = FolderRule(photos, photos.parent / "out", ["tiny"], include=["*.png"], columns={"strength": 0.5})
    assert write_manifest(photos.parent / "m.jsonl", rule) == 2
    items = read_manifest(photos.parent / "m.jsonl", styles_dir=tiny_style.parent)
    assert [(item.input, item.strength) for item in items] == [("photos/a.png", 0.5), ("photos/deep/b.png", 0.5)]


def test_a_manifest_elsewhere_names_outputs_absolutely(photos: Path, tiny_style: Path) -> None:
    (photos.parent / "lists").mkdir()
    rule = FolderRule(photos, photos.parent / "out", ["tiny"], include=["a.png"])
    write_manifest(photos.parent / "lists" / "m.jsonl", rule)
    (row,) = map(json.loads, (photos.parent / "lists" / "m.jsonl").read_text().splitlines())
    assert row["input"] == str(Path("..", "photos", "a.png"))
    assert row["output"] == str(photos.parent / "out" / "a-tiny.png")
    assert len(read_manifest(photos.parent / "lists" / "m.jsonl", styles_dir=tiny_style.parent)) == 1


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no picture"):
        write_manifest(tmp_path / "m.jsonl", FolderRule(tmp_path, tmp_path / "out", ["x"]))
