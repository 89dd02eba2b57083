from __future__ import annotations

import pytest
import torch
from torch import Tensor

from stylecli.training.losses.fringes import fringe_loss

DARK, LIGHT = (0.2, 0.2, 0.3), (0.8, 0.8, 0.7)
BLUE, ORANGE = (0.1, 0.2, 0.6), (0.9, 0.6, 0.2)


def sides(left: tuple[float, ...], right: tuple[float, ...], *, fringe: tuple[float, ...] | None = None) -> Tensor:
    """Give a picture (1, 3, 64, 64) of two colours, with a third one along the edge between them."""
    image = torch.empty(1, 3, 64, 64)
    image[..., :32] = torch.tensor(left)[:, None, None]
    image[..., 32:] = torch.tensor(right)[:, None, None]
    if fringe is not None:
        image[..., 32:40] = torch.tensor(fringe)[:, None, None]
    return image


PHOTO = sides(DARK, LIGHT)


def test_any_colours_on_the_two_sides_of_an_edge_are_no_fringes() -> None:
    for one, other in ((BLUE, ORANGE), (ORANGE, BLUE), (BLUE, BLUE), (DARK, LIGHT)):
        assert fringe_loss(sides(one, other), PHOTO).item() < 5e-5


def test_a_third_colour_along_the_edge_is_a_fringe() -> None:
    assert fringe_loss(sides(BLUE, BLUE, fringe=ORANGE), PHOTO).item() > 1e-3
    paler = tuple(0.5 * (a + b) for a, b in zip(BLUE, ORANGE, strict=True))
    weak = fringe_loss(sides(BLUE, BLUE, fringe=paler), PHOTO)
    assert 0 < weak < fringe_loss(sides(BLUE, BLUE, fringe=ORANGE), PHOTO) / 2


def test_a_colour_that_the_photo_has_there_is_none() -> None:
    photo = sides(DARK, LIGHT, fringe=(0.8, 0.2, 0.2))
    assert fringe_loss(sides(BLUE, ORANGE, fringe=DARK), photo).item() < 1e-4


def test_strokes_of_colour_in_flat_areas_and_strokes_of_light_are_free() -> None:
    flat = torch.full((1, 3, 64, 64), 0.5)
    assert fringe_loss(sides(BLUE, ORANGE), flat).item() == 0
    light = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(0)).expand(1, 3, 64, 64)
    assert fringe_loss(light, PHOTO).item() < 1e-4


def test_the_loss_of_a_batch_is_the_mean() -> None:
    pictures = torch.cat([sides(BLUE, BLUE, fringe=ORANGE), sides(BLUE, ORANGE)])
    alone = [fringe_loss(picture[None], PHOTO).item() for picture in pictures]
    assert fringe_loss(pictures, PHOTO.expand(2, -1, -1, -1)).item() == pytest.approx(sum(alone) / 2, rel=1e-5)


def test_going_down_the_gradient_lowers_the_loss_and_a_flat_picture_has_a_finite_one() -> None:
    picture = sides(BLUE, BLUE, fringe=ORANGE).requires_grad_()
    before = fringe_loss(picture, PHOTO)
    (gradient,) = torch.autograd.grad(before, picture)
    assert fringe_loss(picture.detach() - 0.1 * gradient / gradient.abs().max(), PHOTO) < before
    flat = torch.full_like(PHOTO, 0.5).requires_grad_()
    (gradient,) = torch.autograd.grad(fringe_loss(flat, PHOTO), flat)
    assert gradient.isfinite().all()
