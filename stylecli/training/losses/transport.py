"""Losses that compare sets of features instead of Gram matrices: relaxed EMD, sliced Wasserstein and others.

Sets of features are (N, C, P): P vectors of C channels, sampled from feature maps by `sampling.sample_features`.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from stylecli.training.losses.sampling import seeded_generator

DIRECTIONS = 48  # of the projections of sliced Wasserstein, drawn anew in every step
FLOOR = 1e-8  # added to divisors


def relaxed_emd(samples: Tensor, targets: Tensor) -> Tensor:
    """Compute the relaxed earth mover's distance of two sets of features, (N, C, P) and (N, C, Q); a scalar in 0..2.

    max(mean_i min_j d[i, j], mean_j min_i d[i, j]) with the cosine distances d (Kolkin et al. 2019, STROTSS,
    section 2.2). So every feature of the picture must occur in the painting, and the reverse.
    """
    distances = cosine_distances(samples, targets)  # (N, P, Q)
    to_target, to_sample = distances.amin(2).mean(1), distances.amin(1).mean(1)
    return torch.maximum(to_target, to_sample).mean()


def moment_loss(samples: Tensor, targets: Tensor) -> Tensor:
    """Compare mean and covariance of two sets of features, (N, C, P) and (N, C, Q); a scalar >= 0.

    |m - m_t|₁ / |m_t|₁ + |S - S_t|₁ / |S_t|₁ with the means m (C,) and the covariances S (C, C). It complements cosine
    distances, which ignore magnitudes.

    Kolkin et al. 2019, section 2.2. A departure: the paper divides by C and C² instead of the target's norms,
    which would need another weight for every layer and loss network.
    """
    mean, target_mean = samples.mean(2), targets.mean(2)  # (N, C)
    covariance, target_covariance = (_covariance(one) for one in (samples, targets))  # (N, C, C)
    means = (mean - target_mean).abs().mean(1) / (target_mean.abs().mean(1) + FLOOR)
    spread = (covariance - target_covariance).abs().mean((1, 2)) / (target_covariance.abs().mean((1, 2)) + FLOOR)
    return (means + spread).mean()


def self_similarity_loss(samples: Tensor, photo: Tensor) -> Tensor:
    """Compare the self-similarity of picture and photo, features (N, C, P) at the same positions; a scalar >= 0.

    1/P times the sum over i, j of |d[i, j] / sum_k d[k, j] - the same of the photo|, with the cosine distances d of a
    set to itself: what is similar within the photo must be similar within the picture. Kolkin et al. 2019, section
    2.3, times P as in their code.
    """

    def normalized_distances(one: Tensor) -> Tensor:
        distances = cosine_distances(one, one)  # (N, P, P)
        return distances / (distances.sum(1, keepdim=True) + FLOOR)

    return (normalized_distances(samples) - normalized_distances(photo)).abs().mean() * samples.shape[2]


def sliced_wasserstein(samples: Tensor, targets: Tensor, seed: str) -> Tensor:
    """Compute the sliced Wasserstein distance of two sets of features, (N, C, P) and (N, C, Q); a scalar >= 0.

    The mean over random unit directions v of mean (sort(v·x) - sort(v·t))²: whole distributions are compared, while
    Gram matrices compare only second moments. Where P and Q differ, the nearest quantiles of the target are taken. The
    seed determines the directions.

    Heitz et al. 2021 ("A sliced Wasserstein loss for neural texture synthesis"). A departure: divided by the
    mean square of v·t, so that one weight fits every layer and loss network.
    """
    directions = torch.randn(DIRECTIONS, samples.shape[1], generator=seeded_generator(seed)).to(samples.device)
    directions = F.normalize(directions, dim=1)
    one, other = (torch.einsum("dc,ncp->ndp", directions, each).sort(2).values for each in (samples, targets))
    count, total = one.shape[2], other.shape[2]
    quantiles = ((torch.arange(count, device=one.device) + 0.5) * total / count).long()
    distance = (one - other[..., quantiles]).square().mean((1, 2))
    return (distance / (other.square().mean((1, 2)) + FLOOR)).mean()


def cosine_distances(one: Tensor, other: Tensor) -> Tensor:
    """Compute 1 - x·y / (|x| |y|) of all pairs of features x of (N, C, P) and y of (N, C, Q): (N, P, Q)."""
    return 1 - torch.einsum("ncp,ncq->npq", F.normalize(one, dim=1), F.normalize(other, dim=1))


def _covariance(samples: Tensor) -> Tensor:
    centred = samples - samples.mean(2, keepdim=True)
    return torch.einsum("ncp,ndp->ncd", centred, centred) / samples.shape[2]
