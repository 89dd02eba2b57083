"""Random numbers and positions that depend on a seed alone, so that a resumed training draws the same ones."""

from __future__ import annotations

import random

import torch
from torch import Tensor

SAMPLES = 1024  # positions of a feature map, as in STROTSS (Kolkin et al. 2019)


def seeded_generator(seed: str) -> torch.Generator:
    """Return a random generator on the CPU; equal texts give equal numbers."""
    return torch.Generator().manual_seed(random.Random(seed).getrandbits(63))


def sample_features(maps: Tensor, seed: str, *, count: int = SAMPLES) -> Tensor:
    """Sample feature maps (N, C, H, W) at up to `count` random positions: (N, C, P).

    The seed and H x W determine the positions, which are the same for all of N.
    """
    positions = torch.randperm(maps.shape[2] * maps.shape[3], generator=seeded_generator(seed))[:count]
    return maps.flatten(2)[..., positions.to(maps.device)]
