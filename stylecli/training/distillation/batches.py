"""The batches of the distillation: photos and paintings, some of them stylized, blended, recoloured or noisy.

A style network learns from the loss network's features of *stylized* pictures, so the distilled network must match
VGG-19 on those and not on photos alone.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from stylecli.training.data import PhotoFolder

STYLIZED = 0.35  # share of the pictures that a finished style has painted
BLENDED = 0.2  # share of the pictures that are blended with another one
RECOLOURED = 0.5  # share of the pictures with another gain and offset of each channel
NOISY = 0.4  # share of the pictures with noise
NOISE_MAX = 0.12  # standard deviation, of 0..1


@torch.no_grad()
def draw_batch(
    photos: Sequence[PhotoFolder],
    styles: Sequence[nn.Module],
    step: int,
    *,
    count: int,
    size: int,
    device: torch.device,
) -> Tensor:
    """Return the pictures of one step, (count, 3, size, size), RGB in 0..1. They depend on the step alone."""
    chance = random.Random(f"distill {step}")
    source = chance.choice(photos)
    image = source.batch(step, count=count, size=size).to(device)
    generator = torch.Generator().manual_seed(step + 1)
    rows = []
    for picture in torch.split(image, 1):
        row = picture
        if styles and chance.random() < STYLIZED:
            row = row.lerp(chance.choice(styles)(row), chance.uniform(0.3, 1))
        if chance.random() < BLENDED:
            row = row.lerp(image[chance.randrange(count)][None].flip(3), chance.uniform(0.2, 0.5))
        if chance.random() < RECOLOURED:
            gain = torch.empty(1, 3, 1, 1).uniform_(0.6, 1.4, generator=generator)
            row = row * gain.to(device) + chance.uniform(-0.2, 0.2)
        if chance.random() < NOISY:
            noise = torch.randn(row.shape, generator=generator).to(device)
            row = row + noise * chance.uniform(0, NOISE_MAX)
        rows.append(row.clamp(0, 1))
    return torch.cat(rows)
