"""Transparency: kept with its depth, and the colour of its edges bleeds under it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from stylecli.media.images.alpha import bled
from stylecli.media.images.files import encode_picture, read_picture
from tests.support.picture_files import file_of, repainted, samples_of


def with_hole(dtype: type[np.unsignedinteger[Any]]) -> NDArray[Any]:
    """Give an orange picture with a round hole, under which there is black; the hole's edge is soft."""
    top = np.iinfo(dtype).max
    rows, columns = np.ogrid[:61, :90]
    distance = np.hypot(rows - 30, columns - 40)
    picture = np.empty((61, 90, 4), dtype)
    picture[..., :3] = np.array([255, 150, 30]) * (top // 255)
    picture[..., 3] = np.clip((distance - 18) / 4, 0, 1) * top
    picture[picture[..., 3] == 0] = 0
    return picture


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_alpha_is_kept_with_its_depth(dtype: type[np.unsignedinteger[Any]], suffix: str) -> None:
    samples = with_hole(dtype)
    picture = read_picture(file_of(samples, suffix))
    assert picture.alpha is not None
    np.testing.assert_array_equal(picture.alpha, samples[..., 3])
    np.testing.assert_array_equal(samples_of(encode_picture(repainted(picture), suffix))[..., 3], samples[..., 3])


@pytest.mark.parametrize("suffix", [".webp", ".avif"])
def test_lossy_formats_keep_alpha(suffix: str) -> None:
    samples = with_hole(np.uint8)
    written = samples_of(encode_picture(repainted(read_picture(file_of(samples))), suffix))
    assert np.abs(written[..., 3].astype(int) - samples[..., 3]).mean() < 2


def test_webp_keeps_the_colour_under_transparency() -> None:
    written = samples_of(encode_picture(repainted(read_picture(file_of(with_hole(np.uint8)))), ".webp"))
    assert written[30, 40, 3] == 0
    assert np.abs(written[30, 40, :3].astype(int) - (255, 150, 30)).max() < 10


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_colour_under_transparency_comes_from_the_edges(dtype: type[np.unsignedinteger[Any]]) -> None:
    samples = with_hole(dtype)
    pixels = read_picture(file_of(samples)).pixels
    assert np.abs(pixels.astype(int) - samples[0, 0, :3]).max() <= np.iinfo(dtype).max // 255


def test_colour_under_transparency_is_that_of_the_nearest_edge() -> None:
    samples = np.zeros((40, 200, 4), np.uint8)
    samples[:, :20] = (255, 0, 0, 255)
    samples[:, -20:] = (0, 0, 255, 255)
    pixels = read_picture(file_of(samples)).pixels.astype(int)
    red, blue = pixels[..., 0], pixels[..., 2]
    assert (red[:, :70] > blue[:, :70]).all()
    assert (red[:, -70:] < blue[:, -70:]).all()
    assert np.abs(np.diff(pixels[20], axis=0)).max() < 40  # and in between there is no new edge


def test_visible_colours_are_not_touched_by_the_bleeding() -> None:
    samples = np.random.default_rng(7).integers(0, 256, (33, 47, 4), np.uint8)
    samples[::3, ::2, 3] = 0
    pixels = read_picture(file_of(samples)).pixels
    visible = samples[..., 3] > 0
    np.testing.assert_array_equal(pixels[visible], samples[visible][:, :3])
    assert (pixels[~visible] != samples[~visible][:, :3]).any()


def test_a_wholly_transparent_picture_is_read() -> None:
    samples = np.zeros((5, 6, 4), np.uint8)
    samples[..., :3] = 90
    picture = read_picture(file_of(samples))
    assert (picture.pixels == 90).all()
    assert picture.alpha is not None
    assert picture.alpha.max() == 0


@pytest.mark.parametrize("paint", [False, True], ids=["untouched", "painted"])
def test_without_alpha_in_the_format_transparency_becomes_white(paint: bool) -> None:
    picture = read_picture(file_of(with_hole(np.uint16)))
    pixels = read_picture(encode_picture(repainted(picture) if paint else picture, ".jpg")).pixels
    assert pixels[30, 40].min() > 250
    assert np.abs(pixels[2, 2].astype(int) - (255, 150, 30)).max() < 5


def test_colours_bleed_the_same_from_slices_of_an_array() -> None:
    samples = np.random.default_rng(0).random((40, 50, 4)).astype(np.float32)
    samples[10:20, :, 3] = 0
    color, alpha = samples[..., :3], samples[..., 3]
    expected = bled(np.ascontiguousarray(color), np.ascontiguousarray(alpha))
    np.testing.assert_array_equal(bled(color, alpha), expected)
