"""The palette loss: a picture has the colours of its painting, each on as much of its area."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from stylecli.training.losses.sampling import sample_features
from stylecli.training.losses.transport import sliced_wasserstein

STROKE = 8  # pixels: side of the areas whose mean is one colour, so that noise and edges do not count
COLORS = 4096  # of a painting
SPREAD_FLOOR = 0.02  # of 0..1: least standard deviation of a channel, for grey paintings
OPPONENT = ((0.299, 0.587, 0.114), (-0.169, -0.331, 0.500), (0.500, -0.419, -0.081))  # Y', Cb, Cr of ITU-R BT.601


def opponent_colors(image: Tensor, side: int = STROKE) -> Tensor:
    """Return the mean Y'CbCr colours of areas of pictures (N, 3, H, W), RGB in 0..1: (N, 3, H / side, W / side)."""
    return torch.einsum("dc,nchw->ndhw", image.new_tensor(OPPONENT), F.avg_pool2d(image, side))


def painting_colors(sizes: Sequence[Tensor]) -> Tensor:
    """Draw colours of a painting, given as pictures (1, 3, H, W) of several sizes: (1, 3, COLORS)."""
    colors = torch.cat([opponent_colors(image).flatten(2) for image in sizes], 2)[..., None]
    repeats = -(-COLORS // colors.shape[2])
    return sample_features(colors.repeat(1, 1, repeats, 1), "painting", count=COLORS)


def palette_loss(stylized: Tensor, colors: Tensor, seed: str) -> Tensor:
    """Compare the colours of pictures (N, 3, H, W), RGB in 0..1, and of their paintings (N, 3, C); a scalar >= 0.

    The sliced Wasserstein distance (Bonneel et al. 2015) of (c - mean) / deviation over the colours c of areas, with
    mean and deviation of each channel of Y'CbCr in the painting: hues count as much as light and dark. A Gram matrix
    (Gatys et al. 2016) hardly sees that a picture has two of a painting's ten colours.

    Args:
        stylized: the pictures.
        colors: from `painting_colors`, for each picture.
        seed: determines the directions.
    """
    centre, spread = colors.mean(2, keepdim=True), colors.std(2, keepdim=True).clamp_min(SPREAD_FLOOR)
    one, other = ((each - centre) / spread for each in (opponent_colors(stylized).flatten(2), colors))
    return sliced_wasserstein(one, other, seed)
