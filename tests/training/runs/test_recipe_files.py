from __future__ import annotations

import errno
from dataclasses import replace
from pathlib import Path

import pytest

from stylecli.core.errors import MediaError, UsageError
from stylecli.training.losses.names import STYLE_LAYERS
from stylecli.training.recipe import Painting, Phase, Recipe
from stylecli.training.runs.recipe_files import read_recipe, write_recipe

MINIMAL = '[painting]\nfile = "wave.jpg"\n'


def test_a_recipe_survives_writing_and_reading(tmp_path: Path) -> None:
    recipe = Recipe(
        Painting("wave.jpg", title="Wave", year=1831), style_weight=3.5, phases=(Phase(10, 64), Phase(5, 128))
    )
    write_recipe(recipe, tmp_path / "recipe.toml")
    assert read_recipe(tmp_path / "recipe.toml") == recipe


def test_a_recipe_that_cannot_be_written_leaves_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Recipe(Painting("wave.jpg"))
    write_recipe(recipe, tmp_path / "recipe.toml")
    write_bytes = Path.write_bytes

    def write_until_full(path: Path, data: bytes) -> int:
        write_bytes(path, data[:100])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", write_until_full)
    with pytest.raises(OSError, match="No space left"):
        write_recipe(replace(recipe, seed=7), tmp_path / "recipe.toml")
    assert read_recipe(tmp_path / "recipe.toml") == recipe
    assert [path.name for path in tmp_path.iterdir()] == ["recipe.toml"]


def test_a_recipe_of_long_strokes_survives_writing_and_reading(tmp_path: Path) -> None:
    recipe = Recipe(
        Painting("wave.jpg", crop=(0.1, 0.0, 0.5, 0.75)),
        blocks=3,
        dilations=(1, 2, 4),
        content_layer="relu4_2",
        structure_layer="relu3_3",
        structure_weight=0.25,
        style_scales=(1.0, 0.7, 0.7),
        tone_weight=0.5,
        emboss_weight=1.0,
        fringe_weight=150.0,
    )
    write_recipe(recipe, tmp_path / "recipe.toml")
    assert read_recipe(tmp_path / "recipe.toml") == recipe
    assert recipe.loss_layers == (*STYLE_LAYERS, "relu4_2")
    assert recipe.photo_layers == ("relu4_2", "relu3_3")
    assert Recipe(Painting("x")).photo_layers == ("relu3_3",)


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
        ("dilations = [1, 2]", "2 dilations for 4 blocks"),
        ("blocks = 2\ndilations = [1, 0]", "1 to 16"),
        ("dilations = [1, 2, 4, 1.5]", "dilations"),
        ('network = "johnson"\ndilations = [1, 2, 4, 4, 4]', "dilations with a network johnson"),
        ("style_scales = []", "style_scales"),
        ("style_scales = [0.0, 0.0]", "above 0"),
        ("style_scales = [1.0, -0.5]", "at least 0"),
        ("style_scales = [1, 1, 1, 1, 1]", "8 pixels of the smallest crop"),
        ("tone_weight = -1.0", "at least 0"),
        ("emboss_weight = nan", "at least 0"),
        ("feature_weight = 1.0", "without a teacher"),
        ('others = [{ file = "b.jpg", crop = [0.5, 0.0, 0.5, 1.0] }]', "crop of a painting"),
        ('others = [{ file = "b.jpg", crop = [0.1, 0.2, 0.9] }]', "crop of a painting"),
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
