"""Style and content by comparing sets of features, instead of Gram matrices: relaxed EMD, sliced Wasserstein.

Features are samples (N, C, P): P places of feature maps, drawn by `sample_places`.
"""

from __future__ import annotations

import random

import torch
import torch.nn.functional as F
from torch import Tensor

SAMPLES = 1024  # places of a feature map; STROTSS takes as many
DIRECTIONS = 48  # on which sliced Wasserstein projects; new ones every step
FLOOR = 1e-8  # of a divisor


def generator_of(chance: str) -> torch.Generator:
    """A random generator that depends on a text alone, so that a resumed training draws the same."""
    return torch.Generator().manual_seed(random.Random(chance).getrandbits(63))


def sample_places(maps: Tensor, chance: str, *, count: int = SAMPLES) -> Tensor:
    """Features (N, C, H, W) at `count` random places, or at all if there are fewer: (N, C, P).

    The same `chance` gives the same places in maps of the same size.
    """
    places = torch.randperm(maps.shape[2] * maps.shape[3], generator=generator_of(chance))[:count]
    return maps.flatten(2)[..., places.to(maps.device)]


def relaxed_emd(samples: Tensor, targets: Tensor) -> Tensor:
    """Relaxed earth mover's distance of two sets of features, (N, C, P) and (N, C, Q); a scalar in 0..2.

    Kolkin et al. 2019 (STROTSS), eq. 5: the larger of both mean distances to the nearest feature of the other set, by
    the cosine distance. Every feature of the picture must occur in the painting, and the other way round.
    """
    distances = cosine_distances(samples, targets)  # (N, P, Q)
    to_target, to_sample = distances.amin(2).mean(1), distances.amin(1).mean(1)
    return torch.maximum(to_target, to_sample).mean()


def moment_loss(samples: Tensor, targets: Tensor) -> Tensor:
    """How far mean and covariance of the features are from the target's; a scalar >= 0.

    Kolkin et al. 2019, eq. 7: mean absolute differences. A departure: each is divided by the mean absolute value of the
    target's, so that one weight fits every layer and loss network. Cosine distances alone do not see magnitudes.
    """
    mean, target_mean = samples.mean(2), targets.mean(2)  # (N, C)
    covariance, target_covariance = (_covariance(one) for one in (samples, targets))  # (N, C, C)
    means = (mean - target_mean).abs().mean(1) / (target_mean.abs().mean(1) + FLOOR)
    spread = (covariance - target_covariance).abs().mean((1, 2)) / (target_covariance.abs().mean((1, 2)) + FLOOR)
    return (means + spread).mean()


def self_similarity_loss(samples: Tensor, photo: Tensor) -> Tensor:
    """How far the pattern of likeness within a picture is from that within its photo; both (N, C, P), same places.

    Kolkin et al. 2019, eq. 6, times P as in their code: what looks alike in the photo shall look alike in the picture,
    whatever it looks like. A scalar >= 0.
    """

    def pattern(one: Tensor) -> Tensor:
        distances = cosine_distances(one, one)
        return distances / (distances.sum(1, keepdim=True) + FLOOR)

    return (pattern(samples) - pattern(photo)).abs().mean() * samples.shape[2]


def sliced_wasserstein(samples: Tensor, targets: Tensor, chance: str) -> Tensor:
    """Squared Wasserstein distance of two sets of features, (N, C, P) and (N, C, Q), over random lines; a scalar >= 0.

    Heitz et al. 2021 ("A sliced Wasserstein loss for neural texture synthesis"): features are projected on random unit
    directions and sorted; the mean squared difference. It sees the whole distribution, of which Gram matrices are
    second moments. A departure: divided by the target's mean square.
    """
    directions = torch.randn(DIRECTIONS, samples.shape[1], generator=generator_of(chance)).to(samples.device)
    directions = F.normalize(directions, dim=1)
    one, other = (torch.einsum("dc,ncp->ndp", directions, each).sort(2).values for each in (samples, targets))
    count, total = one.shape[2], other.shape[2]
    quantiles = ((torch.arange(count, device=one.device) + 0.5) * total / count).long()
    distance = (one - other[..., quantiles]).square().mean((1, 2))
    return (distance / (other.square().mean((1, 2)) + FLOOR)).mean()


def cosine_distances(one: Tensor, other: Tensor) -> Tensor:
    """1 - cosine of all pairs of features of (N, C, P) and (N, C, Q): (N, P, Q)."""
    return 1 - torch.einsum("ncp,ncq->npq", F.normalize(one, dim=1), F.normalize(other, dim=1))


def _covariance(samples: Tensor) -> Tensor:
    centred = samples - samples.mean(2, keepdim=True)
    return torch.einsum("ncp,ndp->ncd", centred, centred) / samples.shape[2]
