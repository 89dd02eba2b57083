"""A training as a whole: from a recipe and paintings to the files of a run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import pyvips
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from stylecli.core.errors import MediaError, UsageError
from stylecli.media.images.files import picture_from_pixels, write_picture
from stylecli.training.data import PhotoFolder
from stylecli.training.losses.distilled import DistilledNetwork
from stylecli.training.losses.loss_network import LossNetwork
from stylecli.training.networks.fast import FastNetwork, remove_checkerboard
from stylecli.training.prepare import Preparation
from stylecli.training.recipe import Painting, Phase, Recipe
from stylecli.training.runs.recipe_files import read_recipe
from stylecli.training.train import train
from tests.support.trainings import Trained, stop_at


def test_a_run_holds_recipe_log_samples_and_weights(finished: Path) -> None:
    assert load_file(finished / "weights.safetensors")["stem.convolution.weight"].shape == (4, 3, 6, 6)
    assert (finished / "samples" / "step_000006.png").stat().st_size > 1000
    assert (finished / "recipe.toml").exists()


def test_a_run_keeps_its_painting(finished: Path, photo_folder: Path) -> None:
    assert (finished / "chelsea.png").read_bytes() == (photo_folder / "chelsea.png").read_bytes()


def test_a_painting_that_cannot_be_read_leaves_no_folder(trained: Trained, recipe: Recipe, tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"nowhere\.png"):
        trained(replace(recipe, painting=Painting("nowhere.png")), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("is_there", [True, False])
def test_a_training_that_takes_no_step_leaves_nothing(
    trained: Trained, recipe: Recipe, tmp_path: Path, is_there: bool
) -> None:
    run = tmp_path / "run"
    if is_there:
        run.mkdir()
        (run / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="the loss is inf at step 0") as caught:
        trained(replace(recipe, content_weight=float("inf")), run)
    assert "checkpoint" not in caught.value.hint
    assert list(tmp_path.rglob("*")) == ([run, run / "notes.txt"] if is_there else [])


def test_photos_that_all_cannot_be_read_leave_no_run(
    recipe: Recipe, loss_network: LossNetwork, photo_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "broken.jpg").write_bytes(b"broken")
    ready = Preparation(recipe, (photo_folder / recipe.painting.file,), {"vgg19": loss_network})
    with pytest.raises(MediaError, match="1 of 1 photos cannot be read"):
        train(ready, PhotoFolder(tmp_path / "photos"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_an_interrupted_first_step_leaves_nothing_and_a_later_one_the_run(
    trained: Trained, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(PhotoFolder, "batch", _interrupted)
        with pytest.raises(KeyboardInterrupt):
            trained(recipe, tmp_path / "run")
    assert not (tmp_path / "run").exists()
    with pytest.raises(KeyboardInterrupt):
        trained(recipe, tmp_path / "run", progress=stop_at(1))
    assert (tmp_path / "run" / "recipe.toml").exists()


def _interrupted(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_several_paintings_make_one_network_of_several_styles(trained: Trained, recipe: Recipe, tmp_path: Path) -> None:
    recipe = replace(recipe, others=(Painting("coffee.png"),), batch=2)
    weights = load_file(trained(recipe, tmp_path))
    assert weights["stem.norm.weight"].shape == (2, 4)
    assert not torch.equal(*weights["stem.norm.weight"])


def test_a_phase_may_have_another_loss_network(
    trained: Trained, recipe: Recipe, loss_network: LossNetwork, tmp_path: Path
) -> None:
    recipe = replace(recipe, phases=(Phase(2, 64, "distilled"), Phase(2, 64)))
    trained(recipe, tmp_path, loss_networks={"vgg19": loss_network, "distilled": DistilledNetwork()})
    with safe_open(tmp_path / "weights.safetensors", "pt") as file:
        assert file.metadata()["loss_network"] == "distilled, then vgg19"


def test_a_time_budget_plans_the_steps_and_a_resumed_run_keeps_them(
    trained: Trained, recipe: Recipe, tmp_path: Path
) -> None:
    recipe = replace(recipe, time_budget=60.0)  # hundreds of steps, or on a busy machine some
    notices: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        trained(recipe, tmp_path, progress=stop_at(2))
    planned = read_recipe(tmp_path / "recipe.toml")
    with pytest.raises(KeyboardInterrupt):
        trained(recipe, tmp_path, notice=notices.append, progress=stop_at(3))
    assert planned.steps != recipe.steps
    assert read_recipe(tmp_path / "recipe.toml") == planned
    assert "resumed at step 2" in notices[0]


def test_a_tiny_painting_is_refused(trained: Trained, recipe: Recipe, tmp_path: Path) -> None:
    write_picture(picture_from_pixels(np.full((40, 90, 3), 90, np.uint8)), tmp_path / "tiny.png")
    with pytest.raises(UsageError, match="90 x 40"):
        trained(recipe, tmp_path / "run", paintings=(tmp_path / "tiny.png",))


@pytest.mark.parametrize(("name", "bands"), [("grey", 1), ("alpha", 4)])
def test_paintings_in_grey_or_with_alpha_are_taken(
    trained: Trained, recipe: Recipe, tmp_path: Path, name: str, bands: int
) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (80, 96, bands), np.uint8)
    file = tmp_path / f"{name}.png"
    interpretation = "b-w" if bands == 1 else "srgb"
    pyvips.Image.new_from_array(pixels, interpretation=interpretation).write_to_file(str(file))
    recipe = replace(recipe, painting=Painting(file.name)).with_steps(1)
    assert trained(recipe, tmp_path / name, paintings=(file,)).exists()


def test_resuming_with_another_recipe_is_refused(trained: Trained, recipe: Recipe, tmp_path: Path) -> None:
    trained(recipe.with_steps(1), tmp_path)
    with pytest.raises(UsageError, match="style_weight, phases differ"):
        trained(replace(recipe, style_weight=9.0), tmp_path)


def test_a_pruned_base_gets_the_dilations_of_the_recipe_and_keeps_its_widths(
    trained: Trained, recipe: Recipe, tmp_path: Path
) -> None:
    base = FastNetwork(stem=4, trunk=8, blocks=2)
    remove_checkerboard(base)
    start = dict(base.state_dict())
    for name, kept in (("first.convolution.weight", 5), ("first.norm.weight", 5), ("first.norm.bias", 5)):
        start[f"blocks.0.{name}"] = start[f"blocks.0.{name}"][:kept]  # no recipe tells this width
    start["blocks.0.second.convolution.weight"] = start["blocks.0.second.convolution.weight"][:, :5]
    recipe = replace(recipe, blocks=2, dilations=(1, 2), learning_rate=1e-8).with_steps(1)
    weights = load_file(trained(recipe, tmp_path, start=start))
    assert weights["dilations"].tolist() == [1, 2]
    assert not weights["dilations"].is_floating_point()
    assert weights["blocks.0.first.convolution.weight"].shape == (5, 8, 3, 3)
    torch.testing.assert_close(weights["head.weight"], start["head.weight"], atol=1e-4, rtol=0)
