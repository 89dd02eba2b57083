from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from stylecli.training.loss_table import LOSSES
from stylecli.training.losses.loss_network import LossNetwork, load_loss_network
from stylecli.training.losses.perceptual import gram_matrix, style_loss
from stylecli.training.objective import Objective, halved
from stylecli.training.recipe import Recipe

RANDOM = torch.Generator().manual_seed(0)
PHOTO, STYLIZED = torch.rand(2, 2, 3, 64, 64, generator=RANDOM)
PAINTING = torch.rand(1, 3, 80, 96, generator=RANDOM)


def losses_of(recipe: Recipe, network: LossNetwork, stylized: Tensor = STYLIZED) -> dict[str, Tensor]:
    objective = Objective(recipe, [[PAINTING]], {"vgg19": network})
    return objective.losses(PHOTO, stylized, [0, 0], recipe.phases[0])


def test_by_default_there_are_the_four_losses_of_old(recipe: Recipe, loss_network: LossNetwork) -> None:
    assert list(losses_of(recipe, loss_network)) == ["content", "style", "variation", "grid"]


def test_a_loss_whose_weight_is_0_is_not_computed(recipe: Recipe, loss_network: LossNetwork) -> None:
    assert "grid" not in losses_of(replace(recipe, grid_weight=0.0), loss_network)


def test_one_scale_is_the_plain_style_loss_to_the_bit(recipe: Recipe, loss_network: LossNetwork) -> None:
    features = loss_network(STYLIZED, recipe.style_layers)
    grams = {layer: gram_matrix(maps) for layer, maps in loss_network(PAINTING, recipe.style_layers).items()}
    targets = {layer: gram[[0, 0]] for layer, gram in grams.items()}
    assert losses_of(recipe, loss_network)["style"] == style_loss(features, targets)


def test_the_style_loss_is_the_weighted_mean_over_its_scales(recipe: Recipe, loss_network: LossNetwork) -> None:
    weights = (1.0, 0.5, 0.25)
    several = losses_of(replace(recipe, style_scales=weights), loss_network)["style"]
    alone, stylized, painting = [], STYLIZED, PAINTING
    for _ in weights:
        features = loss_network(stylized, recipe.style_layers)
        targets = {layer: gram_matrix(maps) for layer, maps in loss_network(painting, recipe.style_layers).items()}
        alone.append(style_loss(features, targets).item())
        stylized, painting = halved(stylized), halved(painting)
    mean = sum(weight * one for weight, one in zip(weights, alone, strict=True)) / sum(weights)
    assert several.item() == pytest.approx(mean, rel=1e-5)


def test_a_scale_of_weight_0_is_left_out(recipe: Recipe, loss_network: LossNetwork) -> None:
    plain = losses_of(recipe, loss_network)["style"]
    assert losses_of(replace(recipe, style_scales=(1.0, 0.0)), loss_network)["style"] == plain
    assert losses_of(replace(recipe, style_scales=(0.0, 1.0)), loss_network)["style"] != plain


def test_the_scale_of_the_weights_of_scales_does_not_matter(recipe: Recipe, loss_network: LossNetwork) -> None:
    one = losses_of(replace(recipe, style_scales=(1.0, 0.5)), loss_network)["style"]
    other = losses_of(replace(recipe, style_scales=(4.0, 2.0)), loss_network)["style"]
    assert one.item() == pytest.approx(other.item(), rel=1e-5)


def test_structure_tone_emboss_and_fringes_reach_the_picture(recipe: Recipe, loss_network: LossNetwork) -> None:
    added = {"structure_weight": 1.0, "tone_weight": 1.0, "emboss_weight": 1.0, "fringe_weight": 1.0}
    stylized = (0.5 * PHOTO + 0.5 * STYLIZED).requires_grad_()
    losses = losses_of(replace(recipe, structure_layer="relu2_2", **added), loss_network, stylized)
    for name in ("structure", "tone", "emboss", "fringe"):
        (gradient,) = torch.autograd.grad(losses[name], stylized, retain_graph=True)
        assert gradient.isfinite().all()
        assert gradient.abs().max() > 0


def test_the_structure_of_the_photo_itself_costs_nothing(recipe: Recipe, loss_network: LossNetwork) -> None:
    recipe = replace(recipe, content_layer="relu4_1", structure_layer="relu2_2", structure_weight=1.0)
    assert losses_of(recipe, loss_network, PHOTO)["structure"].item() == 0


@pytest.mark.parametrize("name", ["relaxed_emd", "moment", "self_similarity", "sliced"])
def test_losses_of_sampled_features_reach_the_picture_and_repeat(recipe: Recipe, vgg_file: Path, name: str) -> None:
    recipe = replace(recipe, **{f"{name}_weight": 1.0})  # type: ignore[arg-type]
    network = load_loss_network("vgg19", recipe.loss_layers, file=vgg_file)
    objective = Objective(recipe, [[PAINTING], [PAINTING.flip(2), PAINTING]], {"vgg19": network})
    stylized = STYLIZED.clone().requires_grad_()

    def loss(seed: str) -> Tensor:
        return objective.losses(PHOTO, stylized, [0, 1], recipe.phases[0], seed=seed)[name]

    (gradient,) = torch.autograd.grad(loss("a"), stylized)
    assert gradient.isfinite().all()
    assert gradient.abs().max() > 0
    assert loss("a") == loss("a")


@dataclass(frozen=True)
class DarkRecipe(Recipe):
    dark_weight: float = 0.0


def test_a_loss_is_added_by_an_entry(
    recipe: Recipe, loss_network: LossNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LOSSES, "dark", lambda inputs: inputs.stylized.mean())
    values = {name: getattr(recipe, name) for name in recipe.__dataclass_fields__}
    dark = DarkRecipe(**values, dark_weight=3.0)
    objective = Objective(dark, [[PAINTING]], {"vgg19": loss_network})
    losses = objective.losses(PHOTO, STYLIZED, [0, 0], dark.phases[0])
    assert losses["dark"].item() == pytest.approx(STYLIZED.mean().item())
    without = objective.total({name: loss for name, loss in losses.items() if name != "dark"})
    assert objective.total(losses).item() == pytest.approx(without.item() + 3 * STYLIZED.mean().item(), rel=1e-5)


def test_each_picture_is_compared_with_the_colours_of_its_own_painting(
    recipe: Recipe, loss_network: LossNetwork
) -> None:
    red, blue = torch.zeros(2, 1, 3, 64, 64)
    red[:, 0], blue[:, 2] = 0.9, 0.9
    recipe = replace(recipe, palette_weight=1.0)
    objective = Objective(recipe, [[red], [blue]], {"vgg19": loss_network})

    def palette(*styles: int) -> float:
        pictures = torch.cat([red, blue])
        return objective.losses(PHOTO, pictures, styles, recipe.phases[0])["palette"].item()

    assert palette(0, 1) == pytest.approx(0, abs=1e-4)
    assert palette(1, 0) > 1
