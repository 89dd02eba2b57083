from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stylecli.core.errors import StyleError, UsageError
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
    assert write_manifest(photos.parent / "m.jsonl", rule, styles_dir=tiny_style.parent) == 2
    items = read_manifest(photos.parent / "m.jsonl", styles_dir=tiny_style.parent)
    assert [(item.input, item.strength) for item in items] == [("photos/a.png", 0.5), ("photos/deep/b.png", 0.5)]


def test_a_manifest_elsewhere_names_outputs_absolutely(photos: Path, tiny_style: Path) -> None:
    (photos.parent / "lists").mkdir()
    rule = FolderRule(photos, photos.parent / "out", ["tiny"], include=["a.png"])
    write_manifest(photos.parent / "lists" / "m.jsonl", rule, styles_dir=tiny_style.parent)
    (row,) = map(json.loads, (photos.parent / "lists" / "m.jsonl").read_text().splitlines())
    assert row["input"] == str(Path("..", "photos", "a.png"))
    assert row["output"] == str(photos.parent / "out" / "a-tiny.png")
    assert len(read_manifest(photos.parent / "lists" / "m.jsonl", styles_dir=tiny_style.parent)) == 1


def test_a_folder_without_pictures_is_refused(tmp_path: Path, tiny_style: Path) -> None:
    rule = FolderRule(tmp_path, tmp_path / "out", ["tiny"])
    with pytest.raises(UsageError, match="no picture"):
        write_manifest(tmp_path / "m.jsonl", rule, styles_dir=tiny_style.parent)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"styles": ["nothing-like-it"]}, "no style of this name"),
        ({"columns": {"variant": "none"}}, "variant"),
        ({"columns": {"quality": 400}}, "quality 400 is not valid"),
        ({"columns": {"style": "x"}}, "style is not for all rows"),
        ({"columns": {"crf": 20}}, "crf makes no sense"),
        ({"columns": {"lossless": True}, "name": "{stem}.jpg"}, "a.png: "),
        ({"columns": {"mask": "none.png"}}, "mask none.png does not exist"),
        ({"name": "{stem}.xyz"}, "not a format"),
        ({"name": "{stem}.png", "styles": ["tiny", "tiny"]}, "several styles need"),
        ({"styles": ["tiny", "tiny"]}, "also the output"),
        ({"source": Path("none")}, "none: is not a folder"),
    ],
)
def test_faults_are_found_before_the_manifest_is_written(
    photos: Path, tiny_style: Path, changes: dict[str, Any], says: str
) -> None:
    rule = FolderRule(photos, photos.parent / "out", ["tiny"], include=["*.png"])
    with pytest.raises(StyleError, match=says):
        write_manifest(photos.parent / "m.jsonl", replace(rule, **changes), styles_dir=tiny_style.parent)
    assert not (photos.parent / "m.jsonl").exists()


def test_columns_of_another_kind_are_left_out(photos: Path, tiny_style: Path) -> None:
    (photos / "clip.mp4").touch()
    rule = FolderRule(photos, photos.parent / "out", ["tiny"], columns={"bits": 16, "crf": 20, "strength": 0.5})
    rows = {Path(row["input"]).name: row for row in rows_of_folder(rule, photos)}
    assert {"bits", "crf", "strength"} & rows["a.png"].keys() == {"bits", "strength"}
    assert {"bits", "crf", "strength"} & rows["clip.mp4"].keys() == {"crf", "strength"}


def test_the_folder_of_a_style_is_found_from_wherever_the_manifest_is_run(
    photos: Path, tiny_style: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tiny_style.parent)
    rule = FolderRule(photos, photos.parent / "out", [f"./{tiny_style.name}"], include=["a.png"])
    write_manifest(photos.parent / "m.jsonl", rule)
    monkeypatch.chdir(photos)
    (item,) = read_manifest(photos.parent / "m.jsonl")
    assert item.style == str(tiny_style)
