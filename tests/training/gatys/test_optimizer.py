from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from stylecli.core.errors import UsageError
from stylecli.training.gatys.optimizer import Iteration, compute_losses, iterations, total_loss
from stylecli.training.gatys.options import Optimization
from stylecli.training.losses.loss_network import LossNetwork
from stylecli.training.losses.perceptual import gram_matrix

SHALLOW = Optimization(content_layer="relu2_2", style_layers=("relu1_2", "relu2_2"))  # quick
ADAM = Optimization("adam", content_layer="relu2_2", style_layers=("relu1_2", "relu2_2"))
RECOMPUTED = 1e-3  # relative: float32 sums of another order


@pytest.fixture
def photo_tensor(photo: NDArray[np.uint8]) -> Tensor:
    return tensor(photo[100:148, 100:140])


@pytest.fixture
def targets(photo: NDArray[np.uint8], loss_network: LossNetwork) -> dict[str, Tensor]:
    """Give the Gram matrices of a painting: the photo upside down with its colours exchanged."""
    painting = tensor(photo[200:140:-1, 200:260, ::-1].copy())
    return {layer: gram_matrix(maps) for layer, maps in loss_network(painting, SHALLOW.style_layers).items()}


def tensor(pixels: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(pixels / np.float32(255)).permute(2, 0, 1)[None]


def run(count: int, *arguments: Any, **options: Any) -> list[Iteration]:
    return list(itertools.islice(iterations(*arguments, **options), count))


@pytest.mark.parametrize("settings", [SHALLOW, ADAM])
def test_the_loss_falls(
    photo_tensor: Tensor, targets: dict[str, Tensor], loss_network: LossNetwork, settings: Optimization
) -> None:
    first, *_, last = run(15, photo_tensor, targets, loss_network, settings)
    assert last.total < 0.5 * first.total
    assert last.losses["style"] < 0.5 * first.losses["style"]
    assert (first.number, last.number) == (1, 15)


def test_no_step_of_lbfgs_is_worse_than_the_one_before(
    photo_tensor: Tensor, targets: dict[str, Tensor], loss_network: LossNetwork
) -> None:
    totals = [iteration.total for iteration in run(12, photo_tensor, targets, loss_network, SHALLOW)]
    assert totals == sorted(totals, reverse=True)


@pytest.mark.parametrize("settings", [SHALLOW, ADAM])
def test_the_losses_told_are_those_of_the_picture_told(
    photo_tensor: Tensor, targets: dict[str, Tensor], loss_network: LossNetwork, settings: Optimization
) -> None:
    content = loss_network(photo_tensor, ["relu2_2"])["relu2_2"]
    for iteration in run(3, photo_tensor, targets, loss_network, settings):
        losses = compute_losses(iteration.image, content, targets, loss_network, settings)
        assert {name: loss.item() for name, loss in losses.items()} == pytest.approx(iteration.losses, rel=RECOMPUTED)
        assert total_loss(losses, settings).item() == pytest.approx(iteration.total, rel=RECOMPUTED)


def test_the_total_is_the_weighted_sum() -> None:
    losses = {"content": torch.tensor(2.0), "style": torch.tensor(3.0), "variation": torch.tensor(5.0)}
    settings = Optimization(content_weight=10, style_weight=100, variation_weight=1000)
    assert total_loss(losses, settings).item() == 20 + 300 + 5000


def test_the_photo_itself_has_no_content_loss(
    photo_tensor: Tensor, targets: dict[str, Tensor], loss_network: LossNetwork
) -> None:
    content = loss_network(photo_tensor, ["relu2_2"])["relu2_2"]
    losses = compute_losses(photo_tensor, content, targets, loss_network, SHALLOW)
    assert losses["content"] == 0
    assert losses["style"] > 0


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_without_style_the_photo_stays(
    photo_tensor: Tensor, targets: dict[str, Tensor], loss_network: LossNetwork, optimizer: Any
) -> None:
    settings = Optimization(
        optimizer, "relu2_2", style_layers=("relu1_2", "relu2_2"), style_weight=0, variation_weight=0
    )
    *_, last = run(3, photo_tensor, targets, loss_network, settings)
    assert torch.equal(last.image, photo_tensor)


@pytest.mark.parametrize("settings", [SHALLOW, ADAM])
def test_colours_stay_between_0_and_1(
    photo_tensor: Tensor, targets: dict[str, Tensor], loss_network: LossNetwork, settings: Optimization
) -> None:
    for iteration in run(6, photo_tensor.round(), targets, loss_network, settings):
        assert iteration.image.min() >= 0
        assert iteration.image.max() <= 1


def test_it_begins_with_start(photo_tensor: Tensor, targets: dict[str, Tensor], loss_network: LossNetwork) -> None:
    settings = Optimization("adam", "relu2_2", style_layers=("relu1_2", "relu2_2"), learning_rate=1e-6)
    start = torch.full_like(photo_tensor, 0.5)
    (iteration,) = run(1, photo_tensor, targets, loss_network, settings, start=start)
    torch.testing.assert_close(iteration.image, start, atol=2e-6, rtol=0)
    assert torch.equal(start, torch.full_like(photo_tensor, 0.5))


def test_no_picture_is_evaluated_twice(
    photo_tensor: Tensor, targets: dict[str, Tensor], loss_network: LossNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Tensor] = []

    def watched(image: Tensor, *rest: Any) -> dict[str, Tensor]:
        seen.append(image.detach().clone())
        return compute_losses(image, *rest)

    monkeypatch.setattr("stylecli.training.gatys.optimizer.compute_losses", watched)
    run(5, photo_tensor, targets, loss_network, SHALLOW)
    assert not any(torch.equal(one, other) for one, other in itertools.combinations(seen, 2))


@pytest.mark.parametrize("settings", [SHALLOW, ADAM])
@pytest.mark.parametrize("broken", [float("nan"), 0.0])
def test_a_loss_that_is_no_number_names_the_step_and_the_cure(
    photo_tensor: Tensor, loss_network: LossNetwork, settings: Optimization, broken: float
) -> None:
    targets = {"relu1_2": torch.full((1, 16, 16), broken), "relu2_2": torch.full((1, 32, 32), broken)}
    with pytest.raises(UsageError, match=r"the loss is (nan|inf) at step 1\. Give a style weight below 10"):
        run(1, photo_tensor, targets, loss_network, settings)
