"""A finished run that is quickly pruned."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch

from stylecli.evaluation import sweep
from stylecli.evaluation.quality import measures as quality
from stylecli.training import loop
from stylecli.training import prepare as preparing
from stylecli.training.export import cost
from stylecli.training.networks.fast import FastNetwork
from stylecli.training.prepare import PHASES_FROM_BASE
from stylecli.training.pruning import prune as pruning
from stylecli.training.recipe import Phase, Recipe
from stylecli.training.runs.checkpoints import write_tensors
from stylecli.training.runs.finished import TrainingFacts
from stylecli.training.runs.recipe_files import write_recipe


@pytest.fixture
def quick_pruning(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prune by few small crops, heal in six steps, judge, time and preview small pictures, sweep by quick exports."""
    make_quick(monkeypatch)


def make_quick(patch: pytest.MonkeyPatch) -> None:
    """Do what the fixture `quick_pruning` does, for fixtures of modules."""
    patch.setattr(pruning, "CALIBRATION_CROPS", 2)
    patch.setattr(pruning, "CALIBRATION_SIZE", 64)
    patch.setattr(pruning, "HEALING", (Phase(3, 64), Phase(3, 72)))
    patch.setattr(loop, "SAVE_EVERY", 2)
    patch.setattr(loop, "LOG_EVERY", 1)
    patch.setattr(quality, "PHOTO_SHORT_SIDE", 64)
    patch.setattr(quality, "PAINTING_SHORT_SIDE", 64)
    patch.setattr(preparing, "PHASES_FROM_BASE", tuple(replace(phase, size=64) for phase in PHASES_FROM_BASE))
    patch.setattr(cost, "SIZE", (160, 96))
    patch.setattr(sweep, "measure_cost", partial(cost.measure_cost, any_size=False))


@pytest.fixture
def whole(recipe: Recipe, photo_folder: Path, tmp_path: Path) -> Path:
    """Give a finished run, of random weights, with its painting."""
    return write_whole(tmp_path / "whole", recipe, photo_folder)


def write_whole(run: Path, recipe: Recipe, photo_folder: Path, *, blocks: int = 2) -> Path:
    """Write a finished run, of the same random weights each time."""
    run.mkdir()
    torch.manual_seed(0)
    network = FastNetwork(stem=6, trunk=12, blocks=blocks)
    facts = TrainingFacts("CPU", 5.0, "vgg19", "0" * 64)
    write_tensors(network.state_dict(), run / "weights.safetensors", facts.as_metadata())
    write_recipe(replace(recipe, stem=6, trunk=12, blocks=blocks), run / "recipe.toml")
    (run / "chelsea.png").write_bytes((photo_folder / "chelsea.png").read_bytes())
    return run
