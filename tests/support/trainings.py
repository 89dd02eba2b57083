"""Small trainings with a real but random loss network: what is tested is the machinery, not the picture."""

from __future__ import annotations

from pathlib import Path

import pytest

from stylecli.training.data import PhotoFolder
from stylecli.training.losses.loss_network import LossNetwork, load_loss_network
from stylecli.training.losses.perceptual import STYLE_LAYERS
from stylecli.training.recipe import Painting, Phase, Recipe


@pytest.fixture(scope="session")
def loss_network(vgg_file: Path) -> LossNetwork:
    return load_loss_network("vgg19", STYLE_LAYERS, file=vgg_file)


@pytest.fixture
def photos(photo_folder: Path) -> PhotoFolder:
    return PhotoFolder(photo_folder)


@pytest.fixture
def recipe() -> Recipe:
    return Recipe(
        Painting("chelsea.png"),
        stem=4,
        trunk=8,
        blocks=1,
        loss_network="vgg19",
        style_sizes=(64,),
        batch=1,
        phases=(Phase(3, 64), Phase(3, 96)),
    )
