from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray

from stylecli.media.images.files import Picture, encode_picture, picture_from_pixels, read_picture
from tests.support.picture_files import file_of, repainted, samples_of

# Display P3 to sRGB, linear light: the product of the matrices in SMPTE EG 432-1 and IEC 61966-2-1.
P3_TO_SRGB = np.array([[1.2249, -0.2247, 0.0], [-0.0420, 1.0419, 0.0], [-0.0197, -0.0786, 1.0979]])
ROUNDING = 1.0  # of 255: the matrix has four decimals, the profile's curve is a table

SRGB, P3, CMYK = (pyvips.Operation.call("profile_load", name) for name in ("srgb", "p3", "cmyk"))


@pytest.fixture(scope="module")
def muted() -> NDArray[np.uint8]:
    """Give 8-bit colours that are in sRGB's gamut whether they are taken as sRGB or as Display P3."""
    return np.random.default_rng(3).integers(90, 160, (40, 50, 3), np.uint8)


@pytest.fixture(scope="module")
def ramp() -> NDArray[np.uint16]:
    """Give a 16-bit grey gradient with 4,096 levels, (64, 64, 3)."""
    return np.repeat(np.linspace(0, 65_535, 4096).astype(np.uint16).reshape(64, 64, 1), 3, axis=2)


def profile_in(file: bytes) -> bytes | None:
    image = pyvips.Image.new_from_buffer(file, "")
    return image.get("icc-profile-data") if "icc-profile-data" in image.get_fields() else None


def srgb_of_p3(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    encoded = pixels / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4) @ P3_TO_SRGB.T
    return 255 * np.where(linear <= 0.0031308, linear * 12.92, 1.055 * np.clip(linear, 0, None) ** (1 / 2.4) - 0.055)


# ---- profiles


def test_pixels_are_converted_from_the_profile_to_srgb(muted: NDArray[np.uint8]) -> None:
    pixels = read_picture(file_of(muted, profile=P3)).pixels / 257
    assert np.abs(pixels - srgb_of_p3(muted)).max() < ROUNDING
    assert np.abs(pixels - muted).max() > 5 * ROUNDING


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_replaced_pixels_are_written_in_the_profile_of_the_source(
    muted: NDArray[np.uint8], suffix: str, dtype: type[np.unsignedinteger[Any]]
) -> None:
    samples = muted.astype(dtype) * dtype(np.iinfo(dtype).max // 255)
    written = encode_picture(repainted(read_picture(file_of(samples, profile=P3))), suffix)
    assert profile_in(written) == P3
    assert samples_of(written).dtype == dtype
    # One step of 8 bits. Of 16 bits, a quarter of that: so exactly is a profile's curve inverted.
    assert np.abs(samples_of(written).astype(int) - samples).max() <= (1 if dtype is np.uint8 else 64)


def test_an_8_bit_wide_gamut_gradient_gets_no_bands() -> None:
    gradient = np.repeat(np.arange(256, dtype=np.uint8).reshape(1, 256, 1), 3, axis=2)
    picture = read_picture(file_of(gradient, profile=P3))
    assert picture.pixels.dtype == np.uint16
    np.testing.assert_array_equal(samples_of(encode_picture(repainted(picture), ".png")), gradient)


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".avif"])
def test_lossy_formats_embed_the_profile_too(photo: NDArray[np.uint8], suffix: str) -> None:
    written = encode_picture(repainted(read_picture(file_of(photo, profile=P3))), suffix)
    assert profile_in(written) == P3
    assert np.abs(samples_of(written).astype(int) - photo).mean() < 8


def test_an_srgb_profile_changes_nothing_and_is_kept(photo: NDArray[np.uint8]) -> None:
    picture = read_picture(file_of(photo, profile=SRGB))
    np.testing.assert_array_equal(picture.pixels, photo)
    assert profile_in(encode_picture(repainted(picture), ".png")) == SRGB


USELESS = {
    "of other colours": CMYK,
    "cut": P3[:300],
    "nonsense": b"nonsense" * 40,
    "empty": b"",
    "with a curve for a table": P3.replace(b"rTRC", b"A2B0", 1),
}


@pytest.mark.parametrize("profile", USELESS.values(), ids=USELESS)
def test_a_useless_profile_is_ignored(photo: NDArray[np.uint8], profile: bytes) -> None:
    picture = read_picture(file_of(photo, ".tif", profile=profile))
    np.testing.assert_array_equal(picture.pixels, photo)
    assert profile_in(encode_picture(repainted(picture), ".tif")) is None


@pytest.mark.parametrize("target", [".png", ".jpg"])
def test_padding_behind_a_profile_is_cut(photo: NDArray[np.uint8], target: str) -> None:
    picture = read_picture(file_of(photo, ".jpg", profile=P3 + bytes(100_000)))
    assert profile_in(encode_picture(repainted(picture), target)) == P3


def test_a_profile_that_only_leads_out_of_its_space_is_replaced_by_srgb(muted: NDArray[np.uint8]) -> None:
    picture = read_picture(file_of(muted, profile=scanner_profile()))
    assert np.abs(picture.pixels / 257 - muted).max() > 20
    assert profile_in(encode_picture(picture, ".png")) == scanner_profile()
    written = encode_picture(repainted(picture), ".png")
    assert profile_in(written) is None
    np.testing.assert_array_equal(samples_of(written), np.rint(picture.pixels / 257))


def scanner_profile() -> bytes:
    """Give an RGB profile with a table from the device to Lab and none back (ICC.1:2022, 7.2, 7.3 and 10.11)."""
    curves = np.tile(np.arange(256, dtype=np.uint8), 3).tobytes()
    corners = np.array([[95 * (r + g + b), 128 + 60 * (r - g), 128 + 60 * (g - b)] for r, g, b in np.ndindex(2, 2, 2)])
    identity = (np.eye(3) * 65_536).astype(">i4").tobytes()
    table = b"mft1\0\0\0\0\3\3\2\0" + identity + curves + np.clip(corners, 0, 255).astype(np.uint8).tobytes() + curves
    tags = struct.pack(">I4sII", 1, b"A2B0", 144, len(table))
    head = struct.pack(">I4sI4s4s4s12x4s88x", 144 + len(table), b"    ", 0x02400000, b"scnr", b"RGB ", b"Lab ", b"acsp")
    return head + tags + table


@pytest.mark.parametrize("tag", [b"rXYZ", b"rTRC"])
def test_a_profile_without_a_needed_part_is_ignored(photo: NDArray[np.uint8], tag: bytes) -> None:
    assert tag in P3
    np.testing.assert_array_equal(read_picture(file_of(photo, profile=P3.replace(tag, b"????"))).pixels, photo)


def test_without_a_profile_none_is_written(photo: NDArray[np.uint8]) -> None:
    assert profile_in(encode_picture(read_picture(file_of(photo)), ".png")) is None


# ---- samples that were not replaced


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_samples_that_were_not_replaced_come_back_identical(
    dtype: type[np.unsignedinteger[Any]], channels: int, suffix: str
) -> None:
    samples = np.random.default_rng(5).integers(0, np.iinfo(dtype).max, (30, 41, channels), dtype, endpoint=True)
    samples[:10, :, 3:] = 0  # garbage under transparency
    written = encode_picture(read_picture(file_of(samples, profile=P3)), suffix)
    np.testing.assert_array_equal(samples_of(written), samples)
    assert profile_in(written) == P3


@pytest.mark.parametrize("space", ["b-w", "grey16"])
def test_grey_that_was_not_replaced_stays_grey(space: str, ramp: NDArray[np.uint16]) -> None:
    grey = np.ascontiguousarray(ramp[..., 0] if space == "grey16" else (ramp[..., 0] >> 8).astype(np.uint8))
    np.testing.assert_array_equal(samples_of(encode_picture(read_picture(file_of(grey, space=space)), ".png")), grey)


def test_ink_that_was_not_replaced_stays_ink() -> None:
    ink = np.random.default_rng(6).integers(0, 256, (20, 30, 4), np.uint8)
    picture = read_picture(file_of(ink, ".tif", space="cmyk", profile=CMYK))
    written = encode_picture(picture, ".tif")
    np.testing.assert_array_equal(samples_of(written), ink)
    assert profile_in(written) == CMYK


# ---- kinds of colour


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
def test_grey_is_read_as_rgb(photo: NDArray[np.uint8], suffix: str) -> None:
    grey = np.ascontiguousarray(photo[..., 1])
    picture = read_picture(file_of(grey, suffix, space="b-w"))
    assert picture.pixels.shape == photo.shape
    assert np.abs(picture.pixels.astype(int) - grey[..., None]).mean() < 3
    colored = picture.pixels.copy()
    colored[..., 2] = 0
    assert samples_of(encode_picture(picture.with_pixels(colored), ".png"))[..., 2].max() == 0


def test_16_bit_grey_is_read_as_16_bit_rgb(ramp: NDArray[np.uint16]) -> None:
    grey = np.ascontiguousarray(ramp[..., 0])
    np.testing.assert_array_equal(read_picture(file_of(grey, space="grey16")).pixels, ramp)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_grey_with_alpha_is_read(dtype: type[np.unsignedinteger[Any]]) -> None:
    samples = np.full((6, 7, 2), np.iinfo(dtype).max, dtype)
    samples[..., 0] //= 3
    picture = read_picture(file_of(samples, space="b-w" if dtype is np.uint8 else "grey16"))
    np.testing.assert_array_equal(picture.pixels, np.repeat(samples[..., :1], 3, axis=2))
    assert picture.alpha is not None
    np.testing.assert_array_equal(picture.alpha, samples[..., 1])


def test_a_palette_is_read(photo: NDArray[np.uint8]) -> None:
    image = pyvips.Image.new_from_array(photo, interpretation="srgb")
    pixels = read_picture(image.pngsave_buffer(palette=True)).pixels
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) <= 256
    assert np.abs(pixels.astype(int) - photo).mean() < 8


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_one_bit_is_read(suffix: str) -> None:
    board = np.ascontiguousarray(np.kron(np.indices((4, 5)).sum(0) % 2, np.ones((3, 3))) * 255).astype(np.uint8)
    pixels = read_picture(file_of(board, f"{suffix}[bitdepth=1]", space="b-w")).pixels
    np.testing.assert_array_equal(pixels, np.repeat(board[..., None], 3, axis=2))


@pytest.mark.parametrize("profile", [CMYK, None], ids=["with profile", "without"])
@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_ink_is_read_as_srgb(suffix: str, profile: bytes | None) -> None:
    ink = np.zeros((16, 16, 4), np.uint8)  # paper
    ink[:8, :, 0] = 255  # cyan
    pixels = read_picture(file_of(ink, suffix, space="cmyk", profile=profile)).pixels / 257
    assert pixels[12:].min() > 240
    red, green, blue = pixels[:6].mean((0, 1))
    assert red < 60 < green < blue


def test_ink_with_transparency_becomes_white_paper_in_a_format_without() -> None:
    ink = np.zeros((16, 16, 5), np.uint8)
    ink[..., 3] = 255  # black, wholly transparent
    picture = read_picture(file_of(ink, ".tif", space="cmyk"))
    assert picture.alpha is not None
    assert read_picture(encode_picture(picture, ".jpg")).pixels.min() > 250


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp", ".avif"])
def test_ink_that_was_replaced_is_written_as_srgb(suffix: str) -> None:
    picture = read_picture(file_of(np.zeros((16, 16, 4), np.uint8), ".tif", space="cmyk", profile=CMYK))
    written = encode_picture(repainted(picture), suffix)
    assert samples_of(written).shape == (16, 16, 3)
    assert samples_of(written).dtype == np.uint8
    assert profile_in(written) is None


# ---- depth


@pytest.mark.parametrize("suffix", [".png", ".tif", ".avif"])
@pytest.mark.parametrize("profile", [None, P3], ids=["sRGB", "P3"])
def test_a_16_bit_gradient_keeps_a_thousand_levels(
    ramp: NDArray[np.uint16], suffix: str, profile: bytes | None
) -> None:
    picture = repainted(read_picture(file_of(ramp, profile=profile)))
    pixels = read_picture(encode_picture(picture, suffix)).pixels
    assert len(np.unique(pixels[..., 1])) >= 1000


@pytest.mark.parametrize("suffix", [".png", ".tif", ".avif"])
def test_16_bit_white_stays_white(suffix: str) -> None:
    white = np.full((16, 16, 3), 65_535, np.uint16)
    assert (read_picture(encode_picture(picture_from_pixels(white), suffix, quality=100)).pixels == 65_535).all()


@pytest.mark.parametrize("suffix", [".jpg", ".webp"])
def test_where_a_format_has_8_bits_16_are_rounded(suffix: str) -> None:
    nearly = np.full((16, 16, 3), 200 * 257 - 100, np.uint16)
    pixels = read_picture(encode_picture(picture_from_pixels(nearly), suffix, quality=100)).pixels
    assert pixels.dtype == np.uint8
    assert np.abs(pixels.astype(int) - 200).max() <= 1


def test_rounding_is_to_nearest() -> None:
    every = np.arange(65_536, dtype=np.uint16).reshape(256, 256)
    alpha = encode_picture(Picture(np.zeros((256, 256, 3), np.uint8), every), ".png")
    np.testing.assert_array_equal(samples_of(alpha)[..., 3], np.rint(every / 257))


def test_float_is_written_with_16_bits(ramp: NDArray[np.uint16]) -> None:
    written = encode_picture(picture_from_pixels((ramp / 65_535).astype(np.float32)), ".png")
    np.testing.assert_array_equal(samples_of(written), ramp)
