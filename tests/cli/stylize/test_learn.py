"""`stylecli styles learn`: what it refuses, in the words of the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from stylecli.cli.app import suite
from stylecli.core.errors import UsageError
from stylecli.packs.card import read_card
from stylecli.packs.pack import StylePack, open_pack
from stylecli.training.learn import LearningJob
from tests.support.packs import StyleFactory


def test_what_was_learned_is_scored_and_told(
    photo_folder: Path, make_style: StyleFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs: list[LearningJob] = []

    def learned(job: LearningJob, shelf: Path, **_: object) -> StylePack:
        jobs.append(job)
        return open_pack(make_style(shelf, job.style))

    monkeypatch.setattr("stylecli.training.learn.learn_style", learned)
    options = ["--artist", "A Cook", "--time-budget", "2m", "--styles-dir", str(tmp_path), "--json"]
    result = _learn(photo_folder / "coffee.png", *options)
    assert result.exit_code == 0, result.output
    assert (jobs[0].artist, jobs[0].seconds) == ("A Cook", 120)
    record = json.loads(result.stdout.splitlines()[-1])
    assert (record["style"], record["preview"]) == ("coffee", "coffee-preview.png")
    measured = read_card(tmp_path / "coffee").measured["learned"]
    assert measured == {**record["scores"], "loss_network": "distilled"}
    assert measured.keys() == {"content", "style", "loss_network"}


def test_the_folder_of_the_training_is_passed_on(
    photo_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, object] = {}

    def learned(*_: object, **options: object) -> StylePack:
        given.update(options)
        raise UsageError("that is enough")

    monkeypatch.setattr("stylecli.training.learn.learn_style", learned)
    result = _learn(photo_folder / "coffee.png", "--work", str(tmp_path / "training"))
    assert result.exit_code == 2
    assert given["work"] == tmp_path / "training"


def test_a_name_that_is_taken_exits_with_2(photo_folder: Path, make_style: StyleFactory, tmp_path: Path) -> None:
    make_style(tmp_path, "coffee")
    result = _learn(photo_folder / "coffee.png", "--styles-dir", str(tmp_path))
    assert result.exit_code == 2
    assert "--overwrite" in result.stderr


def test_a_painting_that_is_missing_exits_with_4(tmp_path: Path) -> None:
    result = _learn(tmp_path / "none.jpg", "--styles-dir", str(tmp_path))
    assert result.exit_code == 4
    assert str(tmp_path / "none.jpg") in result.stderr


def _learn(painting: Path, *options: str) -> Result:
    return CliRunner().invoke(suite, ["styles", "learn", str(painting), *options])
