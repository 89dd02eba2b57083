from __future__ import annotations

import struct

import numpy as np
import PIL.Image
import pytest
from numpy.typing import NDArray

from stylecli.media.images.files import encode_picture, read_picture
from stylecli.media.images.metadata.jpeg import Segment, descriptive_segments
from tests.media.images.metadata.test_kept import exif, file_of, opened

IPTC = b"\x1c\x02\x05\x00\x05Title" + b"\x1c\x02\x50\x00\x03Ann"


def block(number: int, content: bytes) -> bytes:
    return b"8BIM" + struct.pack(">HHI", number, 0, len(content)) + content + bytes(len(content) % 2)


def jpeg_with(pixels: NDArray[np.uint8], *segments: Segment) -> bytes:
    plain = file_of(pixels, ".jpg")
    written = [bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content for marker, content in segments]
    return plain[:2] + b"".join(written) + plain[2:]


SAID = (
    (0xE1, b"Exif\0\0" + exif(1).removeprefix(b"Exif\0\0")),
    (0xE1, b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"),
    (0xE1, b"http://ns.adobe.com/xmp/extension/\0" + b"0" * 32 + struct.pack(">II", 100, 0) + b"more" * 25),
    (0xED, b"Photoshop 3.0\0" + block(0x0404, IPTC)),
    (0xFE, "Grüße".encode("latin-1")),
    (0xFE, b"a second comment"),
)


@pytest.mark.parametrize("is_painted", [False, True])
def test_what_a_jpeg_says_is_kept_to_the_byte(photo: NDArray[np.uint8], is_painted: bool) -> None:
    picture = read_picture(jpeg_with(photo, *SAID))
    if is_painted:
        picture = picture.with_pixels(255 - picture.pixels)
    assert descriptive_segments(encode_picture(picture, ".jpg")) == SAID


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_maker_notes_stay_where_they_are(photo: NDArray[np.uint8], orientation: int) -> None:
    source = exif(orientation)
    data = encode_picture(read_picture(jpeg_with(photo, (0xE1, source))), ".jpg")
    ((_, written),) = descriptive_segments(data)
    assert written.index(b"maker\0\1\2\3note") == source.index(b"maker\0\1\2\3note")
    assert len(written) == len(source)
    assert opened(data).getexif()[0x0112] == 1


def test_no_color_space_is_invented(photo: NDArray[np.uint8]) -> None:
    data = encode_picture(read_picture(jpeg_with(photo, (0xE1, exif()))), ".jpg")
    assert 0xA001 not in opened(data).getexif().get_ifd(0x8769)


def test_the_size_in_exif_is_that_of_the_upright_picture(photo: NDArray[np.uint8]) -> None:
    height, width = photo.shape[:2]
    source = PIL.Image.Exif()
    source[0x0112] = 6
    source.get_ifd(0x8769).update({0xA002: width, 0xA003: height})
    shot = opened(encode_picture(read_picture(file_of(photo, ".jpg", exif=source.tobytes())), ".jpg"))
    assert shot.size == (height, width)
    directory = shot.getexif().get_ifd(0x8769)
    assert (directory[0xA002], directory[0xA003]) == (height, width)


def test_the_thumbnail_of_photoshop_is_dropped(photo: NDArray[np.uint8]) -> None:
    resources = b"Photoshop 3.0\0" + block(0x0404, IPTC) + block(0x040C, b"jpeg of the old picture") + block(1, b"x")
    data = encode_picture(read_picture(jpeg_with(photo, (0xED, resources))), ".jpg")
    assert descriptive_segments(data) == ((0xED, b"Photoshop 3.0\0" + block(0x0404, IPTC) + block(1, b"x")),)


def test_iptc_goes_from_jpeg_to_tiff_and_back(photo: NDArray[np.uint8]) -> None:
    picture = read_picture(jpeg_with(photo, (0xED, b"Photoshop 3.0\0" + block(0x0404, IPTC))))
    tiff = encode_picture(picture, ".tif")
    assert bytes(opened(tiff).tag_v2[33723]).rstrip(b"\0") == IPTC  # type: ignore[attr-defined]
    segments = descriptive_segments(encode_picture(read_picture(tiff), ".jpg"))
    (content,) = [content for marker, content in segments if marker == 0xED]
    assert content == b"Photoshop 3.0\0" + block(0x0404, IPTC)


def test_a_segment_that_is_cut_off_does_not_stop_a_picture(photo: NDArray[np.uint8]) -> None:
    data = jpeg_with(photo, (0xED, b"Photoshop 3.0\0" + block(0x0404, IPTC)[:-4]), (0xE1, exif()[:20]))
    assert read_picture(encode_picture(read_picture(data), ".jpg")).pixels.shape == photo.shape
