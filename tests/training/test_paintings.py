"""Paintings are read without their frame, and refused where they show no brushwork."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from stylecli.core.errors import UsageError
from stylecli.media.images.files import picture_from_pixels, write_picture
from stylecli.training.paintings import style_images, within_border
from stylecli.training.recipe import Painting, Recipe

RECIPE = Recipe(Painting("p.png"), style_sizes=(96, 128))


@pytest.fixture
def art(photo: NDArray[np.uint8]) -> NDArray[np.float32]:
    return photo[:200, :300].astype(np.float32) / 255


@pytest.mark.parametrize("colour", [(0.0, 0.0, 0.0), (1.0, 0.98, 0.95), (0.4, 0.25, 0.1)])
def test_a_border_of_one_colour_is_cut_off(art: NDArray[np.float32], colour: tuple[float, float, float]) -> None:
    framed = np.full((230, 320, 3), colour, np.float32)
    framed[20:220, 8:308] = art
    framed += np.random.default_rng(0).uniform(-0.02, 0.02, framed.shape)  # a scan is never quite even
    rows, columns = within_border(framed)
    assert (rows.start, columns.start) == (21, 9)  # one line more: scaled pictures have soft edges
    assert (rows.stop, columns.stop) == (219, 307)


def test_a_picture_without_a_border_stays_whole(art: NDArray[np.float32]) -> None:
    assert within_border(art) == (slice(0, 200), slice(0, 300))


def test_a_wide_plain_area_belongs_to_the_painting(art: NDArray[np.float32]) -> None:
    sky = np.concatenate([np.full((120, 300, 3), 0.8, np.float32), art])
    assert within_border(sky)[0] == slice(0, 320)


def test_an_even_picture_stays_whole() -> None:
    assert within_border(np.full((100, 100, 3), 0.5, np.float32)) == (slice(0, 100), slice(0, 100))


def test_the_cut_is_told_and_every_size_is_read(photo: NDArray[np.uint8], tmp_path: Path) -> None:
    framed = np.zeros((240, 320, 3), np.uint8)
    framed[10:230, 10:310] = photo[:220, :300]
    write_picture(picture_from_pixels(framed), tmp_path / "p.png")
    told: list[str] = []
    ((small, large),) = style_images([tmp_path / "p.png"], RECIPE, torch.device("cpu"), told.append)
    assert told == [f"{tmp_path / 'p.png'}: the plain border is cut off: 320 x 240 -> 298 x 218 pixels"]
    assert (min(small.shape[2:]), min(large.shape[2:])) == (96, 128)
    assert small.mean() > 0.2


def test_the_crop_of_a_recipe_is_all_that_counts(photo: NDArray[np.uint8], tmp_path: Path) -> None:
    art = photo[:200, :300].copy()
    art[50:150, 150:300] = (255, 0, 0)
    write_picture(picture_from_pixels(art), tmp_path / "p.png")
    recipe = replace(RECIPE, painting=replace(RECIPE.painting, crop=(0.5, 0.25, 1.0, 0.75)), style_sizes=(100,))
    told: list[str] = []
    ((red,),) = style_images([tmp_path / "p.png"], recipe, torch.device("cpu"), told.append)
    assert red.shape == (1, 3, 100, 150)
    assert torch.equal(red, torch.tensor([1.0, 0, 0])[:, None, None].expand_as(red))
    assert told == []


def test_a_tiny_painting_is_refused(tmp_path: Path) -> None:
    write_picture(picture_from_pixels(np.zeros((63, 200, 3), np.uint8)), tmp_path / "p.png")
    with pytest.raises(UsageError, match="200 x 63 pixels shows no brushwork"):
        style_images([tmp_path / "p.png"], replace(RECIPE, style_sizes=(64,)), torch.device("cpu"))
