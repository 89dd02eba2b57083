"""What is not painted is bit-identical, for every profile, depth and kind of file."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import pyvips
import tifffile
from numpy.typing import NDArray

from stylecli.inference.engine import Engine
from stylecli.media.images.cicp import icc_of, space_of_codes
from stylecli.media.images.files import encode_picture, picture_from_pixels, read_picture
from stylecli.packs.pack import open_pack
from stylecli.stylize.look import Look
from stylecli.stylize.pictures.pages import stylize_picture

HEIGHT, WIDTH = 32, 40
HALF = np.zeros((HEIGHT, WIDTH), np.float32)
HALF[:, WIDTH // 2 :] = 1
LEFT = slice(0, WIDTH // 2)


def noise(dtype: Any, bands: int = 3) -> NDArray[Any]:
    top = np.iinfo(dtype).max
    pixels = np.random.default_rng(5).integers(0, top + 1, (HEIGHT, WIDTH, bands)).astype(dtype)
    pixels[:4, :, 0], pixels[:4, :, 1:3] = top, 0  # the strongest red of the space
    return pixels


def tiff(pixels: NDArray[Any], interpretation: str, codes: tuple[int, int] | None) -> bytes:
    image = pyvips.Image.new_from_array(pixels, interpretation=interpretation)
    space = space_of_codes(*codes) if codes else None
    if space:
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", icc_of(space))
    written: bytes = image.tiffsave_buffer()
    return written


@pytest.fixture
def engine(tiny_style: Path) -> Engine:
    return Engine(open_pack(tiny_style), device="cpu")


@pytest.mark.parametrize("codes", [None, (12, 13), (9, 1), (1, 4)])
@pytest.mark.parametrize(("dtype", "name"), [(np.uint8, "srgb"), (np.uint16, "rgb16")])
@pytest.mark.parametrize("bands", [3, 4])
def test_behind_a_mask_nothing_changes(
    engine: Engine, codes: tuple[int, int] | None, dtype: Any, name: str, bands: int
) -> None:
    pixels = noise(dtype, bands)
    if bands == 4:
        pixels[8:16, ..., 3] = 0
    picture = stylize_picture(read_picture(tiff(pixels, name, codes)), engine, Look(mask=HALF))
    written = tifffile.imread(io.BytesIO(encode_picture(picture, ".tif")))
    np.testing.assert_array_equal(written[:, LEFT], pixels[:, LEFT])
    assert (written[:, WIDTH // 2 :, :3] != pixels[:, WIDTH // 2 :, :3]).any()


def test_behind_a_black_mask_cmyk_stays_cmyk(engine: Engine) -> None:
    pixels = noise(np.uint8, 4)
    picture = read_picture(tiff(pixels, "cmyk", None))
    painted = stylize_picture(picture, engine, Look(mask=np.zeros((2, 2), np.float32)))
    np.testing.assert_array_equal(tifffile.imread(io.BytesIO(encode_picture(painted, ".tif"))), pixels)


@pytest.mark.parametrize("strength", [0.02, 0.1])
def test_a_little_strength_changes_a_wide_gamut_a_little(engine: Engine, strength: float) -> None:
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[..., 0] = 255
    picture = stylize_picture(read_picture(tiff(pixels, "srgb", (12, 13))), engine, Look(strength=strength))
    written = tifffile.imread(io.BytesIO(encode_picture(picture, ".tif"))).astype(int)
    assert np.abs(written - pixels).max() <= 255 * strength + 2


def test_behind_a_mask_light_stays_to_the_bit(engine: Engine) -> None:
    light = np.random.default_rng(1).random((HEIGHT, WIDTH, 3), np.float32)
    original = encode_picture(picture_from_pixels(light, light[..., 0]), ".exr")
    picture = read_picture(original)
    painted = read_picture(encode_picture(stylize_picture(picture, engine, Look(mask=HALF)), ".exr"))
    np.testing.assert_array_equal(painted.pixels[:, LEFT], picture.pixels[:, LEFT])


def test_a_full_strength_is_not_mixed_with_what_it_replaces(engine: Engine) -> None:
    source = tiff(noise(np.uint8), "srgb", (12, 13))
    whole = stylize_picture(read_picture(source), engine, Look())
    masked = stylize_picture(read_picture(source), engine, Look(mask=np.ones((2, 2), np.float32)))
    files = [np.asarray(PIL.Image.open(io.BytesIO(encode_picture(one, ".tif")))) for one in (whole, masked)]
    assert np.abs(files[0].astype(int) - files[1]).max() <= 1
