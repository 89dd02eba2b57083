from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import skimage.color
from numpy.typing import NDArray

from stylecli.core.errors import MediaError
from stylecli.media.images.files import read_picture
from tests.media.images.codecs.tiff.test_directories import tiff

LAB_STEP = 6  # levels of sRGB that a step of Lab with 8 bits makes in saturated colours


def lab_bytes(photo: NDArray[np.uint8], kind: str) -> NDArray[np.uint8]:
    """Give a photo as Lab with 8 bits: in CIELAB a and b are signed, in ICC's they count from -128."""
    lightness, a, b = np.moveaxis(skimage.color.rgb2lab(photo), -1, 0)
    shift = 128 if kind == "icclab" else 256
    stored = [np.rint(one + shift) % 256 for one in (a, b)]
    return np.stack([np.rint(lightness * 2.55), *stored], -1).astype(np.uint8)


@pytest.mark.parametrize("kind", ["cielab", "icclab"])
@pytest.mark.parametrize("how", [{}, {"compression": "zlib"}, {"tile": (32, 32)}])
def test_lab_with_8_bits_becomes_srgb(photo: NDArray[np.uint8], kind: str, how: dict[str, Any]) -> None:
    picture = read_picture(tiff((lab_bytes(photo, kind), {"photometric": kind, **how})))
    difference = np.abs(picture.pixels / 257 - photo)
    assert difference.max() < LAB_STEP
    assert difference.mean() < 1
    assert picture.lost == ("Lab: it becomes sRGB with 16 bits",)


def test_lab_in_a_big_tiff_is_read(photo: NDArray[np.uint8]) -> None:
    picture = read_picture(tiff((lab_bytes(photo, "cielab"), {"photometric": "cielab"}), bigtiff=True))
    assert np.abs(picture.pixels / 257 - photo).max() < LAB_STEP


def test_transparency_beside_lab_stays(photo: NDArray[np.uint8]) -> None:
    samples = np.dstack([lab_bytes(photo, "cielab"), np.full(photo.shape[:2], 77, np.uint8)])
    picture = read_picture(tiff((samples, {"photometric": "cielab", "extrasamples": ["unassalpha"]})))
    assert picture.alpha is not None
    assert (picture.alpha == 77 * 257).all()
    assert np.abs(picture.pixels / 257 - photo).max() < LAB_STEP


@pytest.mark.parametrize("kind", ["i1", "i2", "i4", "u4"])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_largest_whole_number_of_a_type_is_white(photo: NDArray[np.uint8], kind: str, channels: int) -> None:
    white = np.iinfo(kind).max
    samples = np.rint(photo[..., :channels] / 255 * white).astype(kind)
    meaning = "rgb" if channels == 3 else "minisblack"
    picture = read_picture(tiff((np.squeeze(samples), {"photometric": meaning})))
    step = 255 / white  # of the samples, in levels of 8 bits
    assert np.abs(picture.pixels[..., :channels] / 257 - photo[..., :channels]).max() <= step + 0.01
    assert picture.lost == (f"whole numbers of {np.iinfo(kind).bits} bits: they become 0 to 65535, {white} is white",)


def test_numbers_below_0_become_black_and_are_told() -> None:
    heights = np.linspace(-3000, 2000, 600).astype(np.int16).reshape(20, 30)
    picture = read_picture(tiff((heights, {"photometric": "minisblack"})))
    assert (picture.pixels[..., 0][heights <= 0] == 0).all()
    assert picture.lost[1:] == ("numbers below 0: they become black",)


def test_samples_of_64_bits_are_refused_as_what_they_are(photo: NDArray[np.uint8]) -> None:
    with pytest.raises(MediaError, match="its samples have 64 bits"):
        read_picture(tiff((photo / 255, {})))
