from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from stylecli.core.errors import DeviceError, UsageError
from stylecli.core.progress import Step
from stylecli.training.gatys.coarse_to_fine import optimize, out_of_memory_as_device_error, plan_scales
from stylecli.training.gatys.options import Optimization, OptimizationJob
from stylecli.training.losses.loss_network import LossNetwork

SHALLOW = Optimization(content_layer="relu2_2", style_layers=("relu1_2", "relu2_2"))  # quick
FIRST = Optimization(content_layer="relu1_2", style_layers=("relu1_2",))  # quicker still, for larger pictures
JOB = OptimizationJob()


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


def test_too_little_memory_is_a_device_error() -> None:
    with pytest.raises(DeviceError, match="`size`"), out_of_memory_as_device_error():
        torch.empty(10**15)


def test_another_fault_of_torch_stays_a_defect() -> None:
    with pytest.raises(RuntimeError, match="size"), out_of_memory_as_device_error():
        torch.zeros(2) + torch.zeros(3)
