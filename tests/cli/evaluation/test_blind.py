"""`stylecli evaluate blind`: from styles to a page, and from answers to a table."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from stylecli.cli.app import suite
from stylecli.evaluation.blind.pairs import BlindPair, sealed
from tests.support.packs import StyleFactory


def run(*arguments: object) -> Result:
    return CliRunner().invoke(suite, ["evaluate", "blind", *map(str, arguments)])


def write_answers(path: Path, choices: list[str]) -> Path:
    pairs = [BlindPair(number, "wave", "scream") for number in range(len(choices))]
    answers = [{"pair": place, "question": "hang", "choice": choice} for place, choice in enumerate(choices)]
    path.write_text(json.dumps({"format": 1, "key": sealed(pairs), "answers": answers}))
    return path


def test_a_page_is_written_and_kept(
    tiny_style: Path, make_style: StyleFactory, photo_file: Path, tmp_path: Path
) -> None:
    other = make_style(tmp_path / "shelf", "other")
    line = [tiny_style, other, "--photos", photo_file, "--size", 64, "--device", "cpu", "-o", tmp_path / "page.html"]
    result = run(*line, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout.splitlines()[-1])["pairs"] == 1
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert not re.search(r"https?://", page)
    assert "tiny" not in page
    again = run(*line)
    assert again.exit_code == 2
    assert "--overwrite" in again.stderr
    assert run(*line, "--overwrite").exit_code == 0


def test_answers_are_counted(tmp_path: Path) -> None:
    answers = write_answers(tmp_path / "one.json", ["left"] * 6 + ["equal", "right"])
    more = write_answers(tmp_path / "two.json", ["left", "left"])
    result = run("--score", answers, "--score", more, "--json", "--csv", tmp_path / "table.csv")
    assert result.exit_code == 0, result.output
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    best, worst, met = rows
    assert (best["style"], best["wins"], best["ties"], best["losses"]) == ("wave", 8, 1, 1)
    assert best["low"] < best["preferred"] < best["high"]
    assert worst["style"] == "scream"
    assert (met["event"], met["style"], met["against"], met["pairs"]) == ("encounter", "scream", "wave", 10)
    assert met["share"] == pytest.approx(0.15)
    assert (tmp_path / "table.csv").read_text().startswith("question,style,preferred,low,high,wins,ties,losses")


def test_the_table_of_answers(tmp_path: Path) -> None:
    result = run("--score", write_answers(tmp_path / "answers.json", ["left"] * 3))
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[0].split("\t")[:3] == ["question", "style", "preferred"]


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ([], "either"),
        (["a", "--score", "answers.json"], "either"),
        (["a", "b"], "--photos"),
        (["a", "b", "--photos", "."], "--output"),
    ],
)
def test_what_is_missing_is_a_usage_error(arguments: list[str], fault: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert fault in result.stderr


def test_one_style_alone_is_a_usage_error(tiny_style: Path, photo_file: Path, tmp_path: Path) -> None:
    result = run(tiny_style, "--photos", photo_file, "-o", tmp_path / "page.html", "--device", "cpu")
    assert result.exit_code == 2
    assert not (tmp_path / "page.html").exists()


def test_broken_answers_are_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "answers.json").write_text("{}")
    assert run("--score", tmp_path / "answers.json").exit_code == 2
