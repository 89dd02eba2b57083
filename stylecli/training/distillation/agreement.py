"""How well a distilled network agrees with VGG-19: correlations of feature maps and Gram matrices."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from stylecli.training.losses.distilled import MAPPED
from stylecli.training.losses.perceptual import gram_matrix

JUDGED_SHORT_SIDE = 384  # pixels, as the judge of styles looks at photos


@torch.no_grad()
def correlations(distilled: nn.Module, teacher: nn.Module, images: Sequence[Tensor]) -> dict[str, dict[str, float]]:
    """Compare a distilled network with VGG-19 on pictures (1, 3, H, W).

    Returns:
        For each layer the means over the pictures of `features`, the Pearson correlation of the feature maps; `gram`,
        that of the Gram matrices; and `gram_distance`, ||G - G_vgg||² / ||G_vgg||².
    """
    rows: dict[str, list[tuple[float, float, float]]] = {layer: [] for layer in MAPPED}
    for image in images:
        ours, theirs = distilled(image, MAPPED), teacher(image, MAPPED)
        for layer in MAPPED:
            gram, wanted = gram_matrix(ours[layer]), gram_matrix(theirs[layer])
            distance = (gram - wanted).square().sum() / wanted.square().sum()
            rows[layer].append((_pearson(ours[layer], theirs[layer]), _pearson(gram, wanted), distance.item()))
    return {
        layer: dict(zip(("features", "gram", "gram_distance"), _means(values), strict=True))
        for layer, values in rows.items()
    }


def _means(rows: Sequence[tuple[float, ...]]) -> list[float]:
    return [round(sum(column) / len(rows), 4) for column in zip(*rows, strict=True)]


def _pearson(a: Tensor, b: Tensor) -> float:
    return torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1].item()
