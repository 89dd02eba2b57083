from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from stylecli.errors import UsageError
from stylecli.progress import Step
from stylecli.training import loop
from stylecli.training.data import PhotoFolder
from stylecli.training.loop import learning_rate, train
from stylecli.training.loss_network import LossNetwork
from stylecli.training.recipe import Painting, Recipe


@pytest.fixture
def painting(photo_folder: Path) -> Path:
    return photo_folder / "chelsea.png"


def stop_at(number: int) -> object:
    def progress(step: Step) -> None:
        if step.done == number:
            raise KeyboardInterrupt

    return progress


def test_a_run_holds_recipe_log_samples_and_weights(
    recipe: Recipe,
    painting: Path,
    photos: PhotoFolder,
    loss_network: LossNetwork,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loop, "LOG_EVERY", 2)
    file = train(recipe, painting, photos, tmp_path, loss_network=loss_network)
    assert load_file(file)["stem.convolution.weight"].shape == (4, 12, 3, 3)
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [entry["step"] for entry in log] == [2, 4, 6]
    weights = {"content": 1, "style": 2, "variation": 0.05, "grid": 500}
    assert log[0]["total"] == pytest.approx(sum(weight * log[0][name] for name, weight in weights.items()), abs=1e-2)
    assert (tmp_path / "samples" / "step_000006.png").stat().st_size > 1000
    assert (tmp_path / "recipe.toml").exists()


def test_training_lowers_the_loss(
    recipe: Recipe,
    painting: Path,
    photos: PhotoFolder,
    loss_network: LossNetwork,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loop, "LOG_EVERY", 1)
    train(recipe.with_steps(40), painting, photos, tmp_path, loss_network=loss_network)
    totals = [json.loads(line)["total"] for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert sum(totals[-5:]) < 0.8 * sum(totals[:5])


def test_an_interrupted_run_ends_with_the_same_bits(
    recipe: Recipe,
    painting: Path,
    photos: PhotoFolder,
    loss_network: LossNetwork,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loop, "SAVE_EVERY", 2)
    whole = train(recipe, painting, photos, tmp_path / "whole", loss_network=loss_network)
    notes: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        train(recipe, painting, photos, tmp_path / "two", loss_network=loss_network, progress=stop_at(5))  # type: ignore[arg-type]
    resumed = train(recipe, painting, photos, tmp_path / "two", loss_network=loss_network, note=notes.append)
    assert "resumed at step 4" in notes[0]
    for name, tensor in load_file(whole).items():
        assert torch.equal(tensor, load_file(resumed)[name]), name


def test_resuming_with_another_recipe_is_refused(
    recipe: Recipe, painting: Path, photos: PhotoFolder, loss_network: LossNetwork, tmp_path: Path
) -> None:
    train(recipe.with_steps(1), painting, photos, tmp_path, loss_network=loss_network)
    with pytest.raises(UsageError, match="style_weight, phases differ"):
        train(replace(recipe, style_weight=9.0), painting, photos, tmp_path, loss_network=loss_network)


def test_a_loss_that_is_not_a_number_stops_the_training(
    recipe: Recipe, painting: Path, photos: PhotoFolder, loss_network: LossNetwork, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="the loss is nan") as caught:
        train(
            replace(recipe, content_weight=float("inf")),
            painting,
            photos,
            tmp_path,
            loss_network=loss_network,
            start=_zeros(recipe),
        )
    assert "learning_rate" in caught.value.hint
    assert not (tmp_path / "weights.safetensors").exists()


def test_the_learning_rate_rises_and_falls() -> None:
    recipe = Recipe(Painting("x")).with_steps(100)
    rates = [learning_rate(step, recipe) for step in range(100)]
    assert rates[0] == pytest.approx(recipe.learning_rate / 25)
    assert max(rates) == rates[5] == pytest.approx(recipe.learning_rate)
    assert rates[-1] < recipe.learning_rate / 100
    assert rates[5:] == sorted(rates[5:], reverse=True)


def _zeros(recipe: Recipe) -> dict[str, torch.Tensor]:
    """Weights that are not numbers: a network that was thrown off."""
    from stylecli.training.network import FastNetwork

    network = FastNetwork(stem=recipe.stem, trunk=recipe.trunk, blocks=recipe.blocks)
    return {name: torch.full_like(tensor, float("nan")) for name, tensor in network.state_dict().items()}
