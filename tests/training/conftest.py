"""Small trainings with a real but random loss network: what is tested is the machinery, not the picture."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from stylecli.training.data import PhotoFolder
from stylecli.training.loss_network import CONVOLUTIONS, LossNetwork, load_loss_network
from stylecli.training.losses import STYLE_LAYERS
from stylecli.training.recipe import Painting, Phase, Recipe


@pytest.fixture(scope="session")
def vgg_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give VGG-19 with random weights (He et al. 2015) as a file with torchvision's keys, down to relu4_2."""
    random = torch.Generator().manual_seed(0)
    weights, channels, index = {}, 3, 0
    for block, count in enumerate(CONVOLUTIONS["vgg19"]):
        width = 64 * 2**block
        for _ in range(2 if block == 3 else count):
            weights[f"features.{index}.weight"] = (
                torch.randn(width, channels, 3, 3, generator=random) * (2 / (9 * channels)) ** 0.5
            )
            weights[f"features.{index}.bias"] = torch.zeros(width)
            channels, index = width, index + 2
        index += 1
    path = tmp_path_factory.mktemp("vgg") / "vgg19.safetensors"
    save_file(weights, path)
    return path


@pytest.fixture(scope="session")
def loss_network(vgg_file: Path) -> LossNetwork:
    return load_loss_network("vgg19", STYLE_LAYERS, file=vgg_file)


@pytest.fixture
def photos(photo_folder: Path) -> PhotoFolder:
    return PhotoFolder(photo_folder)


@pytest.fixture
def recipe() -> Recipe:
    return Recipe(
        Painting("chelsea.png"), stem=4, trunk=8, blocks=1, style_size=64, batch=1, phases=(Phase(3, 64), Phase(3, 96))
    )
