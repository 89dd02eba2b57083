"""BMP, PGM and PPM."""

from __future__ import annotations

import io

import numpy as np
import PIL.Image
import pytest
from numpy.typing import NDArray

from stylecli.core.errors import MediaError
from stylecli.media.images.files import Reading, read_pages, read_picture


def bmp(image: PIL.Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "BMP")
    return file.getvalue()


@pytest.mark.parametrize("mode", ["RGB", "P", "L", "1"])
def test_a_bmp_is_read(photo: NDArray[np.uint8], mode: str) -> None:
    image = PIL.Image.fromarray(photo).convert(mode)
    picture = read_picture(bmp(image))
    np.testing.assert_array_equal(picture.pixels, np.array(image.convert("RGB")))
    assert picture.alpha is None


def test_a_bmp_with_transparency_is_read(photo: NDArray[np.uint8]) -> None:
    alpha = np.full(photo.shape[:2], 77, np.uint8)
    picture = read_picture(bmp(PIL.Image.fromarray(np.dstack([photo, alpha]))))
    np.testing.assert_array_equal(picture.pixels, photo)
    assert picture.alpha is not None
    assert (picture.alpha == 77).all()


@pytest.mark.parametrize("part", [0.01, 0.5, 0.95])
def test_a_truncated_bmp_is_refused(photo: NDArray[np.uint8], part: float) -> None:
    data = bmp(PIL.Image.fromarray(photo))
    with pytest.raises(MediaError, match="damaged or truncated"):
        read_picture(data[: int(len(data) * part)])


def ppm(photo: NDArray[np.uint8], kind: str) -> bytes:
    height, width = photo.shape[:2]
    texts = {
        "P6": b"P6\n# made by hand\n%d %d\n255\n" % (width, height) + photo.tobytes(),
        "P6 deep": b"P6 %d %d 65535\n" % (width, height) + (photo.astype(np.uint16) * 257).astype(">u2").tobytes(),
        "P6 31": b"P6 %d %d 31\n" % (width, height) + (photo // 8).tobytes(),
        "P5": b"P5 %d %d 255\n" % (width, height) + photo[..., 0].tobytes(),
        "P5 1023": b"P5 %d %d 1023\n" % (width, height) + (photo[..., 0].astype(np.uint16) * 4).astype(">u2").tobytes(),
        "P3": b"P3\n%d %d\n255\n" % (width, height) + b"\n".join(b"%d" % value for value in photo.ravel()),
    }
    return texts[kind]


@pytest.mark.parametrize("kind", ["P6", "P3"])
def test_a_ppm_is_read(photo: NDArray[np.uint8], kind: str) -> None:
    np.testing.assert_array_equal(read_picture(ppm(photo, kind)).pixels, photo)


def test_a_deep_ppm_stays_deep(photo: NDArray[np.uint8]) -> None:
    np.testing.assert_array_equal(read_picture(ppm(photo, "P6 deep")).pixels, photo.astype(np.uint16) * 257)


def test_a_pgm_is_read(photo: NDArray[np.uint8]) -> None:
    np.testing.assert_array_equal(read_picture(ppm(photo, "P5")).pixels[..., 1], photo[..., 0])


@pytest.mark.parametrize(("kind", "step"), [("P6 31", 255 / 31), ("P5 1023", 1)])
def test_other_whites_are_white(photo: NDArray[np.uint8], kind: str, step: float) -> None:
    pixels = read_picture(ppm(photo, kind)).pixels
    seen = pixels / (257 if pixels.dtype == np.uint16 else 1)
    expected = photo if kind == "P6 31" else photo[..., :1]
    assert np.abs(seen - expected).max() <= step + 0.5


def test_what_is_there_of_a_cut_ppm_is_read_when_asked(photo: NDArray[np.uint8]) -> None:
    data = ppm(photo, "P6")
    cut = data[: len(data) // 2]
    with pytest.raises(MediaError, match="its end is missing"):
        read_picture(cut)
    (picture,) = read_pages(cut, reading=Reading(allow_truncated=True)).pictures
    np.testing.assert_array_equal(picture.pixels[:140], photo[:140])


@pytest.mark.parametrize(
    "header", [b"P6 0 5 255\n", b"P6 5 5 0\n", b"P6 5 5 70000\n", b"P6 x", b"P6 99999 99999 255\n"]
)
def test_a_header_of_nonsense_is_refused(header: bytes) -> None:
    with pytest.raises(MediaError):
        read_picture(header + bytes(100))
