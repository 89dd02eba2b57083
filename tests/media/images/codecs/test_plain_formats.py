"""BMP, and the netpbm family."""

from __future__ import annotations

import io

import numpy as np
import PIL.Image
import pytest
from numpy.typing import NDArray

from stylecli.core.errors import MediaError
from stylecli.media.images.files import Reading, read_pages, read_picture
from stylecli.media.linear_light import linear
from stylecli.media.pixels import to_unit


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


def bitmap(photo: NDArray[np.uint8], kind: str) -> bytes:
    is_black = photo[..., 1] < 128
    head = b"%s\n# made by hand\n%d %d\n" % (kind.encode(), is_black.shape[1], is_black.shape[0])
    if kind == "P4":
        return head + np.packbits(is_black, axis=1).tobytes()
    return head + b"\n".join(b"".join(b"%d" % one for one in row) for row in is_black)  # digits without gaps


@pytest.mark.parametrize("kind", ["P1", "P4"])
def test_a_bitmap_is_black_and_white(photo: NDArray[np.uint8], kind: str) -> None:
    narrow = photo[:50, :61]  # rows end within a byte
    expected = np.where(narrow[..., 1] < 128, 0, 255)
    np.testing.assert_array_equal(read_picture(bitmap(narrow, kind)).pixels[..., 0], expected)


def pam(samples: NDArray[np.uint8] | NDArray[np.uint16], kind: str, most: int) -> bytes:
    height, width, channels = samples.shape
    lines = (b"WIDTH %d" % width, b"HEIGHT %d" % height, b"DEPTH %d" % channels, b"MAXVAL %d" % most)
    head = b"\n".join([b"P7", b"# made by hand", *lines, b"TUPLTYPE " + kind.encode(), b"ENDHDR\n"])
    return head + samples.astype(">u2" if most > 255 else "u1").tobytes()


def test_a_pam_is_read_with_its_transparency(photo: NDArray[np.uint8]) -> None:
    alpha = np.full(photo.shape[:2], 77, np.uint8)
    picture = read_picture(pam(np.dstack([photo, alpha]), "RGB_ALPHA", 255))
    np.testing.assert_array_equal(picture.pixels, photo)
    assert picture.alpha is not None
    assert (picture.alpha == 77).all()


def test_a_deep_grey_pam_stays_deep(photo: NDArray[np.uint8]) -> None:
    deep = photo[..., :1].astype(np.uint16) * 257
    np.testing.assert_array_equal(read_picture(pam(deep, "GRAYSCALE", 65535)).pixels[..., :1], deep)


@pytest.mark.parametrize("missing", ["WIDTH", "MAXVAL", "ENDHDR"])
def test_a_pam_without_a_part_of_its_header_is_refused(photo: NDArray[np.uint8], missing: str) -> None:
    with pytest.raises(MediaError, match="its header"):
        read_picture(pam(photo, "RGB", 255).replace(missing.encode(), b"COMMENT"))


def float_map(light: NDArray[np.float32], order: str) -> bytes:
    height, width = light.shape[:2]
    scale = b"-1.0" if order == "<" else b"1.0"
    head = b"%s\n%d %d\n%s\n" % (b"PF" if light.ndim == 3 else b"Pf", width, height, scale)
    return head + light[::-1].astype(f"{order}f4").tobytes()


@pytest.mark.parametrize("order", ["<", ">"])
def test_floats_are_linear_light(photo: NDArray[np.uint8], order: str) -> None:
    picture = read_picture(float_map(linear(to_unit(photo)), order))
    assert np.abs(picture.pixels / 257 - photo).max() < 0.1
    assert picture.lost == ("floats: it becomes sRGB with 16 bits",)


def test_light_above_white_is_cut_and_told(photo: NDArray[np.uint8]) -> None:
    picture = read_picture(float_map(linear(to_unit(photo[..., 0])) * 4, "<"))
    assert (picture.pixels[photo[..., 0] > 140] == 65535).all()
    assert picture.lost[1:] == ("light above 1: it becomes white",)


def test_a_cut_bitmap_is_refused(photo: NDArray[np.uint8]) -> None:
    with pytest.raises(MediaError, match="its end is missing"):
        read_picture(bitmap(photo, "P4")[:-10])
