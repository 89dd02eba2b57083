"""The loop: which weights move, what is logged, and that an interrupted run ends like one that was not."""

from __future__ import annotations

import errno
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from stylecli.core.errors import MediaError, UsageError
from stylecli.training import loop
from stylecli.training.networks.conditional import is_of_norm
from stylecli.training.networks.fast import FastNetwork, remove_checkerboard
from stylecli.training.recipe import Phase, Recipe
from stylecli.training.runs.checkpoints import read_tensors
from tests.support.trainings import Trained, same_tensors, stop_at

SMALL = {"stem": 4, "trunk": 8, "blocks": 1}  # the widths of the fixture `recipe`


def log_of(run: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]


def test_the_log_has_every_loss_and_their_weighted_total(
    trained: Trained, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "LOG_EVERY", 2)
    trained(recipe, tmp_path)
    log = log_of(tmp_path)
    assert [entry["step"] for entry in log] == [2, 4, 6]
    weights = {"content": 1, "style": 2, "variation": 0.05, "grid": 500}
    assert log[0]["total"] == pytest.approx(sum(weight * log[0][name] for name, weight in weights.items()), abs=1e-2)


def test_training_lowers_the_loss(
    trained: Trained, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "LOG_EVERY", 1)
    trained(replace(recipe, phases=(Phase(40, 64),)), tmp_path)
    totals = [entry["total"] for entry in log_of(tmp_path)]
    assert sum(totals[-5:]) < 0.8 * sum(totals[:5])


def test_an_interrupted_run_ends_with_the_same_bits(
    trained: Trained, recipe: Recipe, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "SAVE_EVERY", 2)
    notices: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        trained(recipe, tmp_path / "two", progress=stop_at(5))
    resumed = trained(recipe, tmp_path / "two", notice=notices.append)
    assert "resumed at step 5" in notices[0]  # ^C has written a checkpoint, beside the regular one of step 4
    assert same_tensors(finished / "weights.safetensors", resumed)


def test_a_run_with_the_consistency_term_logs_it_and_is_resumed_with_the_same_bits(
    trained: Trained, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "LOG_EVERY", 3)
    steady = replace(recipe, consistency_weight=50.0)
    whole = trained(steady, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        trained(steady, tmp_path / "two", progress=stop_at(4))
    assert same_tensors(whole, trained(steady, tmp_path / "two"))
    entry = log_of(tmp_path / "two")[-1]
    weights = {"content": 1, "style": 2, "variation": 0.05, "grid": 500, "consistency": 50}
    assert entry["consistency"] > 0
    assert entry["total"] == pytest.approx(sum(weight * entry[name] for name, weight in weights.items()), abs=1e-2)


def test_a_killed_run_goes_on_from_its_last_checkpoint_with_the_same_bits(
    trained: Trained, recipe: Recipe, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "SAVE_EVERY", 2)
    monkeypatch.setattr(loop, "LOG_EVERY", 1)
    with pytest.raises(RuntimeError):  # what no handler sees, as `kill -9`
        trained(recipe, tmp_path / "two", progress=stop_at(5, RuntimeError))
    with (tmp_path / "two" / "log.jsonl").open("a") as file:
        file.write('{"step": 6, "tot')
    resumed = trained(recipe, tmp_path / "two")
    assert same_tensors(finished / "weights.safetensors", resumed)
    assert [entry["step"] for entry in log_of(tmp_path / "two")] == [1, 2, 3, 4, 5, 6]


def test_a_run_killed_before_its_first_checkpoint_begins_its_log_again(
    trained: Trained, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "LOG_EVERY", 1)
    trained(recipe, tmp_path)
    for file in ("checkpoint.safetensors", "weights.safetensors"):
        (tmp_path / file).unlink()
    trained(recipe, tmp_path)
    assert [line["step"] for line in log_of(tmp_path)] == [1, 2, 3, 4, 5, 6]


def test_norms_alone_are_trained_where_the_recipe_says_so(trained: Trained, recipe: Recipe, tmp_path: Path) -> None:
    network = FastNetwork(**SMALL)
    remove_checkerboard(network)  # which training does after each step
    start = network.state_dict()
    recipe = replace(recipe, phases=(Phase(3, 64, trains="norms"),), average=0.0)
    weights = load_file(trained(recipe, tmp_path, start=start))
    changed = {name for name, tensor in weights.items() if not torch.allclose(tensor, start[name], atol=1e-6)}
    assert changed == {name for name in start if is_of_norm(name)}


def test_all_weights_are_trained_after_the_norms(trained: Trained, recipe: Recipe, tmp_path: Path) -> None:
    start = FastNetwork(**SMALL).state_dict()
    recipe = replace(recipe, phases=(Phase(2, 64, trains="norms"), Phase(2, 64)), average=0.0)
    weights = load_file(trained(recipe, tmp_path, start=start))
    assert not any(torch.equal(tensor, start[name]) for name, tensor in weights.items())


def test_what_is_kept_is_the_average_of_the_weights(trained: Trained, recipe: Recipe, tmp_path: Path) -> None:
    kept = load_file(trained(replace(recipe, average=0.9), tmp_path))
    checkpoint = load_file(tmp_path / "checkpoint.safetensors")
    assert torch.equal(kept["head.weight"], checkpoint["average.module.head.weight"])
    assert not torch.equal(kept["head.weight"], checkpoint["network.head.weight"])


def test_a_teacher_draws_the_network_towards_its_pictures(trained: Trained, recipe: Recipe, tmp_path: Path) -> None:
    teacher = FastNetwork(**SMALL).requires_grad_(False)
    teacher.head.bias += 2  # bright pictures
    silent = dict.fromkeys(("content_weight", "style_weight", "variation_weight", "grid_weight"), 0.0)
    recipe = replace(recipe, **silent, teacher="t", pixel_weight=100.0, phases=(Phase(60, 64),))
    trained(recipe, tmp_path, teacher=teacher)
    log = log_of(tmp_path)
    assert log[-1]["pixel"] < 0.6 * log[0]["pixel"]


def test_samples_are_drawn_at_chosen_steps(trained: Trained, recipe: Recipe, tmp_path: Path) -> None:
    trained(replace(recipe, sample_steps=(1, 4)), tmp_path)
    names = sorted(path.name for path in (tmp_path / "samples").iterdir())
    assert names == ["step_000001.png", "step_000004.png", "step_000006.png"]


def test_a_full_disk_is_named_and_the_last_checkpoint_is_kept(
    trained: Trained, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "SAVE_EVERY", 2)
    write_bytes = Path.write_bytes

    def write_until_full(path: Path, data: bytes) -> int:
        if path.suffix == ".safetensors" and (tmp_path / "checkpoint.safetensors").exists():
            write_bytes(path, data[:100])
            raise OSError(errno.ENOSPC, "No space left on device")
        return write_bytes(path, data)

    monkeypatch.setattr(Path, "write_bytes", write_until_full)
    with pytest.raises(MediaError, match="No space left"):
        trained(recipe, tmp_path)
    _, metadata = read_tensors(tmp_path / "checkpoint.safetensors")
    assert metadata["step"] == "2"
    assert not list(tmp_path.glob(".*"))


def test_an_infinite_loss_stops_the_training(trained: Trained, recipe: Recipe, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the loss is inf") as caught:
        trained(replace(recipe, content_weight=float("inf")), tmp_path)
    assert "learning_rate" in caught.value.hint
    assert not (tmp_path / "weights.safetensors").exists()
