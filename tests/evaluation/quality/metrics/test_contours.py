"""Edges and emboss on pictures whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from stylecli.evaluation.quality.metrics.contours import edge_f1, edges, emboss_index
from stylecli.evaluation.quality.metrics.filters import blur, luma


def square(offset: int = 0) -> NDArray[np.uint8]:
    picture = np.full((120, 160, 3), 60, np.uint8)
    picture[30:90, 40 + offset : 110 + offset] = 200
    return picture


def strokes(seed: int) -> NDArray[np.float32]:
    """Smooth noise that knows nothing of the photo, (300, 451), with a deviation of 0.1."""
    noise = blur(np.random.default_rng(seed).normal(size=(300, 451)).astype(np.float32), 3)
    return np.asarray(0.1 * noise / noise.std(), np.float32)


def test_the_edges_of_a_square_are_its_outline() -> None:
    found = edges(luma(square()))
    assert found[30:90, 38:42].any(1).all()
    assert not found[50:70, 60:90].any()
    assert found.sum() < 2 * (60 + 70) * 2  # about a pixel wide


def test_a_picture_agrees_with_itself_and_so_does_its_negative(photo: NDArray[np.uint8]) -> None:
    assert edge_f1(photo, photo) == 1
    assert edge_f1(255 - photo, photo) > 0.99


@pytest.mark.parametrize(("offset", "low", "high"), [(2, 0.99, 1), (8, 0.2, 0.7)])
def test_edges_may_move_by_two_pixels(offset: int, low: float, high: float) -> None:
    assert low <= edge_f1(square(offset), square()) <= high


def test_other_strokes_have_other_edges(photo: NDArray[np.uint8]) -> None:
    texture = ((0.5 + strokes(0))[..., None].repeat(3, 2) * 255).clip(0, 255).astype(np.uint8)
    half = (photo * 0.5 + texture * 0.5).astype(np.uint8)
    assert edge_f1(texture, photo) < edge_f1(half, photo) < 1


def test_a_flat_picture_has_no_edges(photo: NDArray[np.uint8]) -> None:
    flat = np.full_like(photo, 90)
    assert edge_f1(flat, photo) == 0
    assert edge_f1(photo, flat) == 0


def test_nothing_changed_is_no_emboss(photo: NDArray[np.uint8]) -> None:
    assert emboss_index(photo, photo) == 0


@pytest.mark.parametrize("scale", [1, 2])
def test_a_sharpened_photo_is_all_emboss(photo: NDArray[np.uint8], scale: float) -> None:
    unit = photo / np.float32(255)
    blurred = np.stack([blur(unit[..., channel], scale) for channel in range(3)], -1)
    assert emboss_index((unit + (unit - blurred)).clip(0, 1).astype(np.float32), photo) > 0.8


def test_a_blurred_photo_is_not_embossed(photo: NDArray[np.uint8]) -> None:
    unit = photo / np.float32(255)
    blurred = np.stack([blur(unit[..., channel], 2) for channel in range(3)], -1)
    assert emboss_index(blurred, photo) < 0.1


@pytest.mark.parametrize("tone", [lambda x: 0.2 + 0.6 * x, lambda x: x**0.6, lambda x: 1 - x])
def test_a_tone_curve_is_no_emboss(photo: NDArray[np.uint8], tone) -> None:  # type: ignore[no-untyped-def]
    grey = luma(photo)[..., None].repeat(3, 2)
    assert abs(emboss_index(tone(grey).astype(np.float32), grey)) < 0.2


def test_strokes_that_know_nothing_of_the_photo_are_no_emboss(photo: NDArray[np.uint8]) -> None:
    painted = (photo / np.float32(255) + strokes(1)[..., None]).clip(0, 1).astype(np.float32)
    assert abs(emboss_index(painted, photo)) < 0.1
