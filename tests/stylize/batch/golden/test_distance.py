from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from stylecli.media.images.files import encode_picture, picture_from_pixels, read_picture
from stylecli.stylize.batch.golden.distance import NOTICEABLE, difference


def test_equal_pictures_have_no_distance(photo: NDArray[np.uint8]) -> None:
    found = difference(photo, photo)
    assert found.distance == 0
    assert found.map.shape == photo.shape
    assert len(np.unique(found.map.reshape(-1, 3), axis=0)) == 1


def test_rounding_and_jpeg_are_not_noticeable(photo: NDArray[np.uint8]) -> None:
    assert difference(photo, np.clip(photo.astype(int) + 1, 0, 255).astype(np.uint8)).distance < NOTICEABLE / 2
    compressed = read_picture(encode_picture(picture_from_pixels(photo), ".jpg", quality=90)).pixels
    assert difference(photo, compressed).distance < NOTICEABLE


def test_a_small_fault_counts_and_the_map_shows_where(photo: NDArray[np.uint8]) -> None:
    broken = photo.copy()
    broken[100:116, 200:216] //= 2
    found = difference(photo, broken)
    assert found.distance > NOTICEABLE
    far = found.map[0, 0].astype(int)
    assert np.abs(found.map[108, 208] - far).sum() > 100
    assert np.abs(found.map[280, 20] - far).sum() == 0


def test_pictures_of_16_bits_are_compared(photo: NDArray[np.uint8]) -> None:
    assert difference(photo, photo.astype(np.uint16) * 257).distance == pytest.approx(0)
