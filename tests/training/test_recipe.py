from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from stylecli.core.errors import MediaError, UsageError
from stylecli.training.recipe import Painting, Phase, Recipe, read_recipe, write_recipe

MINIMAL = '[painting]\nfile = "wave.jpg"\n'


def test_a_recipe_survives_writing_and_reading(tmp_path: Path) -> None:
    recipe = Recipe(
        Painting("wave.jpg", title="Wave", year=1831), style_weight=3.5, phases=(Phase(10, 64), Phase(5, 128))
    )
    write_recipe(recipe, tmp_path / "recipe.toml")
    assert read_recipe(tmp_path / "recipe.toml") == recipe


def test_what_is_left_out_has_the_default(tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text(MINIMAL)
    assert read_recipe(tmp_path / "recipe.toml") == Recipe(Painting("wave.jpg"))


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("stlye_weight = 1.0", "style_weight"),
        ('style_weight = "much"', "style_weight"),
        ("batch = 1.5", "batch"),
        ("batch = 0", "at least 1"),
        ("batch = true", "batch"),
        ("learning_rate = nan", "learning_rate"),
        ('network = "unet"', "fast"),
        ('loss_network = "alexnet"', "vgg19"),
        ("phases = []", "phases"),
        ("phases = [{ steps = 10, size = 130 }]", "multiple of 4"),
        ("phases = [{ steps = 10 }]", "size"),
        ("phases = 3", "phases"),
        ("batch = ", "not TOML"),
    ],
)
def test_a_faulty_recipe_is_refused_and_the_fault_named(tmp_path: Path, line: str, says: str) -> None:
    (tmp_path / "recipe.toml").write_text(f"{line}\n{MINIMAL}")
    with pytest.raises(UsageError) as caught:
        read_recipe(tmp_path / "recipe.toml")
    assert says in str(caught.value)


def test_a_recipe_without_a_painting_is_refused(tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text("batch = 2\n")
    with pytest.raises(UsageError, match="names no file"):
        read_recipe(tmp_path / "recipe.toml")


def test_a_missing_recipe_is_a_media_error(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="No such file"):
        read_recipe(tmp_path / "recipe.toml")


@pytest.mark.parametrize("steps", [1, 2, 7, 100, 3601])
def test_with_steps_keeps_the_phases_in_proportion(steps: int) -> None:
    recipe = Recipe(Painting("x"))
    shorter = recipe.with_steps(steps)
    assert shorter.steps == steps
    for done in range(steps):
        assert abs(shorter.phase_at(done).size - recipe.phase_at(int((done + 0.5) * recipe.steps / steps)).size) <= 64
    assert replace(shorter, phases=recipe.phases) == recipe
