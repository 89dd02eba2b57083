"""Previews painted on what is computed once for all styles have the pixels of `paint`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from stylecli.inference.engine import Engine
from stylecli.packs.pack import open_pack
from stylecli.stylize.look import Brush, Look
from stylecli.stylize.painting import paint
from stylecli.stylize.prepared_photo import paint_prepared, prepare_photo
from tests.support.packs import NORMALIZING_REACH, normalizing_model, write_style

LEVEL = 1  # of 8 bits: the sums are taken in another order


@pytest.fixture(scope="module")
def filling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A style that fills empty areas unless a look says otherwise."""
    folder = write_style(tmp_path_factory.mktemp("shelf"), fill=1.0)
    with Engine(open_pack(folder), device="cpu") as engine:
        yield engine


@pytest.fixture(scope="module")
def detailing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A style that paints fine strokes unless a look says otherwise; its network takes statistics."""
    shelf, model = tmp_path_factory.mktemp("shelf"), normalizing_model()
    folder = write_style(shelf, model=model, statistics="patches", reach=NORMALIZING_REACH, fill=1.0, detail=1.0)
    with Engine(open_pack(folder), device="cpu") as engine:
        yield engine


@pytest.mark.parametrize("fill", [None, 0.0, 2.0])
@pytest.mark.parametrize("brush", [0.7, 1.3, 3.0, 16.0])
def test_a_preview_has_the_pixels_of_the_painting(
    filling: Engine, photo: NDArray[np.uint8], brush: float, fill: float | None
) -> None:
    made = _painted(filling, photo, brush, fill)
    np.testing.assert_allclose(made, paint(filling, photo, Look(brush=brush, fill=fill)).astype(int), atol=LEVEL)


@pytest.mark.parametrize("brush", [1.0, "native", "auto"])
def test_at_the_size_of_the_photo_no_pixel_differs(filling: Engine, photo: NDArray[np.uint8], brush: Brush) -> None:
    np.testing.assert_array_equal(_painted(filling, photo, brush), paint(filling, photo, Look(brush=brush)))


@pytest.mark.parametrize("detail", [None, 0.0, 0.5])
@pytest.mark.parametrize("brush", ["native", 0.7, 1.3, 3.0])
def test_a_preview_has_the_fine_strokes_of_the_painting(
    detailing: Engine, photo: NDArray[np.uint8], brush: Brush, detail: float | None
) -> None:
    out = np.empty_like(photo)
    paint_prepared(prepare_photo(photo, brush), detailing, out, detail=detail)
    made = paint(detailing, photo, Look(brush=brush, detail=detail))
    np.testing.assert_allclose(out, made.astype(int), atol=LEVEL)
    plain = paint(detailing, photo, Look(brush=brush, detail=0.0))
    assert np.array_equal(made, plain) == (detail == 0)


@pytest.mark.parametrize("brush", ["native", 2.0])
def test_a_photo_may_be_prepared_without_fine_strokes(
    detailing: Engine, photo: NDArray[np.uint8], brush: Brush
) -> None:
    plain, out = np.empty_like(photo), np.empty_like(photo)
    paint_prepared(prepare_photo(photo, brush), detailing, plain, detail=0.0)
    paint_prepared(prepare_photo(photo, brush, details=False), detailing, out)
    np.testing.assert_array_equal(out, plain)


@pytest.mark.parametrize("brush", ["native", 2.0])
def test_frames_of_a_scene_are_not_filled(filling: Engine, photo: NDArray[np.uint8], brush: Brush) -> None:
    plain, out = _painted(filling, photo, brush, 0.0), np.empty_like(photo)
    paint_prepared(prepare_photo(photo, brush, fills=False), filling, out)
    np.testing.assert_array_equal(out, plain)


def test_a_device_without_bytes_paints_the_same(
    filling: Engine, photo: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    by_bytes = _painted(filling, photo, "native")
    monkeypatch.setattr(Engine, "paints_bytes", False)
    np.testing.assert_allclose(_painted(filling, photo, "native"), by_bytes.astype(int), atol=LEVEL)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (2, 1)])
@pytest.mark.parametrize("brush", [0.5, 2.0, 16.0])
def test_tiny_photos_take_every_brush(filling: Engine, shape: tuple[int, int], brush: float) -> None:
    photo = np.full((*shape, 3), 128, np.uint8)
    np.testing.assert_allclose(_painted(filling, photo, brush), paint(filling, photo, Look(brush=brush)), atol=LEVEL)


def test_one_prepared_photo_serves_many_styles(filling: Engine, photo: NDArray[np.uint8], tmp_path: Path) -> None:
    prepared, out = prepare_photo(photo, 2.0), np.empty_like(photo)
    with Engine(open_pack(write_style(tmp_path)), device="cpu") as other:
        paint_prepared(prepared, other, out)
    paint_prepared(prepared, filling, out)
    np.testing.assert_array_equal(out, _painted(filling, photo, 2.0))


def _painted(engine: Engine, photo: NDArray[np.uint8], brush: Brush, fill: float | None = None) -> NDArray[np.uint8]:
    out = np.empty_like(photo)
    paint_prepared(prepare_photo(photo, brush), engine, out, fill=fill)
    return out
