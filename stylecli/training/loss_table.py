"""Every loss of a training by its name, and the inputs of all of them in a step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from stylecli.training.losses.loss_network import LossNetwork
from stylecli.training.losses.palette import palette_loss
from stylecli.training.losses.perceptual import (
    content_loss,
    feature_loss,
    grid_loss,
    pixel_loss,
    speck_loss,
    style_loss,
    total_variation,
)
from stylecli.training.losses.photo import emboss_loss, tone_loss
from stylecli.training.losses.transport import (
    moment_loss,
    relaxed_emd,
    sample_places,
    self_similarity_loss,
    sliced_wasserstein,
)
from stylecli.training.recipe import Recipe

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
    colours: Tensor | None  # (N, 3, C) of each picture's painting, from `painting_colours`
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


def _palette(view: View) -> Tensor:
    assert view.colours is not None  # computed if its weight is not 0
    return palette_loss(view.stylized, view.colours, view.chance)


def _pixel(view: View) -> Tensor:
    return pixel_loss(view.stylized, _taught(view))


def _feature(view: View) -> Tensor:
    with torch.no_grad():
        wanted = view.loss_network(_taught(view), view.recipe.loss_layers)
    return feature_loss(view.features, wanted)


def _taught(view: View) -> Tensor:
    assert view.taught is not None  # check_recipe refuses these weights without a teacher
    return view.taught


# Every loss by its name in the log. To add one, add an entry here and its weight to `Recipe`. A loss of weight 0 is not
# computed. The consistency loss is computed in `loop`, since it needs the network itself.
LOSSES: dict[str, Loss] = {
    "content": Loss(_content, "content_weight"),
    "style": Loss(_style, "style_weight"),
    "variation": Loss(lambda view: total_variation(view.stylized), "variation_weight"),
    "grid": Loss(lambda view: grid_loss(view.stylized), "grid_weight"),
    "speck": Loss(lambda view: speck_loss(view.stylized), "speck_weight"),
    "structure": Loss(_structure, "structure_weight"),
    "palette": Loss(_palette, "palette_weight"),
    "tone": Loss(lambda view: tone_loss(view.stylized, view.photo), "tone_weight"),
    "emboss": Loss(lambda view: emboss_loss(view.stylized, view.photo), "emboss_weight"),
    "relaxed_emd": Loss(_relaxed_emd, "relaxed_emd_weight"),
    "moment": Loss(_moment, "moment_weight"),
    "self_similarity": Loss(_self_similarity, "self_similarity_weight"),
    "sliced": Loss(_sliced, "sliced_weight"),
    "pixel": Loss(_pixel, "pixel_weight"),
    "feature": Loss(_feature, "feature_weight"),
}
