from __future__ import annotations

import sys

import numpy as np
import pytest
from numpy.typing import NDArray

from stylecli.core.errors import MediaError
from stylecli.media.images.cicp import icc_of_codes
from stylecli.media.images.files import encode_picture, picture_from_pixels, read_picture
from stylecli.media.images.picture import Contents
from tests.media.images.metadata.test_kept import assert_described, exif, file_of, opened

jxl = pytest.importorskip("pylibjxl")


def test_a_lossless_picture_is_read_as_it_is(photo: NDArray[np.uint8]) -> None:
    np.testing.assert_array_equal(read_picture(jxl.encode(photo, lossless=True)).pixels, photo)


def test_transparency_is_read(photo: NDArray[np.uint8]) -> None:
    samples = np.dstack([photo, np.full(photo.shape[:2], 77, np.uint8)])
    picture = read_picture(jxl.encode(samples, lossless=True))
    assert picture.alpha is not None
    assert (picture.alpha == 77).all()


def test_metadata_and_profile_are_kept(photo: NDArray[np.uint8]) -> None:
    icc = icc_of_codes(12, 13)
    data = jxl.encode(photo, lossless=True, exif=exif(1).removeprefix(b"Exif\0\0"), icc=icc)
    picture = read_picture(data)
    assert isinstance(picture.contents, Contents)
    assert picture.contents.profile == icc
    assert_described(opened(encode_picture(picture, ".png")))


def test_a_jpeg_that_was_packed_is_that_jpeg(photo: NDArray[np.uint8]) -> None:
    jpeg = file_of(photo, ".jpg", exif=exif(6), comment=b"hello")
    picture, plain = read_picture(jxl.jpeg_to_jxl(jpeg)), read_picture(jpeg)
    np.testing.assert_array_equal(picture.pixels, plain.pixels)
    assert b"hello" in encode_picture(picture, ".jpg")


@pytest.mark.parametrize("part", [0.1, 0.5, 0.95])
def test_a_truncated_file_is_refused(photo: NDArray[np.uint8], part: float) -> None:
    data = jxl.encode(photo)
    with pytest.raises(MediaError, match="damaged or truncated"):
        read_picture(data[: int(len(data) * part)])


def test_without_the_package_its_name_is_told(photo: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch) -> None:
    data = jxl.encode(photo)
    monkeypatch.setitem(sys.modules, "pylibjxl", None)
    with pytest.raises(MediaError, match="needs the package pylibjxl"):
        read_picture(data)


def test_it_is_not_written(photo: NDArray[np.uint8]) -> None:
    with pytest.raises(Exception, match="no format that can be written"):
        encode_picture(picture_from_pixels(photo), ".jxl")
