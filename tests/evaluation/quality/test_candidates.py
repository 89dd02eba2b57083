"""Styles and runs, told apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from stylecli.core.errors import PackError
from stylecli.evaluation.quality.candidates import find_candidates, find_painting
from stylecli.evaluation.quality.stylizers import RunNetwork
from stylecli.inference.engine import Engine
from tests.support.evaluations import MakeRun
from tests.support.packs import StyleFactory


@pytest.fixture(scope="module")
def run(make_run: MakeRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("runs") / "first")


def test_styles_and_runs_are_told_apart(tiny_style: Path, run: Path) -> None:
    style, trained = find_candidates([str(tiny_style), str(run)])
    assert (style.name, trained.name) == ("tiny", "first")
    assert style.pack is not None
    assert trained.pack is None
    with style.open("cpu") as engine, trained.open("cpu") as network:
        assert isinstance(engine, Engine)
        assert isinstance(network, RunNetwork)


def test_a_plain_file_among_styles_is_left_out_with_a_word(tiny_style: Path, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("about")
    notes: list[str] = []
    candidates = find_candidates([str(tmp_path / "README.md"), str(tiny_style)], notice=notes.append)
    assert [candidate.name for candidate in candidates] == ["tiny"]
    assert "README.md" in notes[0]


def test_a_plain_file_alone_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("about")
    with pytest.raises(PackError, match="README"):
        find_candidates([str(tmp_path / "README.md")])


def test_a_folder_that_is_neither_is_an_error(tiny_style: Path, tmp_path: Path) -> None:
    with pytest.raises(PackError, match="not a style"):
        find_candidates([str(tiny_style), str(tmp_path)])


def test_two_of_one_name_are_called_by_their_folders(run: Path, make_style: StyleFactory, tmp_path: Path) -> None:
    style = make_style(tmp_path / "shelf", "first")
    assert [candidate.name for candidate in find_candidates([str(style), str(run)])] == [str(style), str(run)]


def test_a_painting_is_found_by_the_recipe(run: Path, photo_folder: Path, tiny_style: Path) -> None:
    trained, style = find_candidates([str(run), str(tiny_style)])
    assert find_painting(trained, photo_folder) == photo_folder / "coffee.png"
    assert find_painting(trained, photo_folder / "rocket.png") == photo_folder / "rocket.png"
    assert find_painting(style, photo_folder) is None  # its recipe names none
