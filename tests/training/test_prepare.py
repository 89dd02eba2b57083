from __future__ import annotations

from pathlib import Path

import pytest

from stylecli.core.errors import UsageError
from stylecli.training.prepare import PIXEL_WEIGHT, RecipeChanges, prepare
from stylecli.training.recipe import Painting, Recipe
from stylecli.training.runs.recipe_files import write_recipe


@pytest.fixture
def recipe_file(photo_folder: Path, tmp_path: Path) -> Path:
    """Give a recipe with every weight above 0, beside its painting."""
    recipe = Recipe(Painting("coffee.png"), consistency_weight=5.0, time_budget=60.0)
    write_recipe(recipe, tmp_path / "recipe.toml")
    (tmp_path / "coffee.png").write_bytes((photo_folder / "coffee.png").read_bytes())
    return tmp_path / "recipe.toml"


@pytest.mark.parametrize("name", ["consistency_weight", "content_weight", "style_weight", "time_budget"])
def test_an_explicit_0_counts(recipe_file: Path, name: str) -> None:
    assert getattr(prepare([recipe_file], RecipeChanges(**{name: 0.0})).recipe, name) == 0  # type: ignore[arg-type]


def test_what_is_not_changed_stays(recipe_file: Path) -> None:
    ready = prepare([recipe_file], RecipeChanges(style_weight=3.0))
    assert (ready.recipe.consistency_weight, ready.recipe.style_weight) == (5.0, 3.0)


@pytest.mark.parametrize("steps", [0, -1])
def test_no_steps_are_refused(steps: int) -> None:
    with pytest.raises(UsageError, match=f"steps is {steps}"):
        RecipeChanges(steps=steps)


def test_a_recipe_of_which_nothing_is_left_is_refused(recipe_file: Path) -> None:
    text = recipe_file.read_text()
    for name in ("variation_weight = 0.05", "grid_weight = 500.0", "consistency_weight = 5.0"):
        text = text.replace(name, f"{name.partition(' ')[0]} = 0.0")
    recipe_file.write_text(text)
    with pytest.raises(UsageError, match="every weight is 0"):
        prepare([recipe_file], RecipeChanges(content_weight=0.0, style_weight=0.0))


def test_a_teacher_teaches_by_its_pictures_unless_the_recipe_says_how(recipe_file: Path) -> None:
    assert prepare([recipe_file], RecipeChanges(teacher="great-wave")).recipe.pixel_weight == PIXEL_WEIGHT
    text = recipe_file.read_text().replace("feature_weight = 0.0", "feature_weight = 2.0")
    recipe_file.write_text(text.replace('teacher = ""', 'teacher = "great-wave"'))
    recipe = prepare([recipe_file]).recipe
    assert (recipe.pixel_weight, recipe.feature_weight) == (0, 2)
