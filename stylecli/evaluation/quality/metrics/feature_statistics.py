"""Statistics of a picture's features (Gram matrix, mean, covariance), and distances between two pictures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from stylecli.training.losses.perceptual import gram_matrix

KEPT_VARIANCE = 0.9  # of the painting's features, by the principal components that are compared
RIDGE = 1e-3  # of the kept components' mean variance, added to both: a flat picture has no variance in some
LEAST_DIVERGENCE = 1e-6  # below it two distributions are the same; the statistic ends at 13.8


@dataclass(frozen=True, eq=False)
class FeatureStatistics:
    """Statistics of one layer: the Gram matrix (1, C, C), as in `gram_matrix`, and the means of the channels (C,)."""

    gram: Tensor
    mean: Tensor

    @cached_property
    def covariance(self) -> Tensor:
        """The covariance (C, C) of the channels over the positions."""
        mean = self.mean.double()
        covariance: Tensor = self.gram[0].double() * len(mean) - torch.outer(mean, mean)
        return covariance

    @cached_property
    def components(self) -> Tensor:
        """The principal components (C, k) that hold KEPT_VARIANCE, largest first."""
        values, vectors = torch.linalg.eigh(self.covariance)
        values, vectors = values.flip(0).clamp(min=0), vectors.flip(1)
        share = values.cumsum(0) / values.sum().clamp(min=1e-12)
        count = min(1 + int((share < KEPT_VARIANCE).sum()), len(values))
        components: Tensor = vectors[:, :count]
        return components


def statistics_of(features: Mapping[str, Tensor]) -> dict[str, FeatureStatistics]:
    """Compute the statistics of feature maps (1, C, H, W), by layer."""
    return {layer: FeatureStatistics(gram_matrix(maps), maps.mean((0, 2, 3))) for layer, maps in features.items()}


def style_distance(painted: Mapping[str, FeatureStatistics], painting: Mapping[str, FeatureStatistics]) -> float:
    """Compute the relative Gram distance summed over the layers: ||G - G_s||² / ||G_s||²."""
    ratios = [
        (painted[layer].gram - one.gram).square().sum() / one.gram.square().sum() for layer, one in painting.items()
    ]
    return float(torch.stack(ratios).sum())


def e_statistic(painted: FeatureStatistics, painting: FeatureStatistics) -> float:
    """Compute -log KL(painted || painting) of two Gaussians; higher is better.

    KL = (tr(T⁻¹ S) + d^T T⁻¹ d - k + log det T - log det S) / 2 with the covariances S of the painted picture and T of
    the painting, the difference d of their means, and k dimensions.

    The effectiveness of Yeh et al. 2019, "Improving style transfer with calibrated metrics": features are projected
    onto the painting's principal components. Ours are those with 90 % of the variance, of the style layers here.
    """
    basis = painting.components
    ridge = RIDGE * torch.einsum("ck,cd,dk->k", basis, painting.covariance, basis).mean() + 1e-12
    eye = torch.eye(basis.shape[1], dtype=basis.dtype, device=basis.device)
    own, wanted = (basis.T @ one.covariance @ basis + ridge * eye for one in (painted, painting))
    shift = basis.T @ (painting.mean.double() - painted.mean.double())
    inverse = torch.linalg.inv(wanted)
    volume = torch.logdet(wanted) - torch.logdet(own)
    divergence = 0.5 * (torch.trace(inverse @ own) + shift @ inverse @ shift - len(eye) + volume)
    return -math.log(max(float(divergence), LEAST_DIVERGENCE))
