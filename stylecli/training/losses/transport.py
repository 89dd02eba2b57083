"""Losses that compare sets of features instead of Gram matrices: relaxed EMD, sliced Wasserstein and others.

Features are samples (N, C, P): those at P positions of the feature maps, drawn by `sample_places`.
"""

from __future__ import annotations

import random

import torch
import torch.nn.functional as F
from torch import Tensor

SAMPLES = 1024  # positions of a feature map, as in STROTSS
DIRECTIONS = 48  # of the projections of sliced Wasserstein, drawn anew in every step
FLOOR = 1e-8  # added to divisors


def generator_of(chance: str) -> torch.Generator:
    """Return a random generator seeded by a text, so that a resumed training draws the same numbers."""
    return torch.Generator().manual_seed(random.Random(chance).getrandbits(63))


def sample_places(maps: Tensor, chance: str, *, count: int = SAMPLES) -> Tensor:
    """Sample feature maps (N, C, H, W) at up to `count` random positions: (N, C, P).

    The seed `chance` and the size of the maps determine the positions.
    """
    places = torch.randperm(maps.shape[2] * maps.shape[3], generator=generator_of(chance))[:count]
    return maps.flatten(2)[..., places.to(maps.device)]


def relaxed_emd(samples: Tensor, targets: Tensor) -> Tensor:
    """Compute the relaxed earth mover's distance of two sets of features, (N, C, P) and (N, C, Q); a scalar in 0..2.

    Kolkin et al. 2019 (STROTSS), eq. 5: the mean cosine distance to the nearest feature of the other set, the larger
    of both directions. So every feature of the picture must occur in the painting, and the reverse.
    """
    distances = cosine_distances(samples, targets)  # (N, P, Q)
    to_target, to_sample = distances.amin(2).mean(1), distances.amin(1).mean(1)
    return torch.maximum(to_target, to_sample).mean()


def moment_loss(samples: Tensor, targets: Tensor) -> Tensor:
    """Compare mean and covariance of two sets of features; a scalar >= 0.

    Kolkin et al. 2019, eq. 7: mean absolute differences. A departure: each is divided by the mean absolute value of
    the target's, so that one weight fits every layer and loss network. It complements cosine distances, which ignore
    magnitudes.
    """
    mean, target_mean = samples.mean(2), targets.mean(2)  # (N, C)
    covariance, target_covariance = (_covariance(one) for one in (samples, targets))  # (N, C, C)
    means = (mean - target_mean).abs().mean(1) / (target_mean.abs().mean(1) + FLOOR)
    spread = (covariance - target_covariance).abs().mean((1, 2)) / (target_covariance.abs().mean((1, 2)) + FLOOR)
    return (means + spread).mean()


def self_similarity_loss(samples: Tensor, photo: Tensor) -> Tensor:
    """Compare the self-similarity of picture and photo, features (N, C, P) at the same positions; a scalar >= 0.

    Kolkin et al. 2019, eq. 6, times P as in their code: what is similar within the photo must be similar within the
    picture.
    """

    def pattern(one: Tensor) -> Tensor:
        distances = cosine_distances(one, one)
        return distances / (distances.sum(1, keepdim=True) + FLOOR)

    return (pattern(samples) - pattern(photo)).abs().mean() * samples.shape[2]


def sliced_wasserstein(samples: Tensor, targets: Tensor, chance: str) -> Tensor:
    """Compute the sliced Wasserstein distance of two sets of features, (N, C, P) and (N, C, Q); a scalar >= 0.

    Heitz et al. 2021 ("A sliced Wasserstein loss for neural texture synthesis"): the mean squared difference of the
    sorted projections on random unit directions. It compares whole distributions; Gram matrices compare only second
    moments. A departure: divided by the target's mean square.
    """
    directions = torch.randn(DIRECTIONS, samples.shape[1], generator=generator_of(chance)).to(samples.device)
    directions = F.normalize(directions, dim=1)
    one, other = (torch.einsum("dc,ncp->ndp", directions, each).sort(2).values for each in (samples, targets))
    count, total = one.shape[2], other.shape[2]
    quantiles = ((torch.arange(count, device=one.device) + 0.5) * total / count).long()
    distance = (one - other[..., quantiles]).square().mean((1, 2))
    return (distance / (other.square().mean((1, 2)) + FLOOR)).mean()


def cosine_distances(one: Tensor, other: Tensor) -> Tensor:
    """Compute 1 - cosine (N, P, Q) of all pairs of features, (N, C, P) and (N, C, Q)."""
    return 1 - torch.einsum("ncp,ncq->npq", F.normalize(one, dim=1), F.normalize(other, dim=1))


def _covariance(samples: Tensor) -> Tensor:
    centred = samples - samples.mean(2, keepdim=True)
    return torch.einsum("ncp,ndp->ncd", centred, centred) / samples.shape[2]
