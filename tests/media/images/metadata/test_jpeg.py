from __future__ import annotations

import hashlib
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


DESCRIPTION = b'<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" dc:title="a title"/>'
RDF = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">%s</rdf:RDF>'
)


def with_extended_xmp(photo: NDArray[np.uint8], *, is_whole: bool = True) -> bytes:
    """Give a JPEG whose XMP is in three parts: the main packet, and an extension in two segments in wrong order."""
    extension = RDF % (DESCRIPTION + b" " * 100) + b"</x:xmpmeta>"
    name = hashlib.md5(extension, usedforsecurity=False).hexdigest().upper().encode()
    note = b'<rdf:Description xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="%s"/>' % name
    parts = [(0, extension[:90]), (90, extension[90:])] if is_whole else [(0, extension[:90])]
    segments = [
        (0xE1, b"http://ns.adobe.com/xmp/extension/\0" + name + struct.pack(">II", len(extension), at) + part)
        for at, part in reversed(parts)
    ]
    main = (0xE1, b"http://ns.adobe.com/xap/1.0/\0" + RDF % note + b"</x:xmpmeta>")
    return jpeg_with(photo, main, *segments)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
def test_extended_xmp_is_part_of_the_packet_in_other_formats(photo: NDArray[np.uint8], suffix: str) -> None:
    lost: list[str] = []
    picture = read_picture(with_extended_xmp(photo))
    packet = packet_of(encode_picture(picture, suffix, notice=lost.append))
    assert b'dc:title="a title"' in packet
    assert b"HasExtendedXMP" not in packet
    assert lost == []


def test_extended_xmp_that_is_damaged_is_told(photo: NDArray[np.uint8]) -> None:
    lost: list[str] = []
    packet = packet_of(
        encode_picture(read_picture(with_extended_xmp(photo, is_whole=False)), ".png", notice=lost.append)
    )
    assert b"xmpNote" in packet
    assert lost == ["extended XMP, which is damaged: only the main packet is kept"]


def packet_of(file: bytes) -> bytes:
    """Give the XMP packet of a file, as Pillow reads it."""
    info = opened(file).info
    packet = info.get("xmp") or info["XML:com.adobe.xmp"].encode()
    return bytes(packet)
