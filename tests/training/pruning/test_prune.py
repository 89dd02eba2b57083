from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result
from safetensors.torch import load_file

from stylecli.cli.app import suite
from stylecli.core.errors import MediaError, PackError, UsageError
from stylecli.training.data import PhotoFolder
from stylecli.training.networks.fast import FastNetwork, with_dilations
from stylecli.training.networks.registry import count_parameters, network_from_weights
from stylecli.training.pruning import prune as pruning
from stylecli.training.pruning.options import Healing, Target
from stylecli.training.pruning.prune import prune
from stylecli.training.recipe import Painting, Recipe
from stylecli.training.runs.checkpoints import read_tensors, write_tensors
from stylecli.training.runs.recipe_files import read_recipe, write_recipe
from tests.support.prunings import make_quick, write_whole
from tests.support.trainings import same_tensors, stop_at

pytestmark = pytest.mark.usefixtures("quick_pruning")

PARAMETERS = count_parameters(FastNetwork(stem=6, trunk=12, blocks=2))


@pytest.fixture
def cut_in_half(whole: Path, photos: PhotoFolder, vgg_file: Path, tmp_path: Path) -> Callable[..., Path]:
    """Give a function that prunes the run into a folder, and returns the file of the weights."""

    def cut(folder: str = "half", **changes: object) -> Path:
        arguments = {"target": Target("ratio", 0.5), "healing": Healing(loss_weights=vgg_file), **changes}
        return prune(str(whole), photos, tmp_path / folder, **arguments)  # type: ignore[arg-type]

    return cut


@pytest.fixture(scope="module")
def half(recipe: Recipe, photo_folder: Path, vgg_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the run that `cut_in_half` makes where nothing befalls it. Read only."""
    folder = tmp_path_factory.mktemp("pruned")
    run = write_whole(folder / "whole", recipe, photo_folder)
    with pytest.MonkeyPatch.context() as patch:
        make_quick(patch)
        healing = Healing(loss_weights=vgg_file)
        prune(str(run), PhotoFolder(photo_folder), folder / "half", target=Target("ratio", 0.5), healing=healing)
    return folder / "half"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(suite, list(map(str, arguments)))


def test_a_pruned_run_is_an_ordinary_smaller_one(half: Path) -> None:
    weights = half / "weights.safetensors"
    network = network_from_weights(load_file(weights))
    assert count_parameters(network) < 0.4 * PARAMETERS
    recipe = read_recipe(weights.parent / "recipe.toml")
    assert {key: getattr(recipe, key) for key in network.hyperparameters} == network.hyperparameters
    assert recipe.teacher.endswith("whole")
    assert recipe.steps == 6
    assert (weights.parent / "samples" / "step_000006.png").exists()
    assert "pixel" in json.loads((weights.parent / "log.jsonl").read_text().splitlines()[0])
    assert float(read_tensors(weights)[1]["seconds"]) > 5  # those of the whole network count


@pytest.mark.parametrize("importance", ["taylor", "gamma", "l1"])
def test_channels_may_be_chosen_otherwise(
    cut_in_half: Callable[..., Path], half: Path, vgg_file: Path, importance: str
) -> None:
    run = cut_in_half(importance=importance, healing=Healing(loss_weights=vgg_file, steps=1)).parent
    other, default = (load_file(folder / "cut" / "weights.safetensors") for folder in (run, half))
    assert {name: tensor.shape for name, tensor in other.items()} == {name: t.shape for name, t in default.items()}
    assert not torch.equal(other["head.weight"], default["head.weight"])


@pytest.mark.parametrize(
    ("target", "changed"),
    [
        (Target("blocks", 1), {"blocks": 1}),
        (Target("narrow"), {"narrow": True}),
        (Target("few_norms"), {"few_norms": True}),
    ],
)
def test_a_run_with_another_shape_is_an_ordinary_one_too(
    cut_in_half: Callable[..., Path],
    photos: PhotoFolder,
    vgg_file: Path,
    target: Target,
    changed: Mapping[str, int],
) -> None:
    healing = Healing(loss_weights=vgg_file, steps=1)
    run = cut_in_half("other", target=target, healing=healing).parent
    widths = network_from_weights(load_file(run / "weights.safetensors")).hyperparameters
    assert widths == {
        "stem": 6,
        "trunk": 12,
        "blocks": 2,
        "narrow": False,
        "few_norms": False,
        "dilations": (),
        **changed,
    }
    recipe = read_recipe(run / "recipe.toml")
    assert {key: getattr(recipe, key) for key in widths} == widths
    smaller = prune(str(run), photos, run / "half", target=Target("ratio", 0.5), healing=healing)
    assert network_from_weights(load_file(smaller)).hyperparameters.items() >= changed.items()


def test_a_variant_of_a_style_is_pruned(photos: PhotoFolder, photo_file: Path, vgg_file: Path, tmp_path: Path) -> None:
    healing = Healing(painting=photo_file, loss_weights=vgg_file, steps=1)
    weights = prune("great-wave:quality", photos, tmp_path / "small", target=Target("blocks", 5), healing=healing)
    assert network_from_weights(load_file(weights)).hyperparameters["blocks"] == 5
    assert read_recipe(tmp_path / "small" / "recipe.toml").teacher == "great-wave:quality"
    with pytest.raises(PackError, match="no variant huge"):
        prune("great-wave:huge", photos, tmp_path / "none", target=Target("blocks", 5), healing=healing)


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])  # ^C; what no handler sees, as `kill -9`
def test_a_pruning_that_was_stopped_ends_with_the_same_bits(
    cut_in_half: Callable[..., Path], half: Path, error: type[BaseException]
) -> None:
    with pytest.raises(error):
        cut_in_half(progress=stop_at(5, error))
    notes: list[str] = []
    resumed = cut_in_half(notice=notes.append)
    assert "resumed at step" in notes[0]
    assert same_tensors(half / "weights.safetensors", resumed)


def test_a_cut_that_was_stopped_is_made_again(
    cut_in_half: Callable[..., Path], half: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(pruning, "write_tensors", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            cut_in_half()
    assert same_tensors(half / "weights.safetensors", cut_in_half())


def test_what_is_finished_is_not_done_again(cut_in_half: Callable[..., Path], vgg_file: Path) -> None:
    healing = Healing(loss_weights=vgg_file, steps=1)
    cut_in_half(healing=healing)
    cut_in_half(healing=healing, progress=stop_at(1, AssertionError))


def test_train_goes_on_with_a_pruned_run(
    cut_in_half: Callable[..., Path], half: Path, whole: Path, photos: PhotoFolder, vgg_file: Path, tmp_path: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        cut_in_half(progress=stop_at(3))
    line = ["train", tmp_path / "half" / "recipe.toml", "--painting", whole / "chelsea.png", "--data", photos.source]
    result = run(*line, "--loss-weights", vgg_file, "-o", tmp_path / "half")
    assert result.exit_code == 0, result.output
    assert "resumed at step 3" in result.stderr
    assert same_tensors(half / "weights.safetensors", tmp_path / "half" / "weights.safetensors")


def test_a_new_style_starts_from_a_pruned_run(half: Path, photo_folder: Path, vgg_file: Path, tmp_path: Path) -> None:
    line = ["train", photo_folder / "coffee.png", "--data", photo_folder, "--base", half, "--steps", 1]
    line += ["--stroke", 64]
    result = run(*line, "--loss-network", "vgg19", "--loss-weights", vgg_file, "-o", tmp_path / "new")
    assert result.exit_code == 0, result.output
    old, new = (load_file(folder / "weights.safetensors") for folder in (half, tmp_path / "new"))
    assert {name: tensor.shape for name, tensor in old.items()} == {name: tensor.shape for name, tensor in new.items()}


def test_a_pruned_run_is_pruned_again(half: Path, photos: PhotoFolder, vgg_file: Path, tmp_path: Path) -> None:
    healing = Healing(loss_weights=vgg_file, steps=1)
    weights = prune(str(half), photos, tmp_path / "again", target=Target("ratio", 0.3), healing=healing)
    assert count_parameters(network_from_weights(load_file(weights))) < count_parameters(
        network_from_weights(load_file(half / "weights.safetensors"))
    )


def test_a_pruned_run_is_exported_and_judged(half: Path, photo_file: Path, vgg_file: Path, tmp_path: Path) -> None:
    assert run("export", half, "-o", tmp_path / "style").exit_code == 0
    assert run("styles", "check", tmp_path / "style").exit_code == 0
    judged = run("evaluate", half, tmp_path / "style", "--photos", photo_file, "--loss-weights", vgg_file, "--json")
    assert judged.exit_code == 0, judged.output


def test_a_time_budget_holds_the_cut_too_and_a_resumed_pruning_keeps_its_plan(
    cut_in_half: Callable[..., Path], vgg_file: Path, tmp_path: Path
) -> None:
    healing = Healing(loss_weights=vgg_file, time_budget=60.0)
    with pytest.raises(KeyboardInterrupt):
        cut_in_half(healing=healing, progress=stop_at(2))
    planned = read_recipe(tmp_path / "half" / "recipe.toml")
    assert 0 < planned.time_budget < 60
    with pytest.raises(KeyboardInterrupt):  # resumed, and stopped again: the plan may have hundreds of steps
        cut_in_half(healing=healing, progress=stop_at(3))
    assert read_recipe(tmp_path / "half" / "recipe.toml") == planned


def test_another_pruning_in_the_folder_is_not_overwritten(cut_in_half: Callable[..., Path], vgg_file: Path) -> None:
    healing = Healing(loss_weights=vgg_file, steps=1)
    cut_in_half(healing=healing)
    with pytest.raises(UsageError, match=r"another pruning \(target differ\)"):
        cut_in_half(target=Target("ratio", 0.6), healing=healing)


def test_a_training_in_the_folder_is_not_overwritten(cut_in_half: Callable[..., Path], whole: Path) -> None:
    with pytest.raises(UsageError, match="holds a training, not a pruning"):
        cut_in_half(whole.name)
    assert read_recipe(whole / "recipe.toml").teacher == ""


def test_a_network_of_several_styles_is_refused(cut_in_half: Callable[..., Path], whole: Path) -> None:
    recipe = read_recipe(whole / "recipe.toml")
    write_recipe(replace(recipe, others=(Painting("coffee.png"),)), whole / "recipe.toml")
    with pytest.raises(UsageError, match="several styles"):
        cut_in_half()


def test_a_run_of_an_unknown_network_is_refused(cut_in_half: Callable[..., Path], whole: Path) -> None:
    _, metadata = read_tensors(whole / "weights.safetensors")
    write_tensors({"layer.weight": torch.zeros(3)}, whole / "weights.safetensors", metadata)
    with pytest.raises(UsageError, match="no known style network"):
        cut_in_half()


def test_an_unfinished_run_is_refused(cut_in_half: Callable[..., Path], whole: Path) -> None:
    (whole / "weights.safetensors").unlink()
    with pytest.raises(MediaError, match="missing or damaged"):
        cut_in_half()


def test_a_painting_that_is_nowhere_is_named(cut_in_half: Callable[..., Path], whole: Path) -> None:
    (whole / "chelsea.png").unlink()
    with pytest.raises(UsageError, match=r"chelsea\.png: the painting is not there") as caught:
        cut_in_half()
    assert "`painting`" in caught.value.hint


def test_a_painting_that_cannot_be_read_is_refused_before_the_cut(
    cut_in_half: Callable[..., Path], whole: Path, tmp_path: Path
) -> None:
    (whole / "chelsea.png").write_bytes(b"")
    with pytest.raises(MediaError, match=r"chelsea\.png: it is empty"):
        cut_in_half()
    assert not (tmp_path / "half").exists()


@pytest.mark.parametrize(
    ("options", "exit_code", "fault"),
    [
        (["--ratio", 0], 2, "cuts nothing"),
        (["--ratio", 1], 2, "or everything"),
        (["--ratio", 1.2], 2, "or everything"),
        (["--sweep", "0.5,1"], 2, "or everything"),
        (["--sweep", "half"], 2, "no list of ratios"),
        (["--sweep", "0.5", "--ratio", 0.5], 2, "with another target"),
        (["--ratio", 0.5, "--baseline"], 2, "go with --sweep"),
        ([], 2, "in one way"),
        (["--ratio", 0.5, "--target-ms", 3], 2, "in one way"),
        (["--ratio", 0.5, "--narrow"], 2, "in one way"),
        (["--blocks", 2, "--few-norms"], 2, "in one way"),
        (["--blocks", 9], 2, "the network has"),
        (["--target-params", 10], 2, "so small"),
        (["--ratio", 0.5, "--painting", "nowhere.png"], 2, "the painting is not there"),
    ],
)
def test_what_cannot_be_done_is_said(
    whole: Path,
    photo_folder: Path,
    photo_file: Path,
    vgg_file: Path,
    tmp_path: Path,
    options: list[object],
    exit_code: int,
    fault: str,
) -> None:
    judged = ["--photos", photo_file] if "--sweep" in options else []
    line = ["prune", whole, "--data", photo_folder, "-o", tmp_path / "out", "--loss-weights", vgg_file]
    result = run(*line, *options, *judged)
    assert result.exit_code == exit_code, result.output
    assert fault in result.stderr
    assert not (tmp_path / "out" / "cut" / "weights.safetensors").exists()


def test_a_folder_without_photos_is_a_media_error(whole: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = run("prune", whole, "--data", tmp_path / "empty", "-o", tmp_path / "out", "--ratio", 0.5)
    assert result.exit_code == 4
    assert "no photo in it" in result.stderr


def test_a_pruned_network_keeps_its_dilations(whole: Path, cut_in_half: Callable[..., Path], vgg_file: Path) -> None:
    weights, metadata = read_tensors(whole / "weights.safetensors")
    write_tensors(with_dilations(weights, (1, 4)), whole / "weights.safetensors", metadata)
    write_recipe(replace(read_recipe(whole / "recipe.toml"), dilations=(1, 4)), whole / "recipe.toml")
    pruned = cut_in_half(healing=Healing(loss_weights=vgg_file, steps=1))
    assert network_from_weights(load_file(pruned)).hyperparameters["dilations"] == (1, 4)
    assert read_recipe(pruned.parent / "recipe.toml").dilations == (1, 4)


def test_a_folder_that_cannot_be_written_is_told_before_the_cut(
    cut_in_half: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "_cut", lambda *_: pytest.fail("the work has begun"))
    (tmp_path / "file").touch()
    with pytest.raises(MediaError, match=r"half: cannot be written"):
        cut_in_half("file/half")
