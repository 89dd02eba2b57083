from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageOps
import PIL.PngImagePlugin
import pytest
import pyvips
from numpy.typing import NDArray
from PIL.ExifTags import IFD, Base

from stylecli.media.images.files import encode_picture, picture_from_pixels, read_picture
from stylecli.media.images.picture import resized

# Pillow writes and reads the files here: another library than the one under test.

WRITTEN = [".jpg", ".png", ".tif", ".webp", ".avif"]
PILLOW_NAMES = {".jpg": "JPEG", ".png": "PNG", ".tif": "TIFF", ".webp": "WEBP", ".avif": "AVIF"}
GPS_LATITUDE = 2
XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6" tiff:Make="Acme"/>
</rdf:RDF></x:xmpmeta>"""


def exif(orientation: int = 1, *, make: str = "Acme") -> bytes:
    block = PIL.Image.Exif()
    block[Base.Make] = make
    block[Base.Copyright] = "(c) Ada"
    block[Base.Orientation] = orientation
    shot = block.get_ifd(IFD.Exif)
    shot[Base.DateTimeOriginal] = "2020:01:02 03:04:05"
    shot[Base.ISOSpeedRatings] = 400
    shot[Base.MakerNote] = b"maker\0\1\2\3note"
    block.get_ifd(IFD.GPSInfo)[GPS_LATITUDE] = (48.0, 51.0, 29.5)
    return block.tobytes()


def file_of(pixels: NDArray[np.uint8], suffix: str, **options: Any) -> bytes:
    file = io.BytesIO()
    PIL.Image.fromarray(pixels).save(file, PILLOW_NAMES[suffix], **options)
    return file.getvalue()


def opened(file: bytes) -> PIL.Image.Image:
    return PIL.Image.open(io.BytesIO(file))


def restyled(file: bytes, suffix: str) -> PIL.Image.Image:
    """Give the picture with its pixels replaced, in a file of a format, as Pillow opens it."""
    picture = read_picture(file)
    return opened(encode_picture(picture.with_pixels(255 - picture.pixels), suffix))


def assert_described(image: PIL.Image.Image) -> None:
    block = image.getexif()
    assert block[Base.Make] == "Acme"
    assert block[Base.Copyright] == "(c) Ada"
    shot = block.get_ifd(IFD.Exif)
    assert shot[Base.DateTimeOriginal] == "2020:01:02 03:04:05"
    assert shot[Base.ISOSpeedRatings] == 400
    assert shot[Base.MakerNote] == b"maker\0\1\2\3note"
    assert tuple(map(float, block.get_ifd(IFD.GPSInfo)[GPS_LATITUDE])) == (48.0, 51.0, 29.5)


# ---- EXIF, XMP, dots per inch


@pytest.mark.parametrize("target", WRITTEN)
@pytest.mark.parametrize("source", WRITTEN)
def test_exif_goes_from_any_format_to_any(photo: NDArray[np.uint8], source: str, target: str) -> None:
    file = file_of(photo, source, exif=exif())
    assert_described(opened(file))  # or the test would prove nothing
    assert_described(restyled(file, target))


@pytest.mark.parametrize("target", WRITTEN)
def test_a_picture_without_exif_gets_none(photo: NDArray[np.uint8], target: str) -> None:
    assert "exif" not in opened(encode_picture(picture_from_pixels(photo), target)).info
    assert "exif" not in restyled(file_of(photo, ".jpg"), target).info


@pytest.mark.parametrize("target", WRITTEN)
def test_text_beyond_ascii_is_kept(photo: NDArray[np.uint8], target: str) -> None:
    name = "Åsa Þórsdóttir"
    placeholder = "x" * len(name.encode())
    file = file_of(photo, ".jpg", exif=exif(make=placeholder)).replace(placeholder.encode(), name.encode())
    assert name.encode() in encode_picture(read_picture(file), target)


@pytest.mark.parametrize("target", WRITTEN)
@pytest.mark.parametrize("source", [".jpg", ".png", ".webp", ".avif"])
def test_xmp_goes_from_any_format_to_any(photo: NDArray[np.uint8], source: str, target: str) -> None:
    if source == ".png":
        info = PIL.PngImagePlugin.PngInfo()
        info.add_itxt("XML:com.adobe.xmp", XMP.decode())
        file = file_of(photo, source, pnginfo=info)
    else:
        file = file_of(photo, source, xmp=XMP)
    info = restyled(file, target).info
    assert 'tiff:Make="Acme"' in str(info.get("xmp") or info["XML:com.adobe.xmp"])


@pytest.mark.parametrize("target", [".jpg", ".png", ".tif"])
@pytest.mark.parametrize("source", [".jpg", ".png", ".tif"])
def test_dots_per_inch_go_from_any_format_to_any(photo: NDArray[np.uint8], source: str, target: str) -> None:
    dpi = restyled(file_of(photo, source, dpi=(300, 300)), target).info["dpi"]
    assert dpi == pytest.approx((300, 300), abs=0.1)  # PNG counts whole dots per metre


def test_a_tiff_of_unknown_density_gets_the_usual_one(photo: NDArray[np.uint8]) -> None:
    dpi = opened(encode_picture(picture_from_pixels(photo), ".tif")).info["dpi"]  # it must tell one
    assert dpi == pytest.approx((72, 72), abs=0.1)


@pytest.mark.parametrize("target", [".jpg", ".png"])
def test_no_density_is_made_up(photo: NDArray[np.uint8], target: str) -> None:
    assert "dpi" not in opened(encode_picture(picture_from_pixels(photo), target)).info
    assert "dpi" not in restyled(file_of(photo, target), target).info


@pytest.mark.parametrize("target", [".jpg", ".png", ".webp", ".avif"])
@pytest.mark.parametrize("source", [".jpg", ".png"])
def test_exif_goes_to_another_format_byte_for_byte(photo: NDArray[np.uint8], source: str, target: str) -> None:
    """Maker notes hold offsets into the block, which a block written anew would break."""
    block = opened(file_of(photo, source, exif=exif())).info["exif"].removeprefix(b"Exif\0\0")
    assert restyled(file_of(photo, source, exif=exif()), target).info["exif"].removeprefix(b"Exif\0\0") == block


@pytest.mark.parametrize("target", [".jpg", ".png", ".webp", ".avif"])
def test_exif_tells_the_size_of_a_resized_picture(photo: NDArray[np.uint8], target: str) -> None:
    block = PIL.Image.Exif()
    block[Base.ImageWidth], block[Base.ImageLength] = 451, 300
    shot = block.get_ifd(IFD.Exif)
    shot[Base.ExifImageWidth], shot[Base.ExifImageHeight] = 451, 300
    smaller = resized(read_picture(file_of(photo, ".jpg", exif=block.tobytes())), 100, 150)
    told = opened(encode_picture(smaller, target)).getexif()
    assert (told[Base.ImageWidth], told[Base.ImageLength]) == (150, 100)
    shown = told.get_ifd(IFD.Exif)
    assert (shown[Base.ExifImageWidth], shown[Base.ExifImageHeight]) == (150, 100)


@pytest.mark.parametrize("target", [".jpg", ".png", ".webp", ".avif", ".tif"])
def test_xmp_tells_the_size_of_a_resized_picture(photo: NDArray[np.uint8], target: str) -> None:
    packet = XMP.replace(b"tiff:Make", b'exif:PixelXDimension="451" exif:PixelYDimension="300" tiff:Make')
    smaller = resized(read_picture(file_of(photo, ".jpg", xmp=packet)), 100, 150)
    info = opened(encode_picture(smaller, target)).info
    told = str(info.get("xmp") or info["XML:com.adobe.xmp"])
    assert 'exif:PixelXDimension="150" exif:PixelYDimension="100"' in told


# ---- orientation


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_as_pillow_does(photo: NDArray[np.uint8], orientation: int) -> None:
    file = file_of(photo, ".png", exif=exif(orientation))
    expected = PIL.ImageOps.exif_transpose(opened(file))
    np.testing.assert_array_equal(read_picture(file).pixels, np.asarray(expected))


@pytest.mark.parametrize("target", WRITTEN)
@pytest.mark.parametrize("source", [".jpg", ".png", ".tif", ".webp"])
def test_orientation_is_reset(photo: NDArray[np.uint8], source: str, target: str) -> None:
    turned = {"tiffinfo": {Base.Orientation: 6}} if source == ".tif" else {"exif": exif(6)}
    result = restyled(file_of(photo, source, **turned), target)
    assert result.size == (300, 451)
    assert result.getexif().get(Base.Orientation, 1) == 1


def test_orientation_of_avif_is_applied_once(photo: NDArray[np.uint8]) -> None:
    pixels = read_picture(file_of(photo, ".avif", exif=exif(6), quality=95)).pixels
    assert pixels.shape == (451, 300, 3)
    assert np.abs(pixels.astype(int) - np.rot90(photo, -1)).mean() < 5


def test_orientation_in_xmp_is_reset(photo: NDArray[np.uint8]) -> None:
    written = encode_picture(read_picture(file_of(photo, ".jpg", xmp=XMP, exif=exif(6))), ".jpg")
    assert b'tiff:Orientation="1"' in written
    assert b'tiff:Orientation="6"' not in written


def exif_with_thumbnail(thumbnail: bytes) -> bytes:
    """Give EXIF with a first directory that only turns the picture, and a second one with its thumbnail."""
    first = struct.pack("<HHHIII", 1, Base.Orientation, 3, 1, 6, 26)
    tags = [(Base.Compression, 3, 6), (Base.JpegIFOffset, 4, 68), (Base.JpegIFByteCount, 4, len(thumbnail))]
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    return b"Exif\0\0II*\0\x08\0\0\0" + first + struct.pack("<H", 3) + entries + bytes(4) + thumbnail


@pytest.mark.parametrize("target", WRITTEN)
def test_the_thumbnail_is_dropped(photo: NDArray[np.uint8], target: str) -> None:
    thumbnail = file_of(np.ascontiguousarray(photo[::8, ::8]), ".jpg")
    file = file_of(photo, ".jpg", exif=exif_with_thumbnail(thumbnail))
    assert pyvips.Image.new_from_buffer(file, "").get("jpeg-thumbnail-data") == thumbnail
    picture = read_picture(file)
    assert picture.pixels.shape == (451, 300, 3)
    assert thumbnail not in encode_picture(picture, target)


# ---- damage


def test_a_tiff_whose_directory_points_to_itself_is_read(photo: NDArray[np.uint8]) -> None:
    tiff = bytearray(file_of(photo, ".tif", exif=exif()))
    start = int.from_bytes(tiff[4:8], "little")
    place = tiff.index(b"\x69\x87\4\0\1\0\0\0", start) + 8  # the Exif directory is said to be the first one
    tiff[place : place + 4] = tiff[4:8]
    assert opened(encode_picture(read_picture(bytes(tiff)), ".jpg")).getexif()[Base.Make] == "Acme"


def test_a_tiff_with_damaged_exif_is_read(photo: NDArray[np.uint8]) -> None:
    tiff = bytearray(file_of(photo, ".tif", exif=exif()))
    place = tiff.index(b"\x69\x87\4\0\1\0\0\0") + 8
    tiff[place : place + 4] = b"\xff\xff\xff\x7f"
    np.testing.assert_array_equal(read_picture(bytes(tiff)).pixels, photo)


def test_damaged_exif_does_not_stop_a_picture(photo: NDArray[np.uint8]) -> None:
    block = bytearray(exif())
    block[len(block) // 2 :] = b"\xff" * (len(block) - len(block) // 2)
    picture = read_picture(file_of(photo, ".png", exif=bytes(block)))
    for target in WRITTEN:
        assert read_picture(encode_picture(picture, target)).pixels.shape == photo.shape
