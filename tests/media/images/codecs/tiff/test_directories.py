from __future__ import annotations

import io
from typing import Any

import numpy as np
import PIL.Image
import pytest
import pyvips
import tifffile
from numpy.typing import NDArray

from stylecli.core.errors import MediaError
from stylecli.media.images.codecs.tiff.directories import plan_of
from stylecli.media.images.files import read_picture

SMALL = np.full((20, 30, 3), 9, np.uint8)
CFA, ITU_LAB = 32803, 10


def tiff(*pictures: tuple[NDArray[Any], dict[str, Any]], **how: Any) -> bytes:
    file = io.BytesIO()
    with tifffile.TiffWriter(file, **how) as writer:
        for pixels, options in pictures:
            writer.write(pixels, **{"photometric": "rgb", "metadata": None, **options})
    return file.getvalue()


@pytest.mark.parametrize("how", [{}, {"bigtiff": True}, {"byteorder": ">"}])
def test_the_picture_is_read_not_the_preview_before_it(photo: NDArray[np.uint8], how: dict[str, Any]) -> None:
    data = tiff((SMALL, {"subfiletype": 1}), (photo, {"subfiletype": 0}), **how)
    np.testing.assert_array_equal(read_picture(data).pixels, photo)


def test_the_picture_may_stand_below_its_preview(photo: NDArray[np.uint8]) -> None:
    data = tiff((SMALL, {"subfiletype": 1, "subifds": 1}), (photo, {"subfiletype": 0}))
    np.testing.assert_array_equal(read_picture(data).pixels, photo)


def test_the_first_page_is_read_where_it_is_no_preview(photo: NDArray[np.uint8]) -> None:
    data = tiff((SMALL, {}), (photo, {}), (SMALL, {"subfiletype": 1}))
    np.testing.assert_array_equal(read_picture(data).pixels, SMALL)
    assert plan_of(data).pages == 2


@pytest.mark.parametrize("tag", [[(50706, "B", 4, (1, 4, 0, 0), False)], []])
def test_a_raw_file_is_refused_as_what_it_is(photo: NDArray[np.uint8], tag: list[Any]) -> None:
    sensor = (photo[..., 0], {"photometric": CFA, "subfiletype": 0})
    data = tiff((SMALL, {"subfiletype": 1, "subifds": 1, "extratags": tag}), sensor)
    with pytest.raises(MediaError, match="camera's raw file"):
        read_picture(data)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_file_that_was_cut_off_is_refused(photo: NDArray[np.uint8], share: float) -> None:
    data = tiff((photo, {"rowsperstrip": 16, "compression": "zlib"}))
    start = 4 + data.index(b"\x78")  # of the samples
    with pytest.raises(MediaError, match="damaged or truncated"):
        read_picture(data[: start + int((len(data) - start) * share)])


def test_a_harmless_warning_does_not_stop_a_picture(photo: NDArray[np.uint8]) -> None:
    dates = [(306, "s", 0, "2020:01:02", True), (37000, "H", 1, 5, True)]  # a short date, a tag that nobody knows
    data = tiff((photo, {"extratags": dates}))
    np.testing.assert_array_equal(read_picture(data).pixels, photo)


def test_a_fourth_channel_that_is_not_explained_does_not_stop_a_picture(photo: NDArray[np.uint8]) -> None:
    rgba = np.dstack([photo, np.full(photo.shape[:2], 255, np.uint8)])
    data = bytearray(tiff((rgba, {"extrasamples": ["unassalpha"]})))
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        tag = file.pages.first.tags["ExtraSamples"]
    data[tag.offset : tag.offset + 2] = (65000).to_bytes(2, "little")
    np.testing.assert_array_equal(read_picture(bytes(data)).pixels, photo)


@pytest.mark.parametrize("data", [b"II*\0", b"II*\0\xff\xff\xff\xff", b"MM\0+\0\x08\0\0" + bytes(8)])
def test_damaged_directories_are_left_to_the_reader(data: bytes) -> None:
    assert plan_of(data) == plan_of(b"")


def test_colors_that_cannot_be_read_are_called_so(photo: NDArray[np.uint8]) -> None:
    with pytest.raises(MediaError, match="not supported"):
        read_picture(tiff((photo, {"photometric": ITU_LAB})))


def test_ycbcr_that_libvips_takes_for_rgb_is_refused(photo: NDArray[np.uint8]) -> None:
    file = io.BytesIO()
    PIL.Image.fromarray(photo).convert("YCbCr").save(file, "TIFF")
    with pytest.raises(MediaError, match="YCbCr, which is not supported"):
        read_picture(file.getvalue())


def test_ycbcr_inside_jpeg_is_read(photo: NDArray[np.uint8]) -> None:
    image = pyvips.Image.new_from_array(photo, interpretation="srgb")
    read = read_picture(image.tiffsave_buffer(compression="jpeg", Q=95)).pixels
    assert np.abs(read.astype(int) - photo).mean() < 3  # of 255: what JPEG loses


def test_a_volume_is_refused(photo: NDArray[np.uint8]) -> None:
    volume = np.stack([photo[:32, :32, 0]] * 16)
    data = tiff((volume, {"photometric": "minisblack", "volumetric": True, "tile": (16, 16, 16)}))
    with pytest.raises(MediaError, match="a volume of 16 slices"):
        read_picture(data)
