"""A sweep: one network pruned to several sizes, measured beside thin ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from stylecli.cli.app import suite
from stylecli.core.errors import UsageError
from stylecli.evaluation.sweep import judged_photos
from stylecli.training.data import PhotoFolder
from stylecli.training.recipe import Recipe
from stylecli.training.runs.recipe_files import read_recipe
from tests.support.prunings import write_whole

pytestmark = pytest.mark.usefixtures("quick_pruning")


@pytest.fixture
def whole(recipe: Recipe, photo_folder: Path, tmp_path: Path) -> Path:
    """Give a finished run of one residual block: a sweep exports five networks, which takes most of its time."""
    return write_whole(tmp_path / "whole", recipe, photo_folder, blocks=1)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(suite, list(map(str, arguments)))


def test_a_sweep_is_a_table_a_file_and_a_plot(
    whole: Path, photo_folder: Path, photo_file: Path, vgg_file: Path, tmp_path: Path
) -> None:
    line = ["prune", whole, "--data", photo_folder, "-o", tmp_path / "sweep", "--loss-weights", vgg_file]
    options = ["--sweep", "0.6,0.3", "--baseline", "--steps", 2, "--photos", photo_file]
    result = run(*line, *options, "--json")
    assert result.exit_code == 0, result.output
    rows = json.loads((tmp_path / "sweep" / "sweep.json").read_text())
    kinds = [(row["kind"], row["ratio"]) for row in rows]
    assert kinds == [("whole", 0), ("pruned", 0.3), ("thin", 0.3), ("pruned", 0.6), ("thin", 0.6)]
    parameters = {kind: row["parameters"] for kind, row in zip(kinds, rows, strict=True)}
    assert parameters["pruned", 0.6] < parameters["pruned", 0.3] < parameters["whole", 0]
    assert all(parameters["thin", ratio] <= parameters["pruned", ratio] for ratio in (0.3, 0.6))
    assert all(row["milliseconds"] > 0 and row["style"] > 0 and row["model_bytes"] > 0 for row in rows)
    assert (tmp_path / "sweep" / "sweep.svg").read_text().startswith("<?xml")
    assert [json.loads(text) for text in result.stdout.splitlines() if '"result"' in text][1]["ratio"] == 0.3
    recipe = read_recipe(tmp_path / "sweep" / "thin-0.3" / "recipe.toml")
    assert (recipe.base, recipe.teacher, recipe.pixel_weight) == ("", "", 0)
    finished = {path: path.read_bytes() for path in (tmp_path / "sweep").rglob("weights.safetensors")}
    assert run(*line, *options).exit_code == 0  # goes on with what is there
    assert all(path.read_bytes()[-1000:] == content[-1000:] for path, content in finished.items())


def test_a_sweep_judges_by_photos_that_the_healing_does_not_see(photo_folder: Path, tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"{number:02}.png").write_bytes((photo_folder / "coffee.png").read_bytes())
    photos = PhotoFolder(tmp_path)
    judged = judged_photos(photos, [], lambda _: None)
    assert len(judged) == 8
    assert not {path.name for path in judged} & set(photos.photos)
    assert len(photos.photos) == 12


def test_a_sweep_asks_for_photos_to_judge_by(photos: PhotoFolder) -> None:
    with pytest.raises(UsageError, match="no photos to spare"):
        judged_photos(photos, [], lambda _: None)


def test_the_command_line_tells_its_option_for_photos_to_judge_by(
    whole: Path, photo_folder: Path, vgg_file: Path, tmp_path: Path
) -> None:
    line = ["prune", whole, "--data", photo_folder, "-o", tmp_path / "sweep", "--loss-weights", vgg_file]
    result = run(*line, "--sweep", "0.5")
    assert result.exit_code == 2
    assert "no photos to spare" in result.stderr
    assert "--photos" in result.stderr
