"""What a stylized picture keeps of its photo, and what it must not copy: tones, and the photo's edges as relief."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from stylecli.training.losses.consistency import luminance

TONE_SCALE = 8  # pixels whose mean is one tone: the strokes within are left alone
TONE_FLOOR = 0.02  # of 0..1, beside the deviation: flat pictures have no tones to keep, and finite gradients
RELIEF_SIZE = 5  # pixels of the mean around a pixel, at half the size
NORM_FLOOR = 1e-6  # of a sum of squares, for the same reason


def tone_loss(stylized: Tensor, photo: Tensor) -> Tensor:
    """How far light and dark areas are from those of the photo, a scalar in 0..2; both (N, 3, H, W), RGB in 0..1.

    One minus the correlation of the luminance, averaged over areas of TONE_SCALE pixels: contrast and brightness are
    free, their order in the picture is not. H and W are at least 2 * TONE_SCALE.
    """

    def tones(image: Tensor) -> Tensor:
        areas = F.avg_pool2d(luminance(image), TONE_SCALE).flatten(1)  # (N, areas)
        areas = areas - areas.mean(1, keepdim=True)
        return areas / (areas.square().mean(1, keepdim=True) + TONE_FLOOR**2).sqrt()

    return 1 - (tones(stylized) * tones(photo)).mean()


def emboss_loss(stylized: Tensor, photo: Tensor) -> Tensor:
    """How much the picture looks like the photo in relief, a scalar in 0..1; both (N, 3, H, W), RGB in 0..1.

    The squared correlation of the fine structure of both, where it is positive. Networks whose content loss sees fine
    edges copy all of them and colour the areas between: an embossed photo. Strokes of their own do not correlate.
    """

    def relief(image: Tensor) -> Tensor:
        half = F.avg_pool2d(luminance(image), 2)
        around = F.pad(half, (RELIEF_SIZE // 2,) * 4, mode="replicate")
        return (half - F.avg_pool2d(around, RELIEF_SIZE, 1)).flatten(1)

    one, other = relief(stylized), relief(photo)
    energy = (one.square().sum(1) + NORM_FLOOR) * (other.square().sum(1) + NORM_FLOOR)
    correlation = (one * other).sum(1) / energy.sqrt()  # (N,)
    loss: Tensor = correlation.clamp_min(0).square().mean()
    return loss
