"""`stylecli styles`: what it prints, where, and how it exits."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from stylecli.cli.app import suite
from stylecli.packs.shelves import find_style
from tests.support.packs import StyleFactory


@pytest.fixture(autouse=True)
def _without_bundled_styles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stylecli.packs.shelves.bundled_shelf", lambda: tmp_path / "bundled")


@pytest.fixture
def shelf(make_style: StyleFactory, tmp_path: Path) -> Path:
    """Give a shelf of two styles."""
    make_style(tmp_path / "shelf", "great-wave", artist="Hokusai", year=1831)
    make_style(tmp_path / "shelf", "the-scream", artist="Munch", measured={"content": {"kodak": 0.84}})
    return tmp_path / "shelf"


def test_list_names_every_style(shelf: Path) -> None:
    lines = _styles("list", "--styles-dir", shelf).stdout.splitlines()
    assert [line.split("\t")[0] for line in lines] == ["style", "great-wave", "the-scream"]
    assert "Hokusai\t1831\tfast" in lines[1]


def test_list_prints_one_json_object_a_line(shelf: Path) -> None:
    styles = _json_lines(_styles("list", "--json", "--styles-dir", shelf))
    assert [style["style"] for style in styles] == ["great-wave", "the-scream"]
    assert styles[0]["variants"] == ["fast"]
    assert styles[0]["folder"] == str(shelf / "great-wave")


def test_list_reads_the_shelf_of_the_environment(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STYLECLI_STYLES", str(shelf))
    assert "great-wave" in _styles("list").stdout


def test_an_empty_list_says_where_it_looked(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = _styles("list", "--styles-dir", tmp_path / "empty")
    assert result.stdout == ""
    assert str(tmp_path / "empty") in result.stderr


def test_a_folder_of_styles_that_is_missing_is_a_usage_error(tmp_path: Path) -> None:
    result = CliRunner().invoke(suite, ["styles", "list", "--styles-dir", str(tmp_path / "nowhere")])
    assert result.exit_code == 2
    assert "nowhere: no such folder of styles. Give an existing folder as --styles-dir." in result.stderr


def test_show_prints_the_card(shelf: Path) -> None:
    lines = _styles("show", "the-scream", "--styles-dir", shelf).stdout.splitlines()
    assert "artist\tMunch" in lines
    assert 'measured content\t{"kodak": 0.84}' in lines
    assert any(line.startswith("model fast\tfast.onnx, ") for line in lines)


def test_show_prints_the_card_as_json(shelf: Path) -> None:
    (card,) = _json_lines(_styles("show", "the-scream", "--json", "--styles-dir", shelf))
    assert card["measured"] == {"content": {"kodak": 0.84}}
    assert card["models"][0]["file"] == "fast.onnx"


def test_an_unknown_style_names_close_ones_and_exits_3(shelf: Path) -> None:
    result = _styles("show", "great-wavs", "--styles-dir", shelf, exit_code=3)
    assert result.stderr == "stylecli: great-wavs: no style of this name. Did you mean great-wave?\n"


def test_check_says_ok(shelf: Path) -> None:
    assert _styles("check", "--styles-dir", shelf).stdout == "great-wave: ok\nthe-scream: ok\n"


def test_check_takes_names_and_folders(shelf: Path) -> None:
    folder = shelf / "great-wave"
    assert _styles("check", folder, "the-scream", "--styles-dir", shelf).stdout == f"{folder}: ok\nthe-scream: ok\n"


def test_check_prints_the_problems_and_exits_3(shelf: Path) -> None:
    (shelf / "great-wave" / "stray.txt").write_text("")
    result = _styles("check", "--styles-dir", shelf, exit_code=3)
    assert result.stdout == "great-wave/stray.txt: not named in card.json\nthe-scream: ok\n"
    assert result.stderr.startswith("stylecli: 1 of 2 styles have problems")


def test_check_names_styles_that_list_leaves_out(shelf: Path) -> None:
    (shelf / "great-wave" / "card.json").write_text("")
    (shelf / "the-scream").rename(shelf / "scream")
    result = _styles("check", "--styles-dir", shelf, exit_code=3)
    assert "great-wave/card.json: not JSON" in result.stdout
    assert "scream/card.json: name is the-scream, but its folder is scream" in result.stdout


def test_check_prints_json(shelf: Path) -> None:
    (shelf / "great-wave" / "stray.txt").write_text("")
    reports = _json_lines(_styles("check", "--json", "--styles-dir", shelf, exit_code=3))
    assert [(report["style"], report["ok"], len(report["problems"])) for report in reports] == [
        ("great-wave", False, 1),
        ("the-scream", True, 0),
    ]


def test_an_added_style_is_found(make_style: StyleFactory, shelf: Path, tmp_path: Path) -> None:
    source = make_style(tmp_path, "tiny")
    result = _styles("add", source, "--styles-dir", shelf)
    assert result.stdout == f"tiny: added to {shelf}\n"
    assert find_style("tiny", shelf).folder == shelf / "tiny"


def test_without_a_shelf_a_style_is_added_to_the_users_own(make_style: StyleFactory, tmp_path: Path) -> None:
    _styles("add", make_style(tmp_path, "tiny"))
    assert _styles("list").stdout.count("tiny\t") == 1


def test_add_replaces_only_when_asked(make_style: StyleFactory, shelf: Path, tmp_path: Path) -> None:
    source = make_style(tmp_path, "great-wave", artist="Nobody")
    assert "--replace" in _styles("add", source, "--styles-dir", shelf, exit_code=2).stderr
    assert find_style("great-wave", shelf).card.artist == "Hokusai"
    _styles("add", source, "--replace", "--styles-dir", shelf)
    assert find_style("great-wave", shelf).card.artist == "Nobody"


def test_an_unsafe_style_is_refused_and_exits_3(shelf: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr("card.json", "{}")
        archive.writestr("../evil.sh", "echo")
    result = _styles("add", tmp_path / "evil.zip", "--styles-dir", shelf, exit_code=3)
    assert result.stderr.startswith("stylecli: evil.zip: '../evil.sh' is not a plain file name")


def test_a_removed_style_is_gone(shelf: Path) -> None:
    assert _styles("remove", "great-wave", "--styles-dir", shelf).stdout == f"great-wave: removed from {shelf}\n"
    assert "great-wave" not in _styles("list", "--styles-dir", shelf).stdout


def test_a_bundled_style_is_not_removed(make_style: StyleFactory, tmp_path: Path) -> None:
    make_style(tmp_path / "bundled", "great-wave")
    result = _styles("remove", "great-wave", exit_code=3)
    assert "great-wave: comes with stylecli and stays" in result.stderr


def _styles(*arguments: object, exit_code: int = 0) -> Result:
    result = CliRunner().invoke(suite, ["styles", *map(str, arguments)])
    assert result.exit_code == exit_code, result.output
    return result


def _json_lines(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]
