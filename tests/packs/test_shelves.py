"""Styles are found on their shelves; others come onto one and go."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from pathlib import Path

import platformdirs
import pytest

from stylecli.core.errors import MediaError, PackError, UsageError
from stylecli.packs.card import read_card
from stylecli.packs.safety import verify
from stylecli.packs.shelves import (
    add_style,
    bundled_shelf,
    check_style,
    find_style,
    list_styles,
    remove_style,
    shelves,
    style_name,
)
from tests.support.limits import files_no_larger_than
from tests.support.packs import StyleFactory, flip_a_byte


def test_shelves_are_listed_nearest_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STYLECLI_STYLES", str(tmp_path / "variable"))
    user = platformdirs.user_data_path("stylecli", appauthor=False) / "styles"
    assert shelves(tmp_path / "option") == (tmp_path / "option", tmp_path / "variable", user, bundled_shelf())


def test_the_nearest_shelf_wins(make_style: StyleFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    near, far = make_style(tmp_path / "near", "wave"), make_style(tmp_path / "far", "wave")
    monkeypatch.setenv("STYLECLI_STYLES", str(tmp_path / "far"))
    assert find_style("wave").folder == far
    assert find_style("wave", tmp_path / "near").folder == near
    assert [pack.folder for pack in list_styles(tmp_path / "near") if pack.name == "wave"] == [near]


def test_a_new_folder_is_a_new_style(make_style: StyleFactory, tmp_path: Path) -> None:
    before = _names(tmp_path)
    make_style(tmp_path, "wave")
    assert _names(tmp_path) - before == {"wave"}


def test_damaged_styles_and_other_folders_are_not_listed(make_style: StyleFactory, tmp_path: Path) -> None:
    before = _names(tmp_path)
    (make_style(tmp_path, "damaged") / "card.json").write_text("{}")
    make_style(tmp_path, "hidden").rename(tmp_path / ".hidden")
    (tmp_path / "no-style").mkdir()
    assert _names(tmp_path) == before


def test_a_missing_shelf_is_refused(make_style: StyleFactory, tmp_path: Path) -> None:
    """Without it, another style of the same name would be taken."""
    wave = make_style(tmp_path / "there", "wave")
    for use in (list_styles, lambda shelf: find_style("wave", shelf), lambda shelf: check_style("wave", shelf)):
        with pytest.raises(UsageError, match=r"nowhere: no such folder of styles\. Give .*`styles_dir`"):
            use(tmp_path / "nowhere")
    assert find_style(wave, tmp_path / "nowhere").folder == wave  # a path needs no shelf


def test_a_variable_that_names_no_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("STYLECLI_STYLES", str(tmp_path / "file"))
    with pytest.raises(UsageError, match=r"file: no such folder of styles\. Correct \$STYLECLI_STYLES"):
        list_styles(tmp_path)


def test_the_users_own_shelf_may_be_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = _names(tmp_path)
    monkeypatch.setattr("platformdirs.user_data_path", lambda *_, **__: tmp_path / "nowhere")
    assert _names(tmp_path) <= before


def test_adding_a_style_makes_the_shelf(make_style: StyleFactory, tmp_path: Path) -> None:
    add_style(make_style(tmp_path, "wave"), tmp_path / "new" / "shelf")
    assert find_style("wave", tmp_path / "new" / "shelf").name == "wave"


@pytest.mark.parametrize("text", ["great-wave", "Great Wave", "GREAT_WAVE", " great  wave "])
def test_a_name_is_found_however_it_is_spelled(make_style: StyleFactory, tmp_path: Path, text: str) -> None:
    make_style(tmp_path, "great-wave")
    assert find_style(text, tmp_path).name == "great-wave"
    assert style_name(text) == "great-wave"


def test_an_unknown_name_names_close_ones(make_style: StyleFactory, tmp_path: Path) -> None:
    make_style(tmp_path, "tidal-wave")
    with pytest.raises(PackError, match=r"^tidal-wav: no style of this name\. Did you mean tidal-wave\?$"):
        find_style("tidal-wav", tmp_path)


def test_an_unknown_name_without_close_ones_names_the_list(tmp_path: Path) -> None:
    with pytest.raises(PackError, match=r"^xyzzy: no style of this name\. `stylecli styles list`"):
        find_style("xyzzy", tmp_path)


def test_a_variant_behind_a_colon_is_explained(make_style: StyleFactory, tmp_path: Path) -> None:
    make_style(tmp_path, "wave")
    with pytest.raises(PackError) as error:
        find_style("wave:quality", tmp_path)
    assert error.value.hint == 'Choose a variant with `variant="quality"`.'


def test_a_file_is_no_style(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").touch()
    with pytest.raises(PackError, match="not a style"):
        find_style(tmp_path / "photo.jpg")


def test_a_path_opens_its_folder(tiny_style: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_style(str(tiny_style)).folder == tiny_style
    assert find_style(tiny_style).folder == tiny_style
    monkeypatch.chdir(tiny_style.parent)
    assert find_style("tiny").name == "tiny"


def test_a_path_that_is_no_style_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="not a style"):
        find_style(f"{tmp_path}/wave")


def test_a_link_to_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "wave").symlink_to("wave")
    with pytest.raises(PackError, match="wave"):
        find_style(tmp_path / "wave")


def test_a_damaged_style_is_named_when_asked_for(make_style: StyleFactory, tmp_path: Path) -> None:
    (make_style(tmp_path, "wave") / "card.json").write_text("{}")
    with pytest.raises(PackError, match=r"^wave/card\.json: format is missing"):
        find_style("wave", tmp_path)


def test_a_renamed_folder_is_refused(make_style: StyleFactory, tmp_path: Path) -> None:
    make_style(tmp_path, "wave").rename(tmp_path / "sea")
    with pytest.raises(PackError, match="name is wave, but its folder is sea"):
        find_style("sea", tmp_path)


def test_a_folder_with_a_name_that_no_style_has_is_refused(make_style: StyleFactory, tmp_path: Path) -> None:
    make_style(tmp_path, "wave").rename(tmp_path / "My_Wave")
    assert check_style("My_Wave", tmp_path) == [
        "My_Wave/card.json: name is wave, but its folder is My_Wave. Rename one of the two."
    ]


def test_a_folder_is_added(stranger: Path, shelf: Path) -> None:
    pack = add_style(stranger, shelf)
    assert pack == find_style("wave", shelf)
    assert _contents(pack.folder) == _contents(stranger)


def test_a_folder_is_added_under_the_name_in_its_card(stranger: Path, shelf: Path) -> None:
    renamed = stranger.rename(stranger.parent / "wave-main (1)")
    assert add_style(renamed, shelf).folder == shelf / "wave"


def test_an_existing_style_is_kept(make_style: StyleFactory, stranger: Path, shelf: Path) -> None:
    make_style(shelf, "wave", title="Mine")
    with pytest.raises(UsageError, match="replace=True"):
        add_style(stranger, shelf)
    assert read_card(shelf / "wave").title == "Mine"


def test_an_existing_style_is_replaced_when_asked(make_style: StyleFactory, stranger: Path, shelf: Path) -> None:
    make_style(shelf, "wave", title="Mine")
    add_style(stranger, shelf, replace=True)
    assert read_card(shelf / "wave").title == "Wave"
    assert _contents(shelf) == {}


def test_an_existing_style_survives_a_failed_replacement(
    make_style: StyleFactory, stranger: Path, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_style(shelf, "wave", title="Mine")
    rename = Path.rename

    def interrupted(path: Path, target: Path) -> Path:
        if path.parent != shelf and target == shelf / "wave" and path.name == "wave":
            raise KeyboardInterrupt
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        add_style(stranger, shelf, replace=True)
    assert read_card(shelf / "wave").title == "Mine"


def test_an_interruption_leaves_nothing(stranger: Path, shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: Path) -> list[str]:
        raise KeyboardInterrupt

    monkeypatch.setattr("stylecli.packs.shelves.verify", interrupted)
    with pytest.raises(KeyboardInterrupt):
        add_style(stranger, shelf)
    assert list(shelf.iterdir()) == []


def test_the_next_addition_removes_what_a_killed_one_left(stranger: Path, shelf: Path) -> None:
    for name, age in ((".stylecli-old", 7200), (".stylecli-new", 60)):  # seconds; a new one may be at work
        (shelf / name).mkdir(parents=True)
        (shelf / name / "card.json").touch()
        os.utime(shelf / name, (time.time() - age,) * 2)
    add_style(stranger, shelf)
    assert sorted(path.name for path in shelf.iterdir()) == [".stylecli-new", "wave"]


def test_a_pack_with_problems_is_not_added(stranger: Path, shelf: Path) -> None:
    flip_a_byte(stranger / "fast.onnx")
    with pytest.raises(PackError, match=r"wave/fast\.onnx: not the file .* Nothing was added\."):
        add_style(stranger, shelf)
    assert list(shelf.iterdir()) == []


def test_a_newer_pack_asks_for_an_upgrade(stranger: Path, shelf: Path) -> None:
    (stranger / "card.json").write_text('{"format": 2}')
    with pytest.raises(PackError, match=r"wave/card\.json: format 2, this stylecli reads 1\. Upgrade stylecli\."):
        add_style(stranger, shelf)


def test_a_style_is_removed(stranger: Path, shelf: Path) -> None:
    add_style(stranger, shelf)
    remove_style("Wave", shelf)
    assert list(shelf.iterdir()) == []


def test_a_damaged_style_is_removed(make_style: StyleFactory, shelf: Path) -> None:
    (make_style(shelf, "wave") / "card.json").write_text("")
    remove_style("wave", shelf)
    assert list(shelf.iterdir()) == []


def test_a_linked_style_is_unlinked_and_kept(stranger: Path, shelf: Path) -> None:
    shelf.mkdir()
    (shelf / "wave").symlink_to(stranger)
    remove_style("wave", shelf)
    assert list(shelf.iterdir()) == []
    assert verify(stranger) == []


def test_an_unknown_style_is_not_removed(stranger: Path, shelf: Path) -> None:
    add_style(stranger, shelf)
    with pytest.raises(PackError, match=r"waves: no style of this name\. Did you mean wave\?"):
        remove_style("waves", shelf)


@pytest.mark.parametrize("from_bundled", [False, True])
def test_a_bundled_style_stays(
    stranger: Path, shelf: Path, monkeypatch: pytest.MonkeyPatch, from_bundled: bool
) -> None:
    monkeypatch.setattr("stylecli.packs.shelves.bundled_shelf", lambda: stranger.parent)
    with pytest.raises(PackError, match="wave: comes with stylecli and stays"):
        remove_style("wave", stranger.parent if from_bundled else shelf)
    assert verify(stranger) == []


@pytest.mark.parametrize("change", [add_style, lambda _, shelf: remove_style("wave", shelf)], ids=["add", "remove"])
def test_a_shelf_that_cannot_be_written_is_a_fault_of_files_not_of_the_style(
    stranger: Path, shelf: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path, Path], object]
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    add_style(stranger, shelf)
    monkeypatch.setattr("tempfile.mkdtemp", refuse)
    with pytest.raises(MediaError, match=r"shelf: cannot be written \(Permission denied\)\. Name another shelf"):
        change(stranger, shelf)
    assert [path.name for path in shelf.iterdir()] == ["wave"]


@pytest.mark.skipif(os.name != "posix", reason="limits of POSIX")
def test_a_full_shelf_gets_nothing(stranger: Path, shelf: Path) -> None:
    with pytest.raises(MediaError, match=r"cannot be copied to .*shelf"), files_no_larger_than(10):
        add_style(stranger, shelf)
    assert list(shelf.iterdir()) == []


def _names(shelf: Path) -> set[str]:
    return {pack.name for pack in list_styles(shelf)}


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
