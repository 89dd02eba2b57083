"""Strokes in empty areas: where they lie, which way they run, and when a picture gets them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import DTypeLike, NDArray

from stylecli.core.errors import UsageError
from stylecli.inference.engine import Engine
from stylecli.media.pixels import quantize, to_unit
from stylecli.packs.pack import open_pack
from stylecli.stylize.filling import AMPLITUDE, stroke_texture, with_strokes
from stylecli.stylize.frame_painter import FramePainter
from stylecli.stylize.look import Look
from stylecli.stylize.painting import look_fingerprint, paint
from tests.support.packs import write_style

SIZE = (360, 480)


@pytest.fixture
def sky() -> NDArray[np.uint8]:
    """A blue sky that gets lighter towards the ground, without any edge."""
    light = np.linspace(0.4, 0.8, SIZE[0], dtype=np.float32)[:, None, None]
    return quantize(np.broadcast_to(light * np.array([0.6, 0.8, 1], np.float32), (*SIZE, 3)), np.uint8)


@pytest.fixture(scope="module")
def filling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A style that fills empty areas unless a look says otherwise."""
    folder = write_style(tmp_path_factory.mktemp("shelf"), fill=1.0)
    with Engine(open_pack(folder), device="cpu") as engine:
        yield engine


def test_a_clear_sky_gets_strokes(sky: NDArray[np.uint8]) -> None:
    texture = stroke_texture(sky)
    assert texture.std() == pytest.approx(AMPLITUDE, rel=0.25)
    assert abs(texture.mean()) < AMPLITUDE / 4


def test_equal_pictures_get_equal_strokes(sky: NDArray[np.uint8]) -> None:
    np.testing.assert_array_equal(stroke_texture(sky), stroke_texture(sky.copy()))


def test_an_area_full_of_detail_gets_none(sky: NDArray[np.uint8]) -> None:
    sky[:, 240:] = np.random.default_rng(0).integers(0, 256, (SIZE[0], 240, 1))
    texture = stroke_texture(sky)
    assert texture[:, :40].std() > AMPLITUDE / 2
    assert not texture[:, 60:].any()


@pytest.mark.parametrize("color", [(224, 172, 138), (141, 85, 54), (90, 56, 37), (160, 110, 60)])
def test_skin_and_wood_get_none(color: tuple[int, int, int]) -> None:
    assert not stroke_texture(np.full((*SIZE, 3), color, np.uint8)).any()


def test_a_small_empty_spot_gets_none() -> None:
    photo = np.random.default_rng(0).integers(0, 256, (*SIZE, 1), np.uint8).repeat(3, 2)
    photo[150:210, 200:260] = (120, 150, 200)
    assert not stroke_texture(photo).any()


@pytest.mark.parametrize("is_upright", [True, False])
def test_strokes_run_along_the_edges_nearby(*, is_upright: bool) -> None:
    photo = np.full((*SIZE, 3), (150, 170, 200), np.uint8)
    bars = photo if is_upright else photo.swapaxes(0, 1)
    bars[:, ::160] = bars[:, 1::160] = 40
    texture = stroke_texture(photo)
    down, across = (np.abs(np.diff(texture, axis=axis)).mean() for axis in (0, 1))
    assert (across > 1.5 * down) if is_upright else (down > 1.5 * across)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_the_type_of_the_picture_stays(sky: NDArray[np.uint8], dtype: DTypeLike) -> None:
    pixels, texture = quantize(to_unit(sky), dtype), stroke_texture(sky)
    filled = with_strokes(pixels, texture, 1)
    assert filled.dtype == dtype
    assert np.abs(to_unit(filled) - to_unit(pixels)).std() > AMPLITUDE / 4
    np.testing.assert_allclose(to_unit(with_strokes(pixels, texture, 0)), to_unit(pixels), atol=1e-6)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (5, 9), (1, 700), (40, 3)])
def test_pictures_of_any_size_can_be_filled(size: tuple[int, int]) -> None:
    photo = np.full((*size, 3), 128, np.uint8)
    assert with_strokes(photo, stroke_texture(photo), 1).shape == photo.shape


def test_the_style_says_whether_it_fills_and_a_look_overrules_it(filling: Engine, sky: NDArray[np.uint8]) -> None:
    plain, filled = paint(filling, sky, Look(fill=0.0)), paint(filling, sky, Look())
    assert np.abs(filled.astype(int) - plain).mean() > 1
    np.testing.assert_array_equal(paint(filling, sky, Look(fill=1.0)), filled)


def test_a_style_whose_card_says_nothing_fills_nothing(tmp_path: Path, sky: NDArray[np.uint8]) -> None:
    with Engine(open_pack(write_style(tmp_path)), device="cpu") as engine:
        np.testing.assert_array_equal(paint(engine, sky, Look()), paint(engine, sky, Look(fill=0.0)))


def test_frames_of_a_scene_are_not_filled(filling: Engine, sky: NDArray[np.uint8]) -> None:
    painted = FramePainter(filling, Look(fill=1.0))(sky)
    np.testing.assert_array_equal(painted, paint(filling, sky, Look(fill=0.0)))


def test_the_photo_shows_without_strokes_where_nothing_is_painted(filling: Engine, sky: NDArray[np.uint8]) -> None:
    np.testing.assert_array_equal(paint(filling, sky, Look(mask=np.zeros((2, 2), np.float32))), sky)


def test_looks_that_fill_differently_have_different_fingerprints() -> None:
    assert len({look_fingerprint(Look(fill=fill)) for fill in (None, 0.0, 1.0)}) == 3


@pytest.mark.parametrize("fill", [-0.1, 2.5, float("nan")])
def test_a_fill_out_of_range_is_refused(fill: float) -> None:
    with pytest.raises(UsageError, match="fill"):
        Look(fill=fill)
