from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from stylecli.training.losses.photo import emboss_loss, tone_loss

LOSSES = (tone_loss, emboss_loss)


@pytest.fixture
def image(photo: NDArray[np.uint8]) -> Tensor:
    """Give a photo, (1, 3, 128, 128)."""
    return torch.from_numpy(photo[:128, :128].astype(np.float32) / 255).permute(2, 0, 1)[None]


def test_tones_do_not_mind_contrast_and_brightness(image: Tensor) -> None:
    paler = 0.4 + 0.5 * image
    assert tone_loss(paler, image).item() == pytest.approx(tone_loss(image, image).item(), abs=0.15)
    assert tone_loss(image, image).item() < 0.3


def test_a_negative_has_the_opposite_tones(image: Tensor) -> None:
    assert tone_loss(1 - image, image).item() > 1.5


def test_tones_do_not_mind_strokes_finer_than_their_scale(image: Tensor) -> None:
    checks = torch.tensor([[0.1, -0.1], [-0.1, 0.1]]).repeat(64, 64)
    assert tone_loss(image + checks, image).item() == pytest.approx(tone_loss(image, image).item(), abs=1e-4)


def test_a_flat_picture_has_finite_losses_and_gradients(image: Tensor) -> None:
    for loss in LOSSES:
        flat = torch.full_like(image, 0.5).requires_grad_()
        torch.autograd.backward(loss(flat, image))
        assert flat.grad is not None
        assert flat.grad.isfinite().all()


def test_a_relief_of_the_photo_is_embossed_and_other_texture_is_not(image: Tensor) -> None:
    relief = 0.5 + image - torch.nn.functional.avg_pool2d(image, 9, 1, 4)
    noise = torch.rand(image.shape, generator=torch.Generator().manual_seed(0))
    assert emboss_loss(relief, image).item() > 0.5
    assert emboss_loss(noise, image).item() < 0.01


def test_an_inverted_relief_is_no_emboss(image: Tensor) -> None:
    assert emboss_loss(1 - image, image).item() == 0


@pytest.mark.parametrize("loss", LOSSES)
def test_the_loss_of_a_batch_is_the_mean_of_its_halves(loss: Callable[[Tensor, Tensor], Tensor], image: Tensor) -> None:
    photos = torch.cat([image, image.flip(3), image.flip(2), 1 - image])
    pictures = torch.rand(photos.shape, generator=torch.Generator().manual_seed(0))
    halves = (loss(pictures[:2], photos[:2]) + loss(pictures[2:], photos[2:])) / 2
    assert loss(pictures, photos).item() == pytest.approx(halves.item(), rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("loss", LOSSES)
def test_going_down_the_gradient_lowers_the_loss(loss: Callable[[Tensor, Tensor], Tensor], image: Tensor) -> None:
    generator = torch.Generator().manual_seed(0)
    picture = (0.7 * image + 0.3 * torch.rand(image.shape, generator=generator)).requires_grad_()
    before = loss(picture, image)
    (gradient,) = torch.autograd.grad(before, picture)
    step = 0.05 * gradient / gradient.abs().max()
    assert loss(picture.detach() - step, image).item() < before.item()
