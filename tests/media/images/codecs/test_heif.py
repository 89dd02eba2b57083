from __future__ import annotations

import io
from typing import Any

import numpy as np
import PIL.ImageCms
import pytest
from numpy.typing import NDArray

from stylecli.core.errors import MediaError
from stylecli.media.images.files import encode_picture, read_pages, read_picture
from stylecli.media.images.picture import Contents
from tests.media.images.metadata.test_kept import XMP, assert_described, exif, opened

pytest.importorskip("pi_heif")
pillow_heif = pytest.importorskip("pillow_heif")  # the writer; another build of libheif than the reader's

LOSSY_ERROR = 4  # of 255, on average


def heic(*pictures: NDArray[Any], bits: int = 8, **options: Any) -> bytes:
    file = pillow_heif.HeifFile()
    for pixels in pictures:
        samples = pixels if bits == 8 else pixels.astype("<u2") * 257
        mode = {3: "RGB", 4: "RGBA"}[pixels.shape[2]] + (";16" if bits > 8 else "")
        file.add_frombytes(mode, (pixels.shape[1], pixels.shape[0]), np.ascontiguousarray(samples).tobytes())
    target = io.BytesIO()
    file.save(target, quality=95, **options)
    return target.getvalue()


def test_a_photo_is_read(photo: NDArray[np.uint8]) -> None:
    picture = read_picture(heic(photo))
    assert picture.pixels.dtype == np.uint8
    assert np.abs(picture.pixels.astype(int) - photo).mean() < LOSSY_ERROR
    assert picture.lost == ()


def test_deep_samples_stay_deep_and_white_is_white(photo: NDArray[np.uint8]) -> None:
    white = photo.copy()
    white[:40] = 255
    picture = read_picture(heic(white, bits=10))
    assert picture.pixels.dtype == np.uint16
    assert picture.pixels[:20].min() > 65_000
    assert np.abs(picture.pixels / 257 - white).mean() < LOSSY_ERROR


def test_transparency_is_read(photo: NDArray[np.uint8]) -> None:
    alpha = np.full(photo.shape[:2], 255, np.uint8)
    alpha[:, :100] = 0
    picture = read_picture(heic(np.dstack([photo, alpha])))
    assert picture.alpha is not None
    assert (picture.alpha[:, :90].max(), picture.alpha[:, 110:].min()) == (0, 255)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_it_is_turned_upright_and_keeps_its_metadata(photo: NDArray[np.uint8], suffix: str) -> None:
    picture = read_picture(heic(photo, exif=exif(6), xmp=XMP))
    assert picture.pixels.shape[:2] == (photo.shape[1], photo.shape[0])
    image = opened(encode_picture(picture.with_pixels(255 - picture.pixels), suffix))
    assert_described(image)
    assert image.getexif().get(274, 1) == 1


def test_a_profile_is_converted_and_kept(photo: NDArray[np.uint8]) -> None:
    profile = PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("XYZ"))
    assert profile  # a profile that is not for RGB is left aside
    from stylecli.media.images.cicp import icc_of_codes

    icc = icc_of_codes(12, 13)  # Display P3
    pillow = PIL.Image.fromarray(photo)
    file = pillow_heif.from_pillow(pillow)
    target = io.BytesIO()
    file.save(target, quality=95, icc_profile=icc)
    picture = read_picture(target.getvalue())
    assert isinstance(picture.contents, Contents)
    assert picture.contents.profile == icc
    assert picture.pixels.dtype == np.uint16


def test_all_pictures_of_a_burst_are_read(photo: NDArray[np.uint8]) -> None:
    data = heic(photo, photo[:100], photo[:50])
    pages = read_pages(data)
    assert sorted(one.pixels.shape[0] for one in pages.pictures) == [50, 100, 300]
    assert read_picture(data).lost == ("2 of 3 pages: only the first is read",)


@pytest.mark.parametrize("part", [0.1, 0.5, 0.95])
def test_a_truncated_file_is_refused(photo: NDArray[np.uint8], part: float) -> None:
    data = heic(photo)
    with pytest.raises(MediaError, match="damaged or truncated"):
        read_picture(data[: int(len(data) * part)])


def test_without_the_package_its_name_is_told(photo: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "pi_heif", None)
    with pytest.raises(MediaError, match="needs the package pi-heif"):
        read_picture(heic(photo))
