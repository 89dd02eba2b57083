from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from stylecli.core.errors import UsageError
from stylecli.stylize.batch.folders import FolderRule, rows_of_folder, write_manifest
from stylecli.stylize.batch.manifest import read_manifest
from stylecli.stylize.batch.watch import SETTLED, Arrivals


@pytest.fixture
def photos(tmp_path: Path, photo_file: Path) -> Path:
    for name in ("photos/a.png", "photos/deep/b.png", "photos/deep/c.gif", "photos/.hidden/d.png", "photos/notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(photo_file, tmp_path / name)
    return tmp_path / "photos"


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


def test_a_file_is_taken_once_it_stays_as_it_is(photos: Path) -> None:
    now = [0.0]
    arrivals = Arrivals(FolderRule(photos, photos.parent / "out", ["x"], include=["a.png"]), photos, lambda: now[0])
    assert arrivals.items() == ([], True)
    with (photos / "a.png").open("ab") as file:
        file.write(b"more")
    now[0] = SETTLED
    assert arrivals.items() == ([], True)
    now[0] = 2 * SETTLED
    (item,), growing = arrivals.items()
    assert (item.input, growing) == ("a.png", False)
    assert arrivals.items() == ([], False)


def test_a_file_that_changes_is_taken_again(photos: Path) -> None:
    now = [0.0]
    arrivals = Arrivals(FolderRule(photos, photos.parent / "out", ["x"], include=["a.png"]), photos, lambda: now[0])
    arrivals.items()
    now[0] = SETTLED
    assert len(arrivals.items()[0]) == 1
    os.utime(photos / "a.png", (1, 1))
    assert arrivals.items() == ([], True)
    now[0] = 2 * SETTLED
    assert len(arrivals.items()[0]) == 1


def test_an_empty_file_is_waited_for(photos: Path) -> None:
    (photos / "a.png").write_bytes(b"")
    now = [0.0]
    arrivals = Arrivals(FolderRule(photos, photos.parent / "out", ["x"], include=["a.png"]), photos, lambda: now[0])
    arrivals.items()
    now[0] = 9 * SETTLED
    assert arrivals.items() == ([], True)
