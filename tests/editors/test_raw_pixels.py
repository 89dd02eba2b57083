from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from stylecli.core.errors import UsageError
from stylecli.editors.layout import PIXELS_MAX, SAMPLES, Alpha, Color, Layout, Pixel
from stylecli.editors.raw_pixels import repaint

PIXEL_NAMES: tuple[Pixel, ...] = ("rgba8", "rgba16", "rgba16f", "rgba32f")
# Half floats have 11 significant bits; through the sRGB curve and back their last one may change.
ROUNDING = {"rgba8": 0, "rgba16": 1, "rgba16f": 2e-3, "rgba32f": 1e-5}


def invert(pixels: NDArray[Any]) -> NDArray[Any]:
    top = 1 if pixels.dtype.kind == "f" else np.iinfo(pixels.dtype).max
    return (top - pixels).astype(pixels.dtype)


def copied(pixels: NDArray[Any]) -> NDArray[Any]:
    """Paint nothing, but make a new array of it: all conversions are done."""
    return pixels.copy()


def some_pixels(pixel: Pixel, *, height: int = 7, width: int = 5) -> NDArray[Any]:
    """(H, W, 4) with alpha between a fifth and one, colours not above alpha."""
    random = np.random.default_rng(0)
    unit = random.random((height, width, 4))
    unit[..., 3] = 0.2 + 0.8 * unit[..., 3]
    unit[..., :3] *= unit[..., 3:]
    top = 1 if "f" in pixel else np.iinfo(np.dtype(SAMPLES[pixel])).max
    return (unit * top).astype(SAMPLES[pixel])


def repainted(samples: NDArray[Any], layout: Layout, painter: Any) -> NDArray[Any]:
    data = repaint(samples.tobytes(), layout, painter)
    return np.frombuffer(data, SAMPLES[layout.pixel]).reshape(samples.shape)


@pytest.mark.parametrize("pixel", PIXEL_NAMES)
@pytest.mark.parametrize("color", ["srgb", "linear"])
@pytest.mark.parametrize("alpha", ["straight", "premultiplied", "ignore"])
def test_what_a_painter_leaves_as_it_is_comes_back(pixel: Pixel, color: Color, alpha: Alpha) -> None:
    samples = some_pixels(pixel)
    back = repainted(samples, Layout(5, 7, pixel, color, alpha), copied)
    np.testing.assert_allclose(back.astype(float), samples.astype(float), rtol=0, atol=ROUNDING[pixel])


@pytest.mark.parametrize("pixel", PIXEL_NAMES)
def test_a_painter_that_returns_what_it_got_gives_the_identical_bytes(pixel: Pixel) -> None:
    samples = some_pixels(pixel)
    layout = Layout(5, 7, pixel, "linear", "premultiplied")
    assert repaint(samples.tobytes(), layout, lambda pixels: pixels) == samples.tobytes()


@pytest.mark.parametrize("pixel", PIXEL_NAMES)
def test_alpha_stays_bit_by_bit(pixel: Pixel) -> None:
    samples = some_pixels(pixel)
    painted = repainted(samples, Layout(5, 7, pixel), invert)
    np.testing.assert_array_equal(painted[..., 3], samples[..., 3])
    assert not np.array_equal(painted[..., :3], samples[..., :3])


def test_eight_bits_reach_the_painter_unchanged() -> None:
    samples = some_pixels("rgba8")
    seen: list[NDArray[Any]] = []
    repaint(samples.tobytes(), Layout(5, 7), lambda pixels: seen.append(pixels) or pixels)
    np.testing.assert_array_equal(seen[0], samples[..., :3])
    assert seen[0].dtype == np.uint8


def test_linear_light_reaches_the_painter_encoded() -> None:
    samples = np.full((2, 2, 4), 0.2140411, np.float32)  # linear light of the signal 0.5
    samples[..., 3] = 1
    seen: list[NDArray[Any]] = []
    repaint(samples.tobytes(), Layout(2, 2, "rgba32f", "linear"), lambda pixels: seen.append(pixels) or pixels)
    np.testing.assert_allclose(seen[0], 0.5, atol=1e-6)


def test_premultiplied_colours_reach_the_painter_divided() -> None:
    samples = np.full((2, 2, 4), 0.25, np.float32)
    samples[..., 3] = 0.5
    seen: list[NDArray[Any]] = []
    layout = Layout(2, 2, "rgba32f", "srgb", "premultiplied")
    repaint(samples.tobytes(), layout, lambda pixels: seen.append(pixels) or pixels)
    np.testing.assert_allclose(seen[0], 0.5)


def test_highlights_get_their_brightness_back_and_keep_their_hue() -> None:
    samples = np.ones((2, 2, 4), np.float32)
    samples[..., :3] = (8, 4, 2)
    seen: list[NDArray[Any]] = []

    def painter(pixels: NDArray[Any]) -> NDArray[Any]:
        seen.append(pixels)
        return pixels * np.float32(0.5)

    painted = repainted(samples, Layout(2, 2, "rgba32f"), painter)
    np.testing.assert_allclose(seen[0][0, 0], (1, 0.5, 0.25))
    np.testing.assert_allclose(painted[0, 0, :3], (4, 2, 1))


@pytest.mark.parametrize("worst", [np.nan, np.inf, -np.inf, -1.0])
def test_what_is_no_colour_reaches_no_painter(worst: float) -> None:
    samples = np.full((2, 2, 4), 0.5, np.float32)
    samples[0, 0, 0] = worst
    seen: list[NDArray[Any]] = []
    layout = Layout(2, 2, "rgba32f", "linear")
    repaint(samples.tobytes(), layout, lambda pixels: seen.append(pixels) or pixels.copy())
    assert seen[0].min() >= 0
    assert seen[0].max() <= 1


def test_a_glow_without_matter_is_left_alone() -> None:
    samples = np.full((2, 2, 4), 0.5, np.float32)
    samples[0, 0, 3] = 0
    painted = repainted(samples, Layout(2, 2, "rgba32f", "linear", "premultiplied"), invert)
    np.testing.assert_array_equal(painted[0, 0], samples[0, 0])


@pytest.mark.parametrize("pixel", ["rgba8", "rgba16", "rgba32f"])
def test_transparent_places_look_like_their_surroundings(pixel: Pixel) -> None:
    top = 1 if pixel == "rgba32f" else np.iinfo(np.dtype(SAMPLES[pixel])).max
    samples = np.full((8, 8, 4), top, SAMPLES[pixel])
    samples[2:4, 2:4] = 0
    seen: list[NDArray[Any]] = []
    repaint(samples.tobytes(), Layout(8, 8, pixel), lambda pixels: seen.append(pixels) or pixels)
    assert seen[0].min() > 0.9 * top


def test_alpha_that_is_none_hides_nothing() -> None:
    samples = some_pixels("rgba8")
    samples[..., 3] = 0
    seen: list[NDArray[Any]] = []
    repaint(samples.tobytes(), Layout(5, 7, alpha="ignore"), lambda pixels: seen.append(pixels) or pixels)
    np.testing.assert_array_equal(seen[0], samples[..., :3])


@pytest.mark.parametrize(("width", "height"), [(0, 0), (0, 5), (5, -1), (30_000, 30_000), (PIXELS_MAX + 1, 1)])
def test_impossible_sizes_are_refused(width: int, height: int) -> None:
    with pytest.raises(UsageError, match=f"{width} x {height}"):
        Layout(width, height)


@pytest.mark.parametrize("wrong", [{"pixel": "rgb8"}, {"color": "aces"}, {"alpha": "none"}])
def test_unknown_kinds_of_pixels_are_refused_with_those_there_are(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="Give"):
        Layout(1, 1, **wrong)
