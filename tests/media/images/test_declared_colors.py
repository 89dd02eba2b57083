from __future__ import annotations

import io
import struct

import numpy as np
import PIL.Image
import PIL.ImageCms
import pytest
from numpy.typing import NDArray

from stylecli.core.errors import MediaError
from stylecli.media.images.cicp import SRGB_CURVE, SRGB_PRIMARIES, ColorSpace, icc_of, space_of_codes
from stylecli.media.images.declared_colors import declared_colors
from stylecli.media.images.files import encode_picture, read_picture
from stylecli.media.images.profiles import is_srgb
from tests.media.images.metadata.test_png import Chunk, png_with, said

CLOSE = 600  # of 65535: converting by ICC tables rounds
P3 = (b"cICP", bytes([12, 13, 0, 1]))
# (255, 0, 0) of sRGB, as Display P3 has it; from the matrices of H.273 by hand.
RED_IN_P3 = (234, 51, 35)
LINEAR = (b"gAMA", struct.pack(">I", 100_000))
ADOBE = (b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000))


def flat(color: tuple[int, int, int]) -> NDArray[np.uint8]:
    return np.full((16, 16, 3), color, np.uint8)


@pytest.mark.parametrize(
    ("chunks", "stored", "seen"),
    [
        ([P3], RED_IN_P3, (1, 0, 0)),
        ([LINEAR], (55, 55, 55), (128 / 255, 128 / 255, 128 / 255)),
        ([(b"cICP", bytes([1, 8, 0, 1]))], (55, 55, 55), (128 / 255, 128 / 255, 128 / 255)),
        ([(b"gAMA", struct.pack(">I", 45_455)), ADOBE], (144, 255, 60), (0, 1, 0)),
    ],
)
def test_colors_told_by_numbers_are_converted(
    chunks: list[Chunk], stored: tuple[int, int, int], seen: tuple[float, float, float]
) -> None:
    pixels = read_picture(png_with(flat(stored), *chunks)).pixels[0, 0].astype(int)
    assert np.abs(pixels - np.array(seen) * 65535).max() < (CLOSE if chunks != [LINEAR] else 1000) * 3


@pytest.mark.parametrize("chunks", [[P3], [LINEAR], [(b"gAMA", struct.pack(">I", 45_455)), ADOBE]])
@pytest.mark.parametrize("is_painted", [False, True])
def test_another_png_tells_the_colors_the_same_way(chunks: list[Chunk], is_painted: bool) -> None:
    stored = flat((120, 130, 90))
    picture = read_picture(png_with(stored, *chunks))
    if is_painted:
        picture = picture.with_pixels(picture.pixels.copy())
    data = encode_picture(picture, ".png")
    assert said(data)[: len(chunks)] == chunks
    assert b"iCCP" not in [kind for kind, _ in said(data)]
    assert np.abs(np.asarray(PIL.Image.open(io.BytesIO(data))).astype(int) - stored).max() <= 1


@pytest.mark.parametrize("suffix", [".jpg", ".tif", ".webp", ".avif"])
def test_other_formats_get_a_profile_of_the_same_colors(suffix: str) -> None:
    picture = read_picture(png_with(flat(RED_IN_P3), P3))
    image = PIL.Image.open(io.BytesIO(encode_picture(picture, suffix)))
    profile = PIL.ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
    converted = PIL.ImageCms.profileToProfile(image, profile, PIL.ImageCms.createProfile("sRGB"))
    assert converted is not None
    assert np.abs(np.asarray(converted)[8, 8].astype(int) - (255, 0, 0)).max() <= 6


@pytest.mark.parametrize(
    "chunks",
    [
        [(b"cICP", bytes([1, 13, 0, 1]))],
        [(b"gAMA", struct.pack(">I", 45_455))],
        [(b"sRGB", b"\0"), LINEAR],
        [(b"cICP", bytes([2, 2, 0, 1]))],
        [(b"gAMA", bytes(4))],
        [(b"cHRM", bytes(32))],
    ],
)
def test_what_tells_srgb_or_nothing_is_not_converted(chunks: list[Chunk]) -> None:
    assert read_picture(png_with(flat((1, 2, 3)), *chunks)).pixels.dtype == np.uint8


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_high_range_is_refused(transfer: int, name: str) -> None:
    with pytest.raises(MediaError, match=name):
        read_picture(png_with(flat((1, 2, 3)), (b"cICP", bytes([9, transfer, 0, 1]))))


def test_nclx_of_avif_is_read() -> None:
    file = io.BytesIO()
    PIL.Image.fromarray(flat(RED_IN_P3)).save(file, "AVIF", quality=100)
    data = file.getvalue()
    at = data.index(b"colrnclx") + 8
    as_p3 = data[:at] + struct.pack(">HH", 12, 13) + data[at + 4 :]
    assert np.abs(read_picture(as_p3).pixels[8, 8].astype(int) - (65535, 0, 0)).max() < 6 * 257
    with pytest.raises(MediaError, match="HLG"):
        read_picture(data[:at] + struct.pack(">HH", 9, 18) + data[at + 4 :])


def test_the_profile_of_srgb_is_srgb() -> None:
    assert is_srgb(icc_of(ColorSpace(SRGB_PRIMARIES, SRGB_CURVE)))
    assert space_of_codes(1, 13) is None


def test_a_file_of_another_kind_tells_nothing() -> None:
    assert declared_colors(b"\xff\xd8\xff") == declared_colors(b"") == declared_colors(b"\0\0\0\x1cftypavif")
