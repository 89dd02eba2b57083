from __future__ import annotations

import pytest
import torch
from torch import Tensor

from stylecli.training.losses.consistency import (
    BORDER,
    LIGHT_MAX,
    NOISE_MAX,
    SHIFT_MAX,
    ZOOM_MAX,
    Motion,
    consistency,
    consistency_loss,
    draw_change,
    lit,
    moved,
)

AT_REST = Motion(torch.ones(1), torch.zeros(1, 2))
INTERPOLATION = 1e-3  # what bicubic samples of waves of 32 pixels miss


def shift(right: float, down: float = 0.0) -> Motion:
    """Take every pixel from so many pixels further right and down."""
    return Motion(torch.ones(1), torch.tensor([[right, down]]))


@pytest.fixture
def waves() -> Tensor:
    y, x = torch.meshgrid(torch.arange(64) / 5, torch.arange(64) / 5, indexing="ij")
    return (0.5 + 0.4 * torch.stack([torch.sin(x), torch.cos(y), torch.sin(x + y)]))[None]


def test_a_shift_of_whole_pixels_takes_each_from_there(waves: Tensor) -> None:
    inner = moved(waves, shift(3, 1))[..., 5:-5, 5:-5]
    torch.testing.assert_close(inner, waves[..., 6:-4, 8:-2], atol=1e-5, rtol=0)  # single precision


def test_zoom_by_hand() -> None:
    # The place x, from the centre, comes from x / 2: a ramp of slope 1 becomes one of slope 1/2 about the same centre.
    ramp = torch.arange(16.0).expand(1, 3, 16, 16)
    zoomed = moved(ramp, Motion(torch.tensor([2.0]), torch.zeros(1, 2)))[0, 0, 8]
    torch.testing.assert_close(zoomed[2:-2], (7.5 + (torch.arange(16.0) - 7.5) / 2)[2:-2], atol=1e-4, rtol=0)


def test_half_a_motion_done_twice_is_the_motion_and_back_undoes_it(waves: Tensor) -> None:
    motion = Motion(torch.tensor([1.02]), torch.tensor([[2.6, -1.4]]))
    half = motion.halved()
    inner = (..., slice(BORDER, -BORDER), slice(BORDER, -BORDER))
    torch.testing.assert_close(
        moved(moved(waves, half), half)[inner], moved(waves, motion)[inner], atol=INTERPOLATION, rtol=0
    )
    torch.testing.assert_close(
        moved(moved(waves, motion), motion.inverted())[inner], waves[inner], atol=INTERPOLATION, rtol=0
    )


def test_light_by_hand() -> None:
    # 1 + 0.1 + 0.2 x - 0.3 y at the corners x, y = -1, 1 and in their order.
    grey = torch.full((1, 3, 2, 2), 0.5)
    expected = 0.5 * torch.tensor([[1.2, 1.6], [0.6, 1.0]])
    torch.testing.assert_close(lit(grey, torch.tensor([[0.1, 0.2, -0.3]]))[0, 0], expected)


def test_the_loss_by_hand() -> None:
    # At rest the outputs differ by 0.3; the light explains 0.1 of it: 0.2 squared.
    zero = torch.zeros(1, 3, 32, 32)
    loss = consistency_loss(zero, zero + 0.3, AT_REST, torch.full((1, 1, 32, 32), 0.1))
    assert loss.item() == pytest.approx(0.04)


def test_an_output_that_moves_along_has_no_loss_and_one_that_stays_has(waves: Tensor) -> None:
    motion, no_light = shift(2.5), torch.zeros(1, 1, 64, 64)
    along = consistency_loss(waves, moved(waves, motion), motion, no_light)
    stays = consistency_loss(waves, waves, motion, no_light)
    assert along.item() < INTERPOLATION**2
    assert stays.item() > 100 * INTERPOLATION**2


def test_neither_frame_is_blurred_more_than_the_other() -> None:
    noise = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    half = Motion(torch.tensor([1.004]), torch.tensor([[0.7, 2.9]])).halved()
    earlier, later = (moved(noise, motion).var().item() for motion in (half, half.inverted()))
    assert earlier < 0.9 * noise.var().item()
    # The variances of 12,288 samples each are known to about 1 %.
    assert earlier == pytest.approx(later, rel=0.02)


def test_time_has_no_direction(waves: Tensor) -> None:
    motion, no_light = Motion(torch.tensor([1.01]), torch.tensor([[1.3, -0.6]])), torch.zeros(1, 1, 64, 64)
    forwards = consistency_loss(waves, waves.flip(3), motion, no_light)
    backwards = consistency_loss(waves.flip(3), waves, motion.inverted(), no_light)
    assert forwards.item() == pytest.approx(backwards.item(), rel=1e-4)  # single precision


def test_a_change_stays_within_its_bounds_and_comes_again() -> None:
    images = torch.zeros(64, 3, 16, 16)
    change, again, other = (draw_change(images, seed) for seed in ("1 2 3", "1 2 3", "1 2 4"))
    assert torch.equal(change.noise, again.noise)
    assert torch.equal(change.motion.shift, again.motion.shift)
    assert not torch.equal(change.motion.shift, other.motion.shift)
    assert 0.9 * SHIFT_MAX < change.motion.shift.abs().max() <= SHIFT_MAX
    assert 0.9 * ZOOM_MAX < (change.motion.zoom - 1).abs().max() <= ZOOM_MAX
    assert 0.9 * LIGHT_MAX < change.light.abs().max() <= LIGHT_MAX
    # The largest of 64 deviations, each measured on 768 samples.
    assert 0.8 * NOISE_MAX < change.noise.std((1, 2, 3)).max() < 1.2 * NOISE_MAX


def test_a_network_that_does_nothing_has_but_the_loss_of_noise_and_light(waves: Tensor) -> None:
    images = waves.expand(16, -1, -1, -1)
    change = draw_change(images, "seed")
    loss = consistency(torch.nn.Identity(), images, images, "seed").item()
    # Bicubic resampling takes some of the noise; light changes each channel by its own amount, not by the luma's.
    assert 0 < loss < change.noise.square().mean().item() + LIGHT_MAX**2


def test_a_network_whose_output_depends_on_the_place_has_a_loss(waves: Tensor) -> None:
    grid = torch.zeros(1, 3, 64, 64)
    grid[..., ::4, ::4] = 0.5
    steady = consistency(torch.nn.Identity(), waves, waves, "seed")
    unsteady = consistency(lambda image: image + grid, waves, waves + grid, "seed")  # type: ignore[arg-type]
    assert unsteady > 2 * steady
