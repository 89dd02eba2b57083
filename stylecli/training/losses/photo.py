"""Losses between a stylized picture and its photo: it keeps the tones and does not copy the edges as relief."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from stylecli.training.losses.luma import luma

TONE_SCALE = 8  # pixels: side of the areas whose mean is one tone; strokes inside an area are free
TONE_FLOOR = 0.02  # of 0..1, added to the deviation, so that flat pictures have finite gradients
RELIEF_SIZE = 5  # pixels: window of the local mean, at half the size
NORM_FLOOR = 1e-6  # added to a sum of squares, for the same reason


def tone_loss(stylized: Tensor, photo: Tensor) -> Tensor:
    """Compare light and dark areas of pictures and photos, (N, 3, H, W), RGB in 0..1; a scalar in 0..2.

    1 - corr(a(x), a(p)) with the mean luma a of areas of TONE_SCALE x TONE_SCALE pixels: overall contrast and
    brightness are free. H and W are at least 2 * TONE_SCALE. Our own loss.
    """

    def tones(image: Tensor) -> Tensor:
        areas = F.avg_pool2d(luma(image), TONE_SCALE).flatten(1)  # (N, areas)
        areas = areas - areas.mean(1, keepdim=True)
        return areas / (areas.square().mean(1, keepdim=True) + TONE_FLOOR**2).sqrt()

    return 1 - (tones(stylized) * tones(photo)).mean()


def emboss_loss(stylized: Tensor, photo: Tensor) -> Tensor:
    """Measure how far pictures are embossed copies of photos, (N, 3, H, W), RGB in 0..1; a scalar in 0..1.

    max(0, corr(r(x), r(p)))² with the relief r: luma at half the size minus its local mean. Networks whose content loss
    sees fine edges tend to copy the edges and colour the areas between. Strokes of their own do not correlate with the
    photo. Our own loss.
    """

    def relief(image: Tensor) -> Tensor:
        half = F.avg_pool2d(luma(image), 2)
        around = F.pad(half, (RELIEF_SIZE // 2,) * 4, mode="replicate")
        return (half - F.avg_pool2d(around, RELIEF_SIZE, 1)).flatten(1)

    one, other = relief(stylized), relief(photo)
    energy = (one.square().sum(1) + NORM_FLOOR) * (other.square().sum(1) + NORM_FLOOR)
    correlation = (one * other).sum(1) / energy.sqrt()  # (N,)
    loss: Tensor = correlation.clamp_min(0).square().mean()
    return loss
