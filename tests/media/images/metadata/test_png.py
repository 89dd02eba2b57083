from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from numpy.typing import NDArray

from stylecli.media.images.files import encode_picture, picture_from_pixels, read_picture
from stylecli.media.images.metadata.png import Chunk, chunks_of
from tests.media.images.metadata.test_kept import XMP, exif, opened

START = 8 + 12 + 13  # signature and IHDR
TEXTS = (
    (b"tEXt", b"Creation Time\0002024-05-06"),
    (b"tEXt", "Author\0Jörg".encode("latin-1")),
    (b"iTXt", b"Title\0\0\0de\0Titel\0" + "Schöne Welle 葛飾北斎".encode()),
    (b"zTXt", b"big\0\0" + zlib.compress(b"x" * 5000)),
    (b"tEXt", b"Raw profile type iptc\0\niptc\n       2\n1c02\n"),
    (b"tEXt", b"Raw profile type 8bim\0\n8bim\n       2\n3842\n"),
    (b"tIME", struct.pack(">H5B", 2020, 1, 2, 3, 4, 5)),
    (b"pHYs", struct.pack(">IIB", 11811, 11811, 1)),
)


def png_with(pixels: NDArray[np.uint8], *chunks: Chunk, behind: bool = False) -> bytes:
    plain = encode_picture(picture_from_pixels(pixels), ".png")
    body = [chunk for chunk in chunks_of(plain) if chunk[0] in (b"PLTE", b"IDAT")]
    order = [*body, *chunks] if behind else [*chunks, *body]
    written = [
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in [*order, (b"IEND", b"")]
    ]
    return plain[:START] + b"".join(written)


def said(png: bytes) -> list[Chunk]:
    return [chunk for chunk in chunks_of(png) if chunk[0] not in (b"IHDR", b"PLTE", b"IDAT", b"IEND")]


@pytest.mark.parametrize("behind", [False, True])
@pytest.mark.parametrize("is_painted", [False, True])
def test_all_texts_are_kept_to_the_byte(photo: NDArray[np.uint8], behind: bool, is_painted: bool) -> None:
    picture = read_picture(png_with(photo, *TEXTS, behind=behind))
    if is_painted:
        picture = picture.with_pixels(255 - picture.pixels)
    assert said(encode_picture(picture, ".png")) == [*TEXTS]


@pytest.mark.parametrize("behind", [False, True])
def test_orientation_is_applied_wherever_exif_stands(photo: NDArray[np.uint8], behind: bool) -> None:
    block = exif(6).removeprefix(b"Exif\0\0")
    picture = read_picture(png_with(photo, (b"eXIf", block), behind=behind))
    np.testing.assert_array_equal(picture.pixels, np.rot90(photo, 3))
    assert opened(encode_picture(picture, ".png")).getexif()[0x0112] == 1
    assert opened(encode_picture(picture, ".jpg")).getexif()[0x010F] == "Acme"


@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt"])
def test_exif_in_the_form_of_imagemagick_is_read(photo: NDArray[np.uint8], kind: bytes) -> None:
    block = exif(8)
    text = b"\nexif\n%8d\n" % len(block) + block.hex().encode() + b"\n"
    content = b"Raw profile type exif\0" + (text if kind == b"tEXt" else b"\0" + zlib.compress(text))
    picture = read_picture(png_with(photo, (kind, content)))
    np.testing.assert_array_equal(picture.pixels, np.rot90(photo, 1))
    assert [kind for kind, _ in said(encode_picture(picture, ".png"))] == [b"eXIf"]


def test_exif_larger_than_a_jpeg_can_hold_is_kept(photo: NDArray[np.uint8]) -> None:
    block = exif(1, make="y" * 100_000).removeprefix(b"Exif\0\0")
    assert (b"eXIf", block) in said(encode_picture(read_picture(png_with(photo, (b"eXIf", block))), ".png"))


def test_xmp_behind_the_pixels_is_read(photo: NDArray[np.uint8]) -> None:
    chunk = (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP)
    data = encode_picture(read_picture(png_with(photo, chunk, behind=True)), ".jpg")
    assert b"Acme" in opened(data).info["xmp"]


def test_a_chunk_that_is_cut_off_does_not_stop_a_picture(photo: NDArray[np.uint8]) -> None:
    data = png_with(photo, (b"tEXt", b"Author\0Ann"), behind=True)
    np.testing.assert_array_equal(read_picture(data[: data.index(b"Ann") + 1]).pixels, photo)


def test_a_chunk_that_may_be_copied_is_kept(photo: NDArray[np.uint8]) -> None:
    own = (b"oFFs", struct.pack(">iiB", 5, 6, 0)), (b"prVt", b"whatever")
    picture = read_picture(png_with(photo, *own))
    assert said(encode_picture(picture.with_pixels(255 - picture.pixels), ".png")) == [*own]


def test_a_chunk_that_depends_on_the_samples_is_dropped(photo: NDArray[np.uint8]) -> None:
    picture = read_picture(png_with(photo, (b"prVT", b"whatever")))
    assert said(encode_picture(picture.with_pixels(255 - picture.pixels), ".png")) == []
