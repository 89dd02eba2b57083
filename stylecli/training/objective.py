"""What a training minimises: the losses of stylized pictures, by the loss network of the phase and each painting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from stylecli.training.losses.loss_network import LossName, LossNetwork
from stylecli.training.losses.perceptual import (
    content_loss,
    feature_loss,
    gram_matrix,
    grid_loss,
    pixel_loss,
    style_loss,
    total_variation,
)
from stylecli.training.recipe import Phase, Recipe


class Objective:
    """The losses of a recipe, with the Gram matrices of its paintings taken once.

    `paintings` holds, for each painting, its pictures (1, 3, H, W) at the recipe's `style_sizes`: with two sizes the
    target is the mean of both Gram matrices, so that large and small strokes appear.
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
        self.targets = {name: _style_targets(recipe, paintings, loss_networks[name]) for name in recipe.loss_networks}

    def losses(self, image: Tensor, stylized: Tensor, styles: Sequence[int], phase: Phase) -> dict[str, Tensor]:
        """The losses by name, not yet weighted, of pictures (N, 3, H, W); `styles` numbers each one's painting."""
        recipe = self.recipe
        name = recipe.loss_network_of(phase)
        loss_network = self.loss_networks[name]
        with torch.no_grad():
            content = loss_network(image, [recipe.content_layer])[recipe.content_layer].float()
        features = {layer: one.float() for layer, one in loss_network(stylized, recipe.loss_layers).items()}
        targets = {layer: gram[list(styles)] for layer, gram in self.targets[name].items()}
        with torch.autocast(image.device.type, enabled=False):  # Gram matrices of bfloat16 would be too coarse
            stylized = stylized.float()
            losses = {
                "content": content_loss(features[recipe.content_layer], content, relative=recipe.relative),
                "style": style_loss(features, targets, relative=recipe.relative),
                "variation": total_variation(stylized),
                "grid": grid_loss(stylized),
            }
            if self.teacher is not None and recipe.pixel_weight:
                with torch.no_grad():
                    taught = self.teacher(image)
                losses["pixel"] = pixel_loss(stylized, taught)
                if recipe.feature_weight:
                    with torch.no_grad():
                        wanted = loss_network(taught, recipe.loss_layers)
                    losses["feature"] = feature_loss(features, wanted)
        return losses

    def total(self, losses: Mapping[str, Tensor]) -> Tensor:
        """The sum (Johnson et al. 2016, eq. 5), each loss by the recipe's weight of its name."""
        return torch.stack([getattr(self.recipe, f"{name}_weight") * loss for name, loss in losses.items()]).sum()


@torch.no_grad()
def _style_targets(
    recipe: Recipe, paintings: Sequence[Sequence[Tensor]], loss_network: LossNetwork
) -> dict[str, Tensor]:
    """Gram matrices by layer, (paintings, C, C), each the mean over the painting's sizes."""
    rows = []
    for sizes in paintings:
        grams = [
            {layer: gram_matrix(f) for layer, f in loss_network(image, recipe.style_layers).items()} for image in sizes
        ]
        rows.append({layer: torch.stack([gram[layer] for gram in grams]).mean(0) for layer in recipe.style_layers})
    return {layer: torch.cat([row[layer] for row in rows]) for layer in recipe.style_layers}
