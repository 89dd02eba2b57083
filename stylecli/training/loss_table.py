"""Every loss of a training by its name, and the inputs of all of them in a step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from stylecli.training.losses.fringes import fringe_loss
from stylecli.training.losses.loss_network import LossNetwork
from stylecli.training.losses.palette import palette_loss
from stylecli.training.losses.perceptual import content_loss, feature_loss, pixel_loss, style_loss
from stylecli.training.losses.photo import emboss_loss, tone_loss
from stylecli.training.losses.regularizers import grid_loss, speck_loss, total_variation
from stylecli.training.losses.sampling import sample_features
from stylecli.training.losses.transport import moment_loss, relaxed_emd, self_similarity_loss, sliced_wasserstein
from stylecli.training.recipe import Recipe

Features = Mapping[str, Tensor]  # by layer, (N, C, H, W) each


@dataclass(frozen=True)
class LossInputs:
    """The inputs of all losses in one step. Pictures are (N, 3, H, W), RGB in 0..1."""

    recipe: Recipe
    loss_network: LossNetwork
    photo: Tensor
    stylized: Tensor
    photo_features: Features  # at `Recipe.photo_layers`, without gradient
    features: Features  # of the stylized pictures at `Recipe.loss_layers`
    scales: Sequence[Features]  # of the stylized pictures at `style_layers`, for each scale of `style_scales`
    grams: Sequence[Features]  # Gram matrices (N, C, C) of each picture's painting, for each scale
    samples: Features  # features (N, C, P) of each picture's painting at random positions of `Recipe.sampled_layers`
    colors: Tensor | None  # (N, 3, C) of each picture's painting, from `painting_colors`; None without a palette loss
    teacher_pictures: Tensor | None  # without gradient; None without a teacher
    seed: str  # of everything random in the step


def _content_at(layer: str, inputs: LossInputs) -> Tensor:
    return content_loss(inputs.features[layer], inputs.photo_features[layer], relative=inputs.recipe.relative)


def _style(inputs: LossInputs) -> Tensor:
    """Return sum_s w_s style_loss(x_s, t_s) / sum_s w_s over the scales s: full size, half, a quarter, ...

    Small scales compare large strokes (Gatys et al. 2017; Wang et al. 2017, "Multimodal transfer").
    """
    recipe = inputs.recipe
    total = torch.zeros((), device=inputs.stylized.device)
    for weight, features, grams in zip(recipe.style_scales, inputs.scales, inputs.grams, strict=True):
        if weight:
            total = total + weight * style_loss(features, grams, relative=recipe.relative)
    return total / sum(recipe.style_scales)


def _over_layers(inputs: LossInputs, layers: Sequence[str], measure: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """Return the mean over layers of a distance between sampled features of the pictures and of their paintings."""
    pairs = ((sample_features(inputs.features[layer], inputs.seed), inputs.samples[layer]) for layer in layers)
    return torch.stack([measure(samples, targets) for samples, targets in pairs]).mean()


def _relaxed_emd(inputs: LossInputs) -> Tensor:
    return _over_layers(inputs, inputs.recipe.transport_layers, relaxed_emd)


def _moment(inputs: LossInputs) -> Tensor:
    return _over_layers(inputs, inputs.recipe.transport_layers, moment_loss)


def _sliced(inputs: LossInputs) -> Tensor:
    def measure(samples: Tensor, targets: Tensor) -> Tensor:
        return sliced_wasserstein(samples, targets, inputs.seed)

    return _over_layers(inputs, inputs.recipe.sliced_layers, measure)


def _self_similarity(inputs: LossInputs) -> Tensor:
    losses = [
        self_similarity_loss(
            *(sample_features(maps[layer], inputs.seed) for maps in (inputs.features, inputs.photo_features))
        )
        for layer in inputs.recipe.transport_layers
    ]
    return torch.stack(losses).mean()


def _palette(inputs: LossInputs) -> Tensor:
    assert inputs.colors is not None  # computed if its weight is not 0
    return palette_loss(inputs.stylized, inputs.colors, inputs.seed)


def _pixel(inputs: LossInputs) -> Tensor:
    return pixel_loss(inputs.stylized, _teacher_pictures(inputs))


def _feature(inputs: LossInputs) -> Tensor:
    with torch.no_grad():
        wanted = inputs.loss_network(_teacher_pictures(inputs), inputs.recipe.loss_layers)
    return feature_loss(inputs.features, wanted)


def _teacher_pictures(inputs: LossInputs) -> Tensor:
    assert inputs.teacher_pictures is not None  # check_recipe refuses these weights without a teacher
    return inputs.teacher_pictures


# Every loss by its name in the log; `NAME_weight` of the recipe is its weight. To add one, add an entry here and its
# weight to `Recipe`. A loss of weight 0 is not computed. The consistency loss is computed in `loop`, since it needs the
# network itself.
LOSSES: dict[str, Callable[[LossInputs], Tensor]] = {
    "content": lambda inputs: _content_at(inputs.recipe.content_layer, inputs),
    "style": _style,
    "variation": lambda inputs: total_variation(inputs.stylized),
    "grid": lambda inputs: grid_loss(inputs.stylized),
    "speck": lambda inputs: speck_loss(inputs.stylized),
    "structure": lambda inputs: _content_at(inputs.recipe.structure_layer, inputs),
    "palette": _palette,
    "tone": lambda inputs: tone_loss(inputs.stylized, inputs.photo),
    "fringe": lambda inputs: fringe_loss(inputs.stylized, inputs.photo),
    "emboss": lambda inputs: emboss_loss(inputs.stylized, inputs.photo),
    "relaxed_emd": _relaxed_emd,
    "moment": _moment,
    "self_similarity": _self_similarity,
    "sliced": _sliced,
    "pixel": _pixel,
    "feature": _feature,
}


def weight_of(loss: str, recipe: Recipe) -> float:
    """Return the weight that a recipe gives a loss of LOSSES, or "consistency"."""
    weight: float = getattr(recipe, f"{loss}_weight")
    return weight
