from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from stylecli.training.losses.transport import (
    cosine_distances,
    moment_loss,
    relaxed_emd,
    self_similarity_loss,
    sliced_wasserstein,
)

RANDOM = torch.Generator().manual_seed(0)
ONE, OTHER = torch.rand(2, 4, 6, 40, generator=RANDOM)


def sliced(one: Tensor, other: Tensor) -> Tensor:
    return sliced_wasserstein(one, other, "a")


LOSSES = (relaxed_emd, moment_loss, self_similarity_loss, sliced)


def test_cosine_distances_by_hand() -> None:
    one = torch.tensor([[[1.0, 0.0], [0.0, 2.0]]])  # features (1, 0) and (0, 2)
    other = torch.tensor([[[3.0], [3.0]]])  # (3, 3)
    torch.testing.assert_close(cosine_distances(one, other), torch.full((1, 2, 1), 1 - 0.5**0.5))


def test_relaxed_emd_by_hand() -> None:
    one = torch.tensor([[[1.0, 1.0], [0.0, 0.0]]])  # (1, 0) twice
    other = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])  # (1, 0) and (0, 1)
    # Each of the one has its like in the other; of the other one has, and the second is 1 away: mean 1/2.
    assert relaxed_emd(one, other).item() == pytest.approx(0.5, abs=1e-6)
    assert relaxed_emd(other, one).item() == pytest.approx(0.5, abs=1e-6)


def test_moments_by_hand() -> None:
    one, other = torch.tensor([[[0.0, 2.0]]]), torch.tensor([[[0.0, 4.0]]])  # means 1 and 2, variances 1 and 4
    assert moment_loss(one, other).item() == pytest.approx(1 / 2 + 3 / 4)


def test_sliced_wasserstein_by_hand() -> None:
    # In one dimension every direction is 1 or -1: sorted 1, 2 against 3, 4; mean square of the target 12.5.
    one, other = torch.tensor([[[2.0, 1.0]]]), torch.tensor([[[3.0, 4.0]]])
    assert sliced_wasserstein(one, other, "a").item() == pytest.approx(4 / 12.5, rel=1e-5)


def test_sliced_wasserstein_takes_sets_of_different_size() -> None:
    assert sliced_wasserstein(ONE, torch.cat([ONE, ONE], 2), "a").item() == pytest.approx(0, abs=1e-3)


def test_another_seed_draws_other_directions() -> None:
    assert sliced_wasserstein(ONE, OTHER, "a") == sliced_wasserstein(ONE, OTHER, "a")
    assert sliced_wasserstein(ONE, OTHER, "a") != sliced_wasserstein(ONE, OTHER, "b")


@pytest.mark.parametrize("loss", LOSSES)
def test_the_same_set_costs_nothing(loss: Callable[[Tensor, Tensor], Tensor]) -> None:
    assert loss(ONE, ONE).item() == pytest.approx(0, abs=1e-6)
    assert loss(ONE, OTHER).item() > 0.01


@pytest.mark.parametrize("loss", [relaxed_emd, moment_loss, sliced])
def test_style_does_not_mind_where_a_feature_is(loss: Callable[[Tensor, Tensor], Tensor]) -> None:
    shuffled = ONE[..., torch.randperm(40, generator=RANDOM)]
    assert loss(shuffled, OTHER).item() == pytest.approx(loss(ONE, OTHER).item(), rel=1e-5)


@pytest.mark.parametrize("loss", [moment_loss, sliced])
def test_the_scale_of_all_features_does_not_matter(loss: Callable[[Tensor, Tensor], Tensor]) -> None:
    assert loss(3 * ONE, 3 * OTHER).item() == pytest.approx(loss(ONE, OTHER).item(), rel=0.1)


def test_self_similarity_minds_where_but_not_what() -> None:
    assert self_similarity_loss(ONE.flip(1), ONE).item() == pytest.approx(0, abs=1e-5)  # other channels, same pattern
    assert self_similarity_loss(ONE.flip(2), ONE).item() > 0.1


@pytest.mark.parametrize("loss", LOSSES)
def test_the_loss_of_a_batch_is_the_mean_of_its_halves(loss: Callable[[Tensor, Tensor], Tensor]) -> None:
    halves = (loss(ONE[:2], OTHER[:2]) + loss(ONE[2:], OTHER[2:])) / 2
    assert loss(ONE, OTHER).item() == pytest.approx(halves.item(), rel=1e-5)


@pytest.mark.parametrize("loss", LOSSES)
def test_going_down_the_gradient_lowers_the_loss(loss: Callable[[Tensor, Tensor], Tensor]) -> None:
    samples = ONE.clone().requires_grad_()
    before = loss(samples, OTHER)
    (gradient,) = torch.autograd.grad(before, samples)
    assert gradient.isfinite().all()
    assert loss(ONE - 0.01 * gradient / gradient.abs().max(), OTHER).item() < before.item()


@pytest.mark.parametrize("loss", LOSSES)
def test_features_that_are_all_zero_have_finite_gradients(loss: Callable[[Tensor, Tensor], Tensor]) -> None:
    dead = torch.zeros_like(ONE).requires_grad_()
    torch.autograd.backward(loss(dead, OTHER))
    assert dead.grad is not None
    assert dead.grad.isfinite().all()
