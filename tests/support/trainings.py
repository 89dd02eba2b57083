"""Small trainings with a real but random loss network: what is tested is the machinery, not the picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import pytest
import torch
from safetensors.torch import load_file

from stylecli.core.progress import Notice, Progress, Step, ignore
from stylecli.training.data import PhotoFolder
from stylecli.training.losses.loss_network import LossNetwork, load_loss_network
from stylecli.training.losses.names import STYLE_LAYERS
from stylecli.training.prepare import Preparation
from stylecli.training.recipe import Painting, Phase, Recipe
from stylecli.training.runs import folder
from stylecli.training.train import train


@pytest.fixture(autouse=True, scope="session")
def _small_samples() -> Iterator[None]:
    """Draw a training's samples from two crops of 64 pixels, those of fixtures of modules too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folder, "SAMPLE_PHOTOS", 2)
        patch.setattr(folder, "SAMPLE_SIZE", 64)
        yield


@pytest.fixture(scope="session")
def loss_network(vgg_file: Path) -> LossNetwork:
    return load_loss_network("vgg19", STYLE_LAYERS, file=vgg_file)


@pytest.fixture
def photos(photo_folder: Path) -> PhotoFolder:
    return PhotoFolder(photo_folder)


class Trained(Protocol):
    """Trains into a folder; further arguments are those of a Preparation, or `progress` and `notice`."""

    def __call__(
        self, recipe: Recipe, run: Path, *, progress: Progress = ..., notice: Notice = ..., **changes: Any
    ) -> Path: ...


@pytest.fixture
def trained(photo_folder: Path, loss_network: LossNetwork) -> Trained:
    """Give a function that trains by a recipe into a folder, and returns the file of the weights."""
    return _trainer(photo_folder, loss_network)


@pytest.fixture(scope="session")
def finished(
    recipe: Recipe, photo_folder: Path, loss_network: LossNetwork, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Give the folder of a finished training by `recipe`. Read only."""
    folder = tmp_path_factory.mktemp("finished")
    _trainer(photo_folder, loss_network)(recipe, folder)
    return folder


def _trainer(photo_folder: Path, loss_network: LossNetwork) -> Trained:
    def run_training(
        recipe: Recipe, run: Path, *, progress: Progress = ignore, notice: Notice = lambda _: None, **changes: Any
    ) -> Path:
        paintings = tuple(photo_folder / painting.file for painting in recipe.paintings)
        ready = replace(Preparation(recipe, paintings, {"vgg19": loss_network}), **changes)
        return train(ready, PhotoFolder(photo_folder), run, progress=progress, notice=notice)

    return run_training


def stop_at(number: int, error: type[BaseException] = KeyboardInterrupt) -> Progress:
    """A progress callback that raises at a step: ^C, or with RuntimeError what no handler sees, as `kill -9`."""

    def progress(step: Step) -> None:
        if step.done == number:
            raise error

    return progress


def same_tensors(one: Path, other: Path) -> bool:
    """Whether two files of weights hold the same bits."""
    return all(torch.equal(tensor, load_file(other)[name]) for name, tensor in load_file(one).items())


@pytest.fixture(scope="session")
def recipe() -> Recipe:
    return Recipe(
        Painting("chelsea.png"),
        stem=4,
        trunk=8,
        blocks=1,
        loss_network="vgg19",
        style_sizes=(64,),
        batch=1,
        phases=(Phase(3, 64), Phase(3, 72)),
    )
