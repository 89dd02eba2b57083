from __future__ import annotations

import pytest
import torch
from torch import Tensor

from stylecli.training.losses.palette import painting_colors, palette_loss

RED, BLUE, YELLOW = (0.8, 0.1, 0.1), (0.1, 0.2, 0.7), (0.9, 0.8, 0.2)


def stripes(*colours: tuple[float, float, float], size: int = 64) -> Tensor:
    """Give a picture (1, 3, size, size) of equally wide stripes."""
    rows = torch.arange(size) * len(colours) // size
    return torch.tensor(colours).T[:, rows, None].expand(3, size, size)[None]


def loss(stylized: Tensor, painting: Tensor) -> float:
    return palette_loss(stylized, painting_colors([painting]), "step").item()


def test_a_painting_has_its_own_palette_wherever_the_colours_are() -> None:
    painting = stripes(RED, BLUE, YELLOW, BLUE)
    assert loss(painting.transpose(2, 3), painting) < 0.01


def test_a_picture_of_one_of_the_colours_is_far_away() -> None:
    painting = stripes(RED, BLUE, YELLOW)
    two = stripes(RED, BLUE)
    assert loss(two, painting) > 0.1
    assert loss(stripes(BLUE), painting) > 2 * loss(two, painting)


def test_colours_count_by_their_area() -> None:
    painting = stripes(RED, BLUE)
    assert loss(stripes(RED, RED, RED, BLUE), painting) > 10 * loss(stripes(BLUE, RED), painting)


def test_a_grey_painting_wants_grey() -> None:
    painting = stripes((0.1,) * 3, (0.9,) * 3)
    assert loss(stripes((0.2, 0.1, 0.1), (0.9, 0.9, 0.8)), painting) > 10 * loss(painting, painting)


def test_the_sizes_of_a_painting_count_together() -> None:
    colours = painting_colors([stripes(RED), stripes(BLUE, size=32)])
    assert colours.shape[:2] == (1, 3)
    shares = torch.histc(colours[0, 2], 2) / colours.shape[2]
    assert sorted(shares.tolist()) == pytest.approx([0.2, 0.8], abs=0.03)


def test_the_gradient_leads_to_the_painting() -> None:
    painting = stripes(RED, BLUE, YELLOW, size=32)
    picture = stripes((0.4,) * 3, (0.5,) * 3, (0.6,) * 3, size=32).clone().requires_grad_()
    optimizer = torch.optim.Adam([picture], 0.02)
    colours, before = painting_colors([painting]), loss(picture, painting)
    for step in range(60):
        optimizer.zero_grad()
        torch.autograd.backward(palette_loss(picture, colours, str(step)))
        optimizer.step()
    assert loss(picture, painting) < 0.1 * before
