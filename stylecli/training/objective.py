"""The objective of a training: the losses of its recipe, and the targets that its paintings give."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stylecli.training.loss_table import LOSSES, Features, LossInputs, weight_of
from stylecli.training.losses.loss_network import LossNetwork
from stylecli.training.losses.names import LossName
from stylecli.training.losses.palette import painting_colors
from stylecli.training.losses.perceptual import gram_matrix
from stylecli.training.losses.sampling import SAMPLES, sample_features
from stylecli.training.recipe import Phase, Recipe


class Objective:
    """The losses of a recipe. The Gram matrices of its paintings are computed once.

    paintings: for each painting, its pictures (1, 3, H, W) at the recipe's `style_sizes`. With two sizes the target is
    the mean of both Gram matrices, for large and small strokes.
    """

    def __init__(
        self,
        recipe: Recipe,
        paintings: Sequence[Sequence[Tensor]],
        loss_networks: Mapping[LossName, LossNetwork],
        *,
        teacher: nn.Module | None = None,
    ) -> None:
        self.recipe = recipe
        self.loss_networks = loss_networks
        self.teacher = teacher
        self.grams = {name: style_grams(recipe, paintings, loss_networks[name]) for name in recipe.loss_networks}
        self.samples = {name: _samples(recipe, paintings, loss_networks[name]) for name in recipe.loss_networks}
        self.colors = torch.cat([painting_colors(sizes) for sizes in paintings]) if recipe.palette_weight else None
        self._losses = {name: measure for name, measure in LOSSES.items() if weight_of(name, recipe)}

    def losses(
        self, photo: Tensor, stylized: Tensor, styles: Sequence[int], phase: Phase, *, seed: str = ""
    ) -> dict[str, Tensor]:
        """Compute the unweighted losses by name.

        Args:
            photo: the photos, (N, 3, H, W).
            stylized: what the network made of them.
            styles: for each picture, the number of its painting.
            phase: of the training, which decides the loss network.
            seed: of the losses that sample positions or directions.
        """
        recipe = self.recipe
        name = recipe.loss_network_of(phase)
        loss_network = self.loss_networks[name]
        with torch.no_grad():
            photo_features = _as_float(loss_network(photo, recipe.photo_layers))
            teacher_pictures = self.teacher(photo) if self.teacher is not None and recipe.needs_teacher else None
        features = _as_float(loss_network(stylized, recipe.loss_layers))
        inputs = LossInputs(
            recipe=recipe,
            loss_network=loss_network,
            photo=photo,
            stylized=stylized.float(),
            photo_features=photo_features,
            features=features,
            scales=[features, *self._features_of_smaller(stylized, loss_network)],
            grams=[{layer: gram[list(styles)] for layer, gram in scale.items()} for scale in self.grams[name]],
            samples={layer: one[list(styles)] for layer, one in self.samples[name].items()},
            colors=None if self.colors is None else self.colors[list(styles)],
            teacher_pictures=teacher_pictures,
            seed=seed,
        )
        with torch.autocast(photo.device.type, enabled=False):  # Gram matrices of bfloat16 would be too coarse
            return {name: measure(inputs) for name, measure in self._losses.items()}

    def _features_of_smaller(self, stylized: Tensor, loss_network: LossNetwork) -> Iterator[Features]:
        """Yield the features of the pictures halved once, twice, ...; empty for scales of weight 0."""
        for weight in self.recipe.style_scales[1:]:
            stylized = halved(stylized)
            is_seen = weight and self.recipe.style_weight
            yield _as_float(loss_network(stylized, self.recipe.style_layers)) if is_seen else {}

    def total(self, losses: Mapping[str, Tensor]) -> Tensor:
        """Sum the losses, each times its weight in the recipe (Johnson et al. 2016, eq. 5)."""
        return torch.stack([weight_of(name, self.recipe) * loss for name, loss in losses.items()]).sum()


@torch.no_grad()
def style_grams(
    recipe: Recipe, paintings: Sequence[Sequence[Tensor]], loss_network: LossNetwork
) -> list[dict[str, Tensor]]:
    """Compute for each scale the Gram matrices by layer, (paintings, C, C): means over the sizes of a painting."""
    scales = []
    for number in range(len(recipe.style_scales)):
        if number:
            paintings = [[halved(image) for image in sizes] for sizes in paintings]
        rows = [_mean_grams(sizes, recipe.style_layers, loss_network) for sizes in paintings]
        scales.append({layer: torch.cat([row[layer] for row in rows]) for layer in recipe.style_layers})
    return scales


@torch.no_grad()
def _samples(recipe: Recipe, paintings: Sequence[Sequence[Tensor]], loss_network: LossNetwork) -> dict[str, Tensor]:
    """Sample features of the paintings by layer, (paintings, C, SAMPLES), at positions of all of their sizes."""
    samples: dict[str, list[Tensor]] = {layer: [] for layer in recipe.sampled_layers}
    for sizes in paintings if samples else ():
        features = [_as_float(loss_network(image, recipe.sampled_layers)) for image in sizes]
        for layer, rows in samples.items():
            maps = torch.cat([one[layer].flatten(2) for one in features], 2)[..., None]  # (1, C, positions, 1)
            maps = maps.repeat(1, 1, math.ceil(SAMPLES / maps.shape[2]), 1)  # as many for every painting
            rows.append(sample_features(maps, "painting"))
    return {layer: torch.cat(rows) for layer, rows in samples.items()}


def halved(image: Tensor) -> Tensor:
    """Halve height and width by averaging 2 x 2 pixels."""
    return F.avg_pool2d(image, 2)


def _mean_grams(sizes: Sequence[Tensor], layers: Sequence[str], loss_network: LossNetwork) -> dict[str, Tensor]:
    grams = [{layer: gram_matrix(maps) for layer, maps in loss_network(image, layers).items()} for image in sizes]
    return {layer: torch.stack([gram[layer] for gram in grams]).mean(0) for layer in layers}


def _as_float(features: Features) -> dict[str, Tensor]:
    return {layer: maps.float() for layer, maps in features.items()}
