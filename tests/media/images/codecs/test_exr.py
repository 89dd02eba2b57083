"""EXR files: what a network sees of them, and that all else comes back."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import pytest
from numpy.typing import NDArray

from stylecli.core.errors import MediaError
from stylecli.media.images.codecs.exr_layers import COLORS
from stylecli.media.images.files import (
    Reading,
    picture_from_pixels,
    read_pages,
    read_picture,
    write_pages,
    write_picture,
)
from stylecli.media.linear_light import encoded, linear

HALF_STEP = 1e-3  # the relative step of half floats: 11 bits
ORIGIN = (-2, 3)  # of the data window


def write_exr(path: Path, light: NDArray[Any], alpha: NDArray[Any] | None = None, **more: Any) -> Path:
    """Write light (H, W, 3), premultiplied, as half floats with a depth channel, an id, a data window and a tag."""
    height, width = light.shape[:2]
    window = np.array(ORIGIN, np.int32), np.array([ORIGIN[0] + width - 1, ORIGIN[1] + height - 1], np.int32)
    header = {
        "compression": OpenEXR.PIZ_COMPRESSION,
        "type": OpenEXR.scanlineimage,
        "dataWindow": window,
        "displayWindow": (np.zeros(2, np.int32), np.array([99, 49], np.int32)),
        "shot": "sq010_sh020",
        **more,
    }
    channels = {key: np.ascontiguousarray(light[..., k], np.float16) for k, key in enumerate("RGB")}
    channels |= {"Z": np.linspace(0, 1e6, height * width, dtype=np.float32).reshape(height, width)}
    channels |= {"id": np.arange(height * width, dtype=np.uint32).reshape(height, width)}
    if alpha is not None:
        channels["A"] = alpha.astype(np.float16)
    with OpenEXR.File(header, channels) as file:
        file.write(str(path))
    return path


def channels_of(path: Path) -> dict[str, NDArray[Any]]:
    with OpenEXR.File(str(path), separate_channels=True) as file:
        return {name: channel.pixels for name, channel in file.channels().items()}


def header_of(path: Path) -> dict[str, Any]:
    with OpenEXR.File(str(path), header_only=True) as file:
        return dict(file.header())  # the file takes its own away at its end


def colors_of(path: Path) -> NDArray[np.float32]:
    found = channels_of(path)
    return np.stack([found[key] for key in "RGB"], axis=-1).astype(np.float32)


@pytest.fixture
def light() -> NDArray[np.float32]:
    """Give light from 0 to 40 times white, 5 x 8, exactly as half floats hold it."""
    values = np.random.default_rng(0).random((5, 8, 3)) ** 4 * 40
    return values.astype(np.float16).astype(np.float32)


def repainted(source: Path, target: Path, change: Any) -> Path:
    picture = read_picture(source)
    write_picture(picture.with_pixels(change(picture.pixels)), target)
    return target


def test_the_curve_is_that_of_srgb() -> None:
    # IEC 61966-2-1: half the light is a signal of 0.7354; its linear part ends at 0.04045.
    assert encoded(np.float32([0, 0.5, 1])).tolist() == pytest.approx([0, 0.73536, 1], abs=1e-5)
    assert linear(np.float32([0.04045])).tolist() == pytest.approx([0.04045 / 12.92], rel=1e-4)
    ramp = np.linspace(0, 1, 1001, dtype=np.float32)
    np.testing.assert_allclose(linear(encoded(ramp)), ramp, atol=1e-6)


def test_a_network_sees_colours_in_0_to_1_with_their_hue(light: NDArray[np.float32], tmp_path: Path) -> None:
    pixels = read_picture(write_exr(tmp_path / "a.exr", light)).pixels
    assert pixels.dtype == np.float32
    assert pixels.min() >= 0
    assert pixels.max() <= 1
    bright = light.max(2) > 1
    assert bright.any()
    np.testing.assert_allclose(linear(pixels)[bright], (light / light.max(2, keepdims=True))[bright], atol=1e-5)
    np.testing.assert_allclose(linear(pixels)[~bright], light[~bright], atol=1e-5)


def test_highlights_are_carried_over_the_network(light: NDArray[np.float32], tmp_path: Path) -> None:
    source = write_exr(tmp_path / "a.exr", light)
    same = repainted(source, tmp_path / "same.exr", lambda pixels: pixels.copy())
    np.testing.assert_allclose(colors_of(same), light, rtol=HALF_STEP, atol=1e-5)
    darker = repainted(source, tmp_path / "darker.exr", lambda pixels: encoded(linear(pixels) / 2))
    np.testing.assert_allclose(colors_of(darker), light / 2, rtol=HALF_STEP, atol=1e-5)


def test_colours_are_not_premultiplied_for_the_network_and_are_again_in_the_file(
    light: NDArray[np.float32], tmp_path: Path
) -> None:
    alpha = np.full((5, 8), 0.5)
    source = write_exr(tmp_path / "a.exr", light / 2, alpha)
    opaque = write_exr(tmp_path / "opaque.exr", light)
    np.testing.assert_allclose(read_picture(source).pixels, read_picture(opaque).pixels, atol=1e-4)
    same = repainted(source, tmp_path / "same.exr", lambda pixels: pixels.copy())
    np.testing.assert_allclose(colors_of(same), light / 2, rtol=2 * HALF_STEP, atol=1e-5)


def test_light_where_alpha_is_0_stays(tmp_path: Path) -> None:
    glow, alpha = np.full((2, 2, 3), 0.25), np.array([[0, 1], [1, 1]])
    source = write_exr(tmp_path / "a.exr", glow, alpha)
    black = repainted(source, tmp_path / "black.exr", np.zeros_like)
    assert colors_of(black)[..., 0].tolist() == [[0.25, 0], [0, 0]]


def test_the_transparent_gets_the_colours_around_it_for_the_network(tmp_path: Path) -> None:
    light, alpha = np.full((4, 4, 3), 0.5), np.ones((4, 4))
    light[1, 1], alpha[1, 1] = 0, 0
    pixels = read_picture(write_exr(tmp_path / "a.exr", light, alpha)).pixels
    assert pixels[1, 1] == pytest.approx(pixels[0, 0], abs=1e-3)


def test_every_other_channel_and_attribute_stays(light: NDArray[np.float32], tmp_path: Path) -> None:
    source = write_exr(tmp_path / "a.exr", light)
    painted = repainted(source, tmp_path / "painted.exr", lambda pixels: 1 - pixels)
    before, after = channels_of(source), channels_of(painted)
    assert list(before) == list(after)
    assert {name: samples.dtype for name, samples in before.items()} == {name: s.dtype for name, s in after.items()}
    assert all((before[name] == after[name]).all() for name in ("Z", "id"))
    assert (before["R"] != after["R"]).any()
    header = header_of(painted)
    assert header["shot"] == "sq010_sh020"
    assert header["compression"] == OpenEXR.PIZ_COMPRESSION
    assert [corner.tolist() for corner in header["dataWindow"]] == [[-2, 3], [5, 7]]
    assert [corner.tolist() for corner in header["displayWindow"]] == [[0, 0], [99, 49]]


def test_every_part_stays(light: NDArray[np.float32], tmp_path: Path) -> None:
    one = np.ascontiguousarray(light[..., 0])
    depth = OpenEXR.Part({"type": OpenEXR.scanlineimage, "name": "depth"}, {"Z": one}, "depth")
    beauty = OpenEXR.Part({"type": OpenEXR.scanlineimage}, dict.fromkeys("RGB", one), "beauty")
    OpenEXR.File([depth, beauty]).write(str(tmp_path / "parts.exr"))
    painted = repainted(tmp_path / "parts.exr", tmp_path / "painted.exr", np.zeros_like)
    with OpenEXR.File(str(painted), separate_channels=True) as file:
        assert [part.header["name"] for part in file.parts] == ["depth", "beauty"]
        assert (file.parts[0].channels["Z"].pixels == one).all()
        assert not file.parts[1].channels["R"].pixels.any()


def test_a_picture_that_is_not_painted_is_written_as_it_was(light: NDArray[np.float32], tmp_path: Path) -> None:
    source = write_exr(tmp_path / "a.exr", light - 0.5)  # negative values too
    write_picture(read_picture(source), tmp_path / "b.exr")
    assert (tmp_path / "b.exr").read_bytes() == source.read_bytes()


def test_an_encoded_file_is_taken_as_it_is(tmp_path: Path) -> None:
    source = write_exr(tmp_path / "a.exr", np.full((2, 2, 3), 0.5))
    picture = read_picture(source, exr_color="encoded")
    assert picture.pixels[0, 0].tolist() == [0.5, 0.5, 0.5]
    write_picture(picture.with_pixels(picture.pixels / 2), tmp_path / "b.exr")
    assert colors_of(tmp_path / "b.exr")[0, 0].tolist() == [0.25, 0.25, 0.25]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, -1.0])
def test_numbers_that_are_no_light_do_not_spread(value: float, tmp_path: Path) -> None:
    light = np.full((3, 3, 3), 0.5)
    light[1, 1, 0] = value
    source = write_exr(tmp_path / "a.exr", light)
    assert np.isfinite(read_picture(source).pixels).all()
    painted = colors_of(repainted(source, tmp_path / "b.exr", lambda pixels: pixels.copy()))
    assert np.isfinite(painted).all()
    assert painted[0, 0] == pytest.approx([0.5, 0.5, 0.5], rel=HALF_STEP)


def test_a_photo_becomes_light_and_light_a_photo(photo: NDArray[np.uint8], tmp_path: Path) -> None:
    write_picture(picture_from_pixels(photo), tmp_path / "photo.exr")
    np.testing.assert_allclose(colors_of(tmp_path / "photo.exr"), linear(photo / np.float32(255)), rtol=HALF_STEP)
    write_picture(read_picture(tmp_path / "photo.exr"), tmp_path / "photo.png")
    back = read_picture(tmp_path / "photo.png").pixels
    assert back.dtype == np.uint16
    assert np.abs(back / 257 - photo).max() < 0.25  # of 255: half floats are finer than 8 bits


@pytest.mark.parametrize("end", [4, 100, 300, -30])
def test_a_damaged_file_is_a_media_error(light: NDArray[np.float32], tmp_path: Path, end: int) -> None:
    content = write_exr(tmp_path / "a.exr", light).read_bytes()
    (tmp_path / "b.exr").write_bytes(content[:end])
    with pytest.raises(MediaError, match=r"b\.exr: it is damaged"):
        read_picture(tmp_path / "b.exr")


def test_a_file_without_colours_is_a_media_error_that_names_what_it_has(tmp_path: Path) -> None:
    with OpenEXR.File({"type": OpenEXR.scanlineimage}, {"Z": np.zeros((2, 2), np.float32)}) as file:
        file.write(str(tmp_path / "z.exr"))
    with pytest.raises(MediaError, match="no channels R, G and B, but Z"):
        read_picture(tmp_path / "z.exr")


def test_threads_that_read_at_once_leave_stdout_and_stderr_as_they_were(tmp_path: Path) -> None:
    file = write_exr(tmp_path / "a.exr", np.full((8, 8, 3), 0.5, np.float32))
    before = sys.stdout, os.fstat(2).st_ino
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: read_picture(file), range(200)))
    assert (sys.stdout, os.fstat(2).st_ino) == before


# ---- Parts, layers and views


def part(name: str, value: float, *keys: str, **header: Any) -> OpenEXR.Part:
    channels = {key: np.full((4, 6), value, np.float16) for key in keys or COLORS}
    return OpenEXR.Part({"type": OpenEXR.scanlineimage, **header}, channels, name)


def write_parts(path: Path, *parts: OpenEXR.Part) -> Path:
    OpenEXR.File(list(parts)).write(str(path))
    return path


def painted_black(source: Path, layer: str = "") -> dict[str, float]:
    """Paint a file black; the mean of each channel then, by part and name."""
    pages = read_pages(source, reading=Reading(layer=layer))
    black = replace(pages, pictures=tuple(one.with_pixels(np.zeros_like(one.pixels)) for one in pages.pictures))
    target = source.with_name("painted.exr")
    write_pages(black, target, overwrite=True)
    with OpenEXR.File(str(target), separate_channels=True) as file:
        return {
            f"{part.header.get('name', '')}:{key}": float(channel.pixels.astype(np.float32).mean())
            for part in file.parts
            for key, channel in part.channels.items()
        }


def test_the_beauty_is_painted_not_the_albedo_before_it(tmp_path: Path) -> None:
    source = write_parts(tmp_path / "a.exr", part("albedo", 0.25), part("beauty", 0.5))
    after = painted_black(source)
    assert (after["albedo:R"], after["beauty:R"]) == (0.25, 0)
    assert "albedo" in read_pages(source).lost[0]
    assert painted_black(source, "albedo")["beauty:R"] == 0.5


def test_all_views_of_a_stereo_picture_are_painted(tmp_path: Path) -> None:
    left, right = (part(f"rgba.{view}", 0.5, view=view) for view in ("left", "right"))
    source = write_parts(tmp_path / "a.exr", left, part("depth", 0.25, "Z"), right)
    assert set(painted_black(source).values()) == {0, 0.25}
    one = painted_black(source, "right")
    assert (one["rgba.left:R"], one["rgba.right:R"]) == (0.5, 0)
    assert not read_pages(source).lost


def test_views_that_share_a_part_are_painted(tmp_path: Path) -> None:
    channels = {key: np.full((4, 6), 0.5, np.float16) for key in (*COLORS, *(f"right.{key}" for key in COLORS))}
    header = {"type": OpenEXR.scanlineimage, "multiView": ["left", "right"]}
    OpenEXR.File(header, channels).write(str(tmp_path / "a.exr"))
    assert set(painted_black(tmp_path / "a.exr").values()) == {0}
    assert painted_black(tmp_path / "a.exr", "right")[":R"] == 0.5


def test_of_layers_the_combined_one_is_painted(tmp_path: Path) -> None:
    """As Blender names them."""
    names = [f"ViewLayer.{layer}.{key}" for layer in ("Albedo", "Combined", "Diffuse") for key in COLORS]
    channels = {name: np.full((4, 6), 0.5, np.float16) for name in names}
    OpenEXR.File({"type": OpenEXR.scanlineimage}, channels).write(str(tmp_path / "a.exr"))
    black = {name.split(".")[1] for name, mean in painted_black(tmp_path / "a.exr").items() if mean == 0}
    assert black == {"Combined"}


def test_a_layer_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    source = write_parts(tmp_path / "a.exr", part("albedo", 0.25), part("beauty", 0.5))
    with pytest.raises(MediaError, match="no layer diffuse") as caught:
        read_pages(source, reading=Reading(layer="diffuse"))
    assert caught.value.hint == "Its layers: albedo, beauty."
