"""The objective of a training: the table of all losses, and their inputs in a step."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stylecli.training.losses.loss_network import LossNetwork
from stylecli.training.losses.names import LossName
from stylecli.training.losses.perceptual import (
    content_loss,
    feature_loss,
    gram_matrix,
    grid_loss,
    pixel_loss,
    speck_loss,
    style_loss,
    total_variation,
)
from stylecli.training.losses.photo import emboss_loss, tone_loss
from stylecli.training.losses.transport import (
    SAMPLES,
    moment_loss,
    relaxed_emd,
    sample_places,
    self_similarity_loss,
    sliced_wasserstein,
)
from stylecli.training.recipe import Phase, Recipe

Features = Mapping[str, Tensor]  # by layer, (N, C, H, W) each


@dataclass(frozen=True)
class View:
    """The inputs of all losses in one step. Pictures are (N, 3, H, W), RGB in 0..1."""

    recipe: Recipe
    loss_network: LossNetwork
    photo: Tensor
    stylized: Tensor
    photo_features: Features  # at `Recipe.photo_layers`, without gradient
    features: Features  # of the stylized pictures at `Recipe.loss_layers`
    scales: Sequence[Features]  # of the stylized pictures at `style_layers`, for each scale of `style_scales`
    targets: Sequence[Features]  # Gram matrices (N, C, C) of each picture's painting, for each scale
    samples: Features  # features (N, C, P) of each picture's painting at random positions of `Recipe.sampled_layers`
    taught: Tensor | None  # the teacher's pictures, without gradient
    chance: str  # seed of everything random in the step


@dataclass(frozen=True)
class Loss:
    """One loss: `measure` returns a scalar, `weight` names the field of the recipe that it is multiplied by."""

    measure: Callable[[View], Tensor]
    weight: str


def _content(view: View) -> Tensor:
    layer = view.recipe.content_layer
    return content_loss(view.features[layer], view.photo_features[layer], relative=view.recipe.relative)


def _structure(view: View) -> Tensor:
    layer = view.recipe.structure_layer
    return content_loss(view.features[layer], view.photo_features[layer], relative=view.recipe.relative)


def _style(view: View) -> Tensor:
    """The weighted mean of the style losses of the picture at full size, at half, at a quarter, ...

    At small scales it compares large strokes (Gatys et al. 2017; Wang et al. 2017, "Multimodal transfer").
    """
    recipe = view.recipe
    total = torch.zeros((), device=view.stylized.device)
    for weight, features, targets in zip(recipe.style_scales, view.scales, view.targets, strict=True):
        if weight:
            total = total + weight * style_loss(features, targets, relative=recipe.relative)
    return total / sum(recipe.style_scales)


def _over_layers(view: View, layers: Sequence[str], measure: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """The mean over layers of a distance between the picture's features and the painting's."""
    pairs = ((sample_places(view.features[layer], view.chance), view.samples[layer]) for layer in layers)
    return torch.stack([measure(samples, targets) for samples, targets in pairs]).mean()


def _relaxed_emd(view: View) -> Tensor:
    return _over_layers(view, view.recipe.transport_layers, relaxed_emd)


def _moment(view: View) -> Tensor:
    return _over_layers(view, view.recipe.transport_layers, moment_loss)


def _sliced(view: View) -> Tensor:
    def measure(samples: Tensor, targets: Tensor) -> Tensor:
        return sliced_wasserstein(samples, targets, view.chance)

    return _over_layers(view, view.recipe.sliced_layers, measure)


def _self_similarity(view: View) -> Tensor:
    losses = [
        self_similarity_loss(
            *(sample_places(maps[layer], view.chance) for maps in (view.features, view.photo_features))
        )
        for layer in view.recipe.transport_layers
    ]
    return torch.stack(losses).mean()


def _pixel(view: View) -> Tensor:
    return pixel_loss(view.stylized, _taught(view))


def _feature(view: View) -> Tensor:
    with torch.no_grad():
        wanted = view.loss_network(_taught(view), view.recipe.loss_layers)
    return feature_loss(view.features, wanted)


# Every loss by its name in the log. To add one, add an entry here and its weight to `Recipe`. A loss of weight 0 is not
# computed. The consistency loss is computed in `loop`, since it needs the network itself.
LOSSES: dict[str, Loss] = {
    "content": Loss(_content, "content_weight"),
    "style": Loss(_style, "style_weight"),
    "variation": Loss(lambda view: total_variation(view.stylized), "variation_weight"),
    "grid": Loss(lambda view: grid_loss(view.stylized), "grid_weight"),
    "speck": Loss(lambda view: speck_loss(view.stylized), "speck_weight"),
    "structure": Loss(_structure, "structure_weight"),
    "tone": Loss(lambda view: tone_loss(view.stylized, view.photo), "tone_weight"),
    "emboss": Loss(lambda view: emboss_loss(view.stylized, view.photo), "emboss_weight"),
    "relaxed_emd": Loss(_relaxed_emd, "relaxed_emd_weight"),
    "moment": Loss(_moment, "moment_weight"),
    "self_similarity": Loss(_self_similarity, "self_similarity_weight"),
    "sliced": Loss(_sliced, "sliced_weight"),
    "pixel": Loss(_pixel, "pixel_weight"),
    "feature": Loss(_feature, "feature_weight"),
}


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
        self.targets = {name: style_targets(recipe, paintings, loss_networks[name]) for name in recipe.loss_networks}
        self.samples = {name: _samples(recipe, paintings, loss_networks[name]) for name in recipe.loss_networks}
        self._chosen = {name: loss for name, loss in LOSSES.items() if getattr(recipe, loss.weight)}

    def losses(
        self, photo: Tensor, stylized: Tensor, styles: Sequence[int], phase: Phase, *, chance: str = ""
    ) -> dict[str, Tensor]:
        """Compute the unweighted losses by name.

        Args:
            photo: the photos, (N, 3, H, W).
            stylized: what the network made of them.
            styles: for each picture, the number of its painting.
            phase: of the training, which decides the loss network.
            chance: seed of the losses that sample positions or directions.
        """
        recipe = self.recipe
        name = recipe.loss_network_of(phase)
        loss_network = self.loss_networks[name]
        with torch.no_grad():
            photo_features = _as_float(loss_network(photo, recipe.photo_layers))
            taught = self.teacher(photo) if self.teacher is not None and recipe.is_taught else None
        features = _as_float(loss_network(stylized, recipe.loss_layers))
        scales = [features, *self._features_of_smaller(stylized, loss_network)]
        targets = [{layer: gram[list(styles)] for layer, gram in scale.items()} for scale in self.targets[name]]
        samples = {layer: one[list(styles)] for layer, one in self.samples[name].items()}
        view = View(
            recipe,
            loss_network,
            photo,
            stylized.float(),
            photo_features,
            features,
            scales,
            targets,
            samples,
            taught,
            chance,
        )
        with torch.autocast(photo.device.type, enabled=False):  # Gram matrices of bfloat16 would be too coarse
            return {name: loss.measure(view) for name, loss in self._chosen.items()}

    def _features_of_smaller(self, stylized: Tensor, loss_network: LossNetwork) -> Iterator[Features]:
        """Yield the features of the pictures halved once, twice, ...; empty for scales of weight 0."""
        for weight in self.recipe.style_scales[1:]:
            stylized = halved(stylized)
            is_seen = weight and self.recipe.style_weight
            yield _as_float(loss_network(stylized, self.recipe.style_layers)) if is_seen else {}

    def total(self, losses: Mapping[str, Tensor]) -> Tensor:
        """Sum the losses, each times its weight in the recipe (Johnson et al. 2016, eq. 5)."""
        weights = {name: loss.weight for name, loss in LOSSES.items()} | {"consistency": "consistency_weight"}
        return torch.stack([getattr(self.recipe, weights[name]) * loss for name, loss in losses.items()]).sum()


@torch.no_grad()
def style_targets(
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
            places = torch.cat([one[layer].flatten(2) for one in features], 2)[..., None]  # (1, C, places, 1)
            places = places.repeat(1, 1, math.ceil(SAMPLES / places.shape[2]), 1)  # as many for every painting
            rows.append(sample_places(places, "painting"))
    return {layer: torch.cat(rows) for layer, rows in samples.items()}


def halved(image: Tensor) -> Tensor:
    """Halve height and width by averaging 2 x 2 pixels."""
    return F.avg_pool2d(image, 2)


def _mean_grams(sizes: Sequence[Tensor], layers: Sequence[str], loss_network: LossNetwork) -> dict[str, Tensor]:
    grams = [{layer: gram_matrix(maps) for layer, maps in loss_network(image, layers).items()} for image in sizes]
    return {layer: torch.stack([gram[layer] for gram in grams]).mean(0) for layer in layers}


def _as_float(features: Features) -> dict[str, Tensor]:
    return {layer: maps.float() for layer, maps in features.items()}


def _taught(view: View) -> Tensor:
    assert view.taught is not None  # check_recipe refuses these weights without a teacher
    return view.taught
