from __future__ import annotations

import pytest
import torch

from stylecli.training.losses.regularizers import grid_loss, speck_loss, total_variation


def test_total_variation_by_hand() -> None:
    # horizontal |1-0|, |1-1|: mean 1/2; vertical |1-0|, |1-1|: mean 1/2
    image = torch.tensor([[[[0.0, 1.0], [1.0, 1.0]]]])
    assert total_variation(image).item() == pytest.approx(1.0)


def test_grid_loss_by_hand() -> None:
    # Every fourth column is 1: of the 16 positions of the grid, 4 have mean 1 and 12 mean 0. Their variance, with 15
    # for the 16, is 16 * (1/4) * (3/4) / 15.
    image = torch.zeros(1, 3, 16, 16)
    image[..., ::4] = 1
    assert grid_loss(image).item() == pytest.approx(16 * 0.25 * 0.75 / 15)


def test_grid_loss_does_not_mind_content() -> None:
    ramp = torch.linspace(0, 1, 16).floor().expand(1, 3, 16, 16)  # an edge off the grid's period
    blocks = torch.zeros(1, 3, 16, 16)
    blocks[..., 4:8, 8:16] = 1  # whole cells: every position has the same mean
    assert grid_loss(blocks).item() == pytest.approx(0, abs=1e-9)
    assert grid_loss(ramp).item() < 0.02


def test_speck_loss_by_hand() -> None:
    image = torch.full((1, 3, 16, 16), 0.5)
    image[..., 8, 8] = 0.8  # the only pixel of the inner 10 x 10 that its ring is darker than
    image[..., 5, 5] = 0.1  # and the only one that its ring is lighter than
    contrast = 0.05
    assert speck_loss(image).item() == pytest.approx((0.3 - contrast + 0.4 - contrast) / 100, rel=1e-4)


def test_speck_loss_spares_lines_edges_and_spots_larger_than_its_ring() -> None:
    image = torch.full((1, 3, 32, 32), 0.2)
    image[..., 5, :] = 0.9  # a line
    image[..., :, 20:] = 0.7  # an edge
    image[..., 12:19, 4:11] = 0.9  # a spot of seven pixels
    assert speck_loss(image).item() == pytest.approx(0)


def test_speck_loss_of_a_batch_is_the_mean() -> None:
    images = torch.rand(2, 3, 24, 24, generator=torch.Generator().manual_seed(0))
    each = [speck_loss(image[None]).item() for image in images]
    assert speck_loss(images).item() == pytest.approx(sum(each) / 2)
    assert min(each) > 0
