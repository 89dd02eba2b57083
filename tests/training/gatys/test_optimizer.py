from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from stylecli.core.errors import DeviceError, UsageError
from stylecli.core.progress import Step
from stylecli.training.gatys.optimizer import (
    Iteration,
    iterations,
    memory_faults_named,
    objective,
    optimize,
    plan_scales,
    total_loss,
)
from stylecli.training.gatys.options import Optimization, OptimizationJob
from stylecli.training.losses.loss_network import LossNetwork
from stylecli.training.losses.perceptual import gram_matrix

SHALLOW = Optimization(content_layer="relu2_2", style_layers=("relu1_2", "relu2_2"))  # quick
ADAM = Optimization("adam", content_layer="relu2_2", style_layers=("relu1_2", "relu2_2"))
FIRST = Optimization(content_layer="relu1_2", style_layers=("relu1_2",))  # quicker still, for larger pictures
JOB = OptimizationJob()
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
        losses = objective(iteration.image, content, targets, loss_network, settings)
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
    losses = objective(photo_tensor, content, targets, loss_network, SHALLOW)
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
        return objective(image, *rest)

    monkeypatch.setattr("stylecli.training.gatys.optimizer.objective", watched)
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


@pytest.mark.parametrize(
    "values",
    [
        {"optimizer": "newton"},
        {"style_layers": ()},
        {"style_weight": -1.0},
        {"content_weight": float("nan")},
        {"variation_weight": float("inf")},
        {"learning_rate": 0.0},
        {"learning_rate": float("nan")},
    ],
)
def test_impossible_settings_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(values))):
        Optimization(**values)


@pytest.mark.parametrize(
    ("side", "steps", "scales", "plan"),
    [
        (256, 9, 1, [(256, 513, 9)]),
        (256, 9, 2, [(128, 256, 6), (256, 513, 3)]),
        (256, 303, 3, [(64, 128, 174), (128, 256, 86), (256, 513, 43)]),
        (256, 2, 3, [(128, 256, 1), (256, 513, 1)]),  # a step each at least
        (100, 9, 3, [(100, 513, 9)]),  # 50 pixels would be too coarse
        (8, 9, 3, [(8, 513, 9)]),
    ],
)
def test_coarse_scales_come_first_with_most_steps(
    side: int, steps: int, scales: int, plan: list[tuple[int, int, int]]
) -> None:
    assert plan_scales(side, 513, steps=steps, scales=scales) == plan


@pytest.mark.parametrize(
    ("size", "shape"), [(JOB.size, (133, 131, 3)), (999, (133, 131, 3)), (129, (131, 129, 3)), (65, (66, 65, 3))]
)
def test_the_result_has_the_photos_size_or_that_asked_for(
    photo: NDArray[np.uint8], loss_network: LossNetwork, size: int, shape: tuple[int, ...]
) -> None:
    result = optimize(photo[:133, :131], photo[-40:, -50:], loss_network, FIRST, replace(JOB, steps=2, size=size))
    assert result.shape == shape
    assert result.dtype == np.uint8


def test_a_scale_starts_from_the_one_before(photo: NDArray[np.uint8], loss_network: LossNetwork) -> None:
    pictures: list[NDArray[Any]] = []
    optimize(
        photo[:128, :128],
        photo[-64:, -64:, ::-1].copy(),
        loss_network,
        FIRST,
        replace(JOB, steps=7, preview_every=1),
        preview=lambda _, pixels: pictures.append(pixels.astype(float)),
    )
    last_coarse, first_fine = pictures[4:6]
    assert np.abs(first_fine - last_coarse).mean() < 0.5 * np.abs(first_fine - photo[:128, :128]).mean()


def test_original_colours_keep_the_chroma(photo: NDArray[np.uint8], loss_network: LossNetwork) -> None:
    pale = photo[:40, :48] / np.float32(512) + np.float32(0.25)  # far from black and white, where colour must give way
    result = optimize(pale, photo[-40:, -48:], loss_network, FIRST, replace(JOB, steps=2, original_colors=True))
    change = result - pale
    assert np.abs(change).max() > 0.01
    np.testing.assert_allclose(np.ptp(change, axis=2), 0, atol=1e-6)  # float32: the same in red, green and blue


def test_progress_tells_each_step_and_its_losses(photo: NDArray[np.uint8], loss_network: LossNetwork) -> None:
    steps: list[Step] = []
    optimize(photo[:129, :129], photo, loss_network, FIRST, replace(JOB, steps=3), progress=steps.append)
    assert [(step.done, step.total) for step in steps] == [(1, 3), (2, 3), (3, 3)]
    assert set(steps[-1].values) == {"content", "style", "variation", "total"}


def test_previews_are_what_would_be_returned(photo: NDArray[np.uint8], loss_network: LossNetwork) -> None:
    previews: dict[int, NDArray[Any]] = {}
    deep = photo[:130, :131].astype(np.uint16) * 257
    result = optimize(
        deep, photo, loss_network, FIRST, replace(JOB, steps=4, preview_every=2), preview=previews.__setitem__
    )
    assert set(previews) == {2, 4}
    assert previews[2].shape == deep.shape
    np.testing.assert_array_equal(previews[4], result)
    assert result.dtype == np.uint16


def test_a_long_strip_is_a_painting_too(photo: NDArray[np.uint8], loss_network: LossNetwork) -> None:
    strip = np.tile(photo[:8], (1, 20, 1))
    assert optimize(photo[:16, :16], strip, loss_network, SHALLOW, replace(JOB, steps=1)).shape == (16, 16, 3)


@pytest.mark.parametrize(("layer", "least"), [("relu1_2", 1), ("relu2_2", 2), ("relu3_3", 4), ("relu4_2", 8)])
def test_each_pooling_doubles_the_least_side(layer: str, least: int) -> None:
    assert Optimization(content_layer=layer, style_layers=("relu1_2",)).least_side == least


def test_a_picture_of_the_least_side_is_painted(photo: NDArray[np.uint8], loss_network: LossNetwork) -> None:
    settings = Optimization(content_layer="relu4_1")
    assert optimize(photo[:8, :9], photo[:9, :8], loss_network, settings, replace(JOB, steps=1)).shape == (8, 9, 3)


@pytest.mark.parametrize(("what", "sides"), [("photo", (7, 64)), ("painting", (64, 7))])
def test_a_smaller_one_is_refused(
    photo: NDArray[np.uint8], loss_network: LossNetwork, what: str, sides: tuple[int, int]
) -> None:
    settings = Optimization(content_layer="relu4_1")
    with pytest.raises(UsageError, match=rf"the {what}: 7 pixels are too few\. The loss network needs 8"):
        optimize(photo[: sides[0]], photo[: sides[1]], loss_network, settings, replace(JOB, steps=1))


@pytest.mark.parametrize(("steps", "scales"), [(0, 1), (1, 0)])
def test_nothing_to_do_is_refused(photo: NDArray[np.uint8], loss_network: LossNetwork, steps: int, scales: int) -> None:
    with pytest.raises(UsageError, match="at least one of each"):
        optimize(photo, photo, loss_network, SHALLOW, replace(JOB, steps=steps, scales=scales))


def test_previews_after_no_step_are_refused() -> None:
    with pytest.raises(UsageError, match="preview_every is 0"):
        OptimizationJob(preview_every=0)


def test_too_little_memory_is_a_device_error() -> None:
    with pytest.raises(DeviceError, match="`size`"), memory_faults_named():
        torch.empty(10**15)


def test_another_fault_of_torch_stays_a_defect() -> None:
    with pytest.raises(RuntimeError, match="size"), memory_faults_named():
        torch.zeros(2) + torch.zeros(3)
