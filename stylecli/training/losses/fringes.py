"""The fringe loss: colours change where those of the photo change, without halos along its edges."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from stylecli.training.losses.palette import opponent_colors

SAMPLE = 4  # pixels: side of the areas whose mean is one sample; finer strokes are free
WINDOW = 7  # samples: side of the windows
CONTRAST = 0.15  # standard deviation of the photo's colours, of 0..1, from which a window counts by half and more
FLOOR = 1e-4  # added to the variance of the photo's colours: in flat windows, nothing is explained


def fringe_loss(stylized: Tensor, photo: Tensor) -> Tensor:
    """Measure halos of colour in pictures of photos, both (N, 3, H, W), RGB in 0..1; a scalar >= 0.

    In each window, chroma (Cb, Cr) is fitted by an affine function of the photo's colours, as in the matting Laplacian
    (Levin et al. 2008), which Luan et al. (2017) use against distorted edges. The loss is the variance that the fit
    leaves, weighted by the photo's contrast. On either side of an edge any colour is free, and so are strokes in flat
    areas and all lightness; a third colour along the edge is not. H and W are at least SAMPLE * WINDOW. Our own loss.
    """
    chroma, colors = opponent_colors(stylized, SAMPLE)[:, 1:], F.avg_pool2d(photo, SAMPLE)
    spread = _covariance(colors, colors)  # (N, h, w, 3, 3)
    shared = _covariance(colors, chroma)  # (N, h, w, 3, 2)
    fit = torch.linalg.solve(spread + FLOOR * torch.eye(3, device=photo.device), shared)
    left = _covariance(chroma, chroma).diagonal(dim1=-2, dim2=-1) - (fit * shared).sum(-2)
    contrast = spread.diagonal(dim1=-2, dim2=-1).sum(-1)
    weight = contrast / (contrast + CONTRAST**2)
    loss: Tensor = (weight * left.clamp_min(0).sum(-1)).mean()
    return loss


def _covariance(one: Tensor, other: Tensor) -> Tensor:
    """Return the covariance of the channels of two pictures in each window, (N, h, w, C of one, C of other)."""
    means = _mean(one)[:, :, None] * _mean(other)[:, None]
    products = (one[:, :, None] * other[:, None]).flatten(1, 2)
    return (_mean(products).reshape(means.shape) - means).permute(0, 3, 4, 1, 2)


def _mean(values: Tensor) -> Tensor:
    return F.avg_pool2d(values, WINDOW, 1)
