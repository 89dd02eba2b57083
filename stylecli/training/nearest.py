"""Find the style that is nearest to a painting: the start that leaves a training the least to learn."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from stylecli.media.images.files import read_picture
from stylecli.media.pixels import to_unit
from stylecli.photos import JUDGING_PHOTOS
from stylecli.training.data import photo_tensor
from stylecli.training.losses.loss_network import load_loss_network
from stylecli.training.networks.conditional import average_style
from stylecli.training.objective import Objective
from stylecli.training.paintings import style_images
from stylecli.training.recipe import Recipe
from stylecli.training.runs.checkpoints import read_tensors
from stylecli.training.runs.finished import trained_files
from stylecli.training.train import network_to_start_from

SIDE = 192  # pixels of the square photos that the styles are compared on


@torch.no_grad()
def nearest_style(painting: Path, recipe: Recipe, styles: Sequence[str], styles_dir: Path | None = None) -> str:
    """Return the style whose pictures have the lowest total loss before the first step.

    Args:
        painting: the file of the painting to learn.
        recipe: of the training; its losses, sizes and dilations count.
        styles: the names of the styles to choose from.
        styles_dir: a folder of styles to search first.

    Raises:
        UsageError, MediaError: as `paintings.style_images`.
        PackError: a style is unknown.
    """
    phase = recipe.phases[0]
    name = recipe.loss_network_of(phase)
    networks = {name: load_loss_network(name, recipe.loss_layers)}
    objective = Objective(recipe, style_images([painting], recipe, torch.device("cpu")), networks)
    photos = torch.stack([_square(file) for file in sorted(JUDGING_PHOTOS.glob("*.jpg"))])

    def loss(style: str) -> float:
        weights, _ = read_tensors(trained_files(style, styles_dir).weights)
        stylized = network_to_start_from(average_style(weights), recipe)(photos)
        return objective.total(objective.losses(photos, stylized, [0] * len(photos), phase)).item()

    return min(styles, key=loss)


def _square(file: Path) -> Tensor:
    return photo_tensor(to_unit(read_picture(file).pixels), SIDE)[:, :SIDE, :SIDE]
