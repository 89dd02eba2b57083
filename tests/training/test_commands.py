"""From a painting to a picture by the commands alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from stylecli.cli import suite
from stylecli.images import read_picture


def run(*arguments: object) -> Result:
    return CliRunner().invoke(suite, list(map(str, arguments)))


@pytest.fixture(scope="module")
def trained(photo_folder: Path, vgg_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a finished run of two steps."""
    folder = tmp_path_factory.mktemp("run")
    painting = photo_folder / "coffee.png"
    result = run("train", painting, "--data", photo_folder, "-o", folder, "--steps", 2, "--loss-weights", vgg_file)
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture(scope="module")
def pack(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packs") / "my-coffee"
    result = run("export", trained, "-o", folder)
    assert result.exit_code == 0, result.output
    return folder


def test_an_exported_style_passes_the_check_for_strangers(pack: Path) -> None:
    assert run("styles", "check", pack).exit_code == 0
    assert {path.name for path in pack.iterdir()} == {
        "card.json",
        "fast.onnx",
        "preview.jpg",
        "recipe.toml",
        "weights.safetensors",
    }


def test_an_exported_style_stylizes(pack: Path, photo_file: Path, tmp_path: Path) -> None:
    assert run("image", photo_file, "-s", pack, "-o", tmp_path / "out.png", "--device", "cpu").exit_code == 0
    assert (read_picture(tmp_path / "out.png").pixels != read_picture(photo_file).pixels).any()


def test_the_card_tells_how_the_style_came_about(pack: Path) -> None:
    card = json.loads((pack / "card.json").read_text())
    assert card["name"] == "my-coffee"
    assert card["network"] == "fast"
    assert card["parameters"] == 182803
    assert card["loss_network"] == "vgg19"
    assert card["training_seconds"] > 0


def test_a_training_starts_from_another_style(pack: Path, photo_folder: Path, vgg_file: Path, tmp_path: Path) -> None:
    line = ["train", photo_folder / "rocket.png", "--data", photo_folder, "-o", tmp_path, "--base", pack, "--steps", 1]
    assert run(*line, "--loss-weights", vgg_file).exit_code == 0
    assert f'base = "{pack}"' in (tmp_path / "recipe.toml").read_text()


def test_exporting_an_unfinished_run_is_refused(tmp_path: Path) -> None:
    result = run("export", tmp_path, "-o", tmp_path / "style")
    assert result.exit_code == 4
    assert not (tmp_path / "style").exists()


def test_exporting_over_a_folder_is_refused(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "style").mkdir()
    (tmp_path / "style" / "mine.txt").write_text("mine")
    assert run("export", trained, "-o", tmp_path / "style").exit_code == 2
    assert (tmp_path / "style" / "mine.txt").exists()


def test_overwriting_what_is_no_style_is_refused(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "style").mkdir()
    (tmp_path / "style" / "mine.txt").write_text("mine")
    assert run("export", trained, "-o", tmp_path / "style", "--overwrite").exit_code == 2
    assert (tmp_path / "style" / "mine.txt").exists()


def test_evaluate_measures_and_records(pack: Path, photo_file: Path, vgg_file: Path) -> None:
    line = ["evaluate", pack, "--photos", photo_file, "--painting", photo_file, "--loss-weights", vgg_file, "--json"]
    result = run(*line, "--record")
    assert result.exit_code == 0, result.output
    row = json.loads(result.stdout.splitlines()[-1])
    assert row["content"] > 0
    assert row["style"] > 0
    recorded = json.loads((pack / "card.json").read_text())["measured"]["quality"]
    assert recorded["content"] == row["content"]
    assert recorded["photos"] == ["chelsea.png"]
    assert run("styles", "check", pack).exit_code == 0


@pytest.mark.parametrize("content", [b"", b"no picture"])
def test_a_painting_that_is_none_is_a_media_error(
    content: bytes, photo_folder: Path, vgg_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "painting.jpg").write_bytes(content)
    line = ["train", tmp_path / "painting.jpg", "--data", photo_folder, "-o", tmp_path / "run"]
    result = run(*line, "--loss-weights", vgg_file)
    assert result.exit_code == 4
    assert "painting.jpg" in result.stderr


def test_a_run_that_cannot_be_written_is_a_media_error(photo_folder: Path, vgg_file: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    line = ["train", photo_folder / "coffee.png", "--data", photo_folder, "-o", tmp_path / "file" / "run"]
    result = run(*line, "--steps", 1, "--loss-weights", vgg_file)
    assert result.exit_code == 4
    assert "file/run" in result.stderr
