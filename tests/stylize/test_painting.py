from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from stylecli.core.errors import UsageError
from stylecli.inference.engine import Engine
from stylecli.media.pixels import LUMA, quantize, to_unit
from stylecli.media.resizing import resize
from stylecli.packs.pack import StylePack, open_pack
from stylecli.stylize.look import Look
from stylecli.stylize.painting import fingerprint, look_fingerprint, paint, working_size
from tests.support.packs import StyleFactory

ROUNDING = 1.01 / 255  # one level of 8 bits


@pytest.fixture(scope="module")
def engine(tiny_pack: StylePack) -> Iterator[Engine]:
    with Engine(tiny_pack, device="cpu") as opened:
        yield opened


@dataclass
class SizeRecorder:
    """An engine that keeps the picture and remembers at which sizes it was asked to work."""

    sizes: list[tuple[int, int]] = field(default_factory=list)
    fill: float = 0.0
    detail: float = 0.0

    def stylize(self, unit: NDArray[np.float32], _: object, *, flow: float | None) -> NDArray[np.float32]:
        self.sizes.append(unit.shape[:2])
        return unit


def test_full_strength_is_the_networks_own_picture(engine: Engine, photo: NDArray[np.uint8]) -> None:
    np.testing.assert_array_equal(paint(engine, photo, Look()), quantize(engine.stylize(to_unit(photo)), np.uint8))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_strength_zero_gives_the_identical_pixels(engine: Engine, photo: NDArray[np.uint8], dtype: type) -> None:
    pixels = quantize(to_unit(photo), dtype)
    np.testing.assert_array_equal(paint(engine, pixels, Look(strength=0)), pixels)


def test_half_strength_is_halfway(engine: Engine, photo: NDArray[np.uint8]) -> None:
    halfway = (to_unit(photo) + engine.stylize(to_unit(photo))) / 2
    np.testing.assert_allclose(to_unit(paint(engine, photo, Look(strength=0.5))), halfway, atol=ROUNDING)


def test_preserve_color_keeps_colour_differences_and_takes_the_luma(engine: Engine) -> None:
    # Mid-tones, so that nothing is clipped: there the claim holds exactly.
    random = np.random.default_rng(0)
    photo = (0.45 + 0.1 * random.random((40, 50, 3))).astype(np.float32)
    plain, kept = engine.stylize(photo), paint(engine, photo, Look(preserve_color=True))
    np.testing.assert_allclose(kept @ LUMA, plain @ LUMA, atol=1e-5)
    np.testing.assert_allclose(kept - (kept @ LUMA)[..., None], photo - (photo @ LUMA)[..., None], atol=1e-5)
    assert np.abs(kept - plain).max() > 0.01


def test_mask_limits_the_style(engine: Engine, photo: NDArray[np.uint8]) -> None:
    mask = np.zeros(photo.shape[:2], np.float32)
    mask[:, 200:] = 1
    masked = paint(engine, photo, Look(mask=mask))
    np.testing.assert_array_equal(masked[:, :200], photo[:, :200])
    np.testing.assert_array_equal(masked[:, 200:], paint(engine, photo, Look())[:, 200:])


def test_a_mask_of_another_size_is_stretched_over_the_picture(engine: Engine, photo: NDArray[np.uint8]) -> None:
    small = np.zeros((30, 40), np.float32)
    small[:, 20:] = 1
    masked = paint(engine, photo, Look(mask=small))
    np.testing.assert_array_equal(masked[:, :150], photo[:, :150])
    np.testing.assert_array_equal(masked[:, -150:], paint(engine, photo, Look())[:, -150:])


def test_where_the_mask_is_black_the_other_picture_shows(engine: Engine, photo: NDArray[np.uint8]) -> None:
    mask = np.zeros(photo.shape[:2], np.float32)
    mask[:, 200:] = 1
    other = to_unit(photo[::-1, ::-1])
    both = paint(engine, photo, Look(mask=mask, over=other))
    np.testing.assert_array_equal(both[:, :200], photo[::-1, ::-1][:, :200])
    np.testing.assert_array_equal(both[:, 200:], paint(engine, photo, Look())[:, 200:])


def test_at_strength_zero_the_other_picture_is_the_result(engine: Engine, photo: NDArray[np.uint8]) -> None:
    other = to_unit(photo[::-1])
    np.testing.assert_array_equal(paint(engine, photo, Look(strength=0, over=other)), photo[::-1])


def test_the_flow_of_the_style_counts_in_the_fingerprint(make_style: StyleFactory, tmp_path: Path) -> None:
    packs = [open_pack(make_style(tmp_path / str(flow), flow=flow)) for flow in (0.0, 1.0)]
    found = []
    for pack in packs:
        with Engine(pack, device="cpu") as engine:
            found += [fingerprint(engine, pack.model(), Look(flow=flow)) for flow in (None, 1.0)]
    assert found[0] != found[1]
    assert found[1] == found[2] == found[3]


def test_the_other_picture_counts_in_the_fingerprint(photo: NDArray[np.uint8]) -> None:
    looks = [Look(), Look(over=to_unit(photo)), Look(over=to_unit(photo[::-1]))]
    assert len({look_fingerprint(look) for look in looks}) == 3


@pytest.mark.parametrize(
    ("brush", "size"), [("native", (1080, 1920)), ("auto", (720, 1280)), (2.0, (540, 960)), (0.5, (2160, 3840))]
)
def test_brush_sets_the_size_the_network_works_at(brush: float, size: tuple[int, int]) -> None:
    assert working_size(1080, 1920, brush) == size


def test_auto_brush_works_on_4k_as_on_1080p() -> None:
    assert working_size(2160, 3840, "auto") == working_size(1080, 1920, "auto") == (720, 1280)


def test_a_large_brush_makes_larger_strokes(engine: Engine, photo: NDArray[np.uint8]) -> None:
    native, broad = paint(engine, photo, Look(brush="native")), paint(engine, photo, Look(brush=3.0))
    assert native.shape == broad.shape
    assert np.abs(native.astype(int) - broad).mean() > 1


def test_fine_detail_of_the_photo_comes_back_after_a_large_brush(photo: NDArray[np.uint8]) -> None:
    recorder = SizeRecorder()
    painted = to_unit(paint(recorder, photo, Look(brush=2.0)))  # type: ignore[arg-type]
    assert recorder.sizes == [(150, 226)]
    # A network that keeps its picture must give the photo's own brightness back, at every pixel.
    np.testing.assert_allclose(painted @ LUMA, to_unit(photo) @ LUMA, atol=0.02)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (2, 1)])
@pytest.mark.parametrize("brush", [0.5, 2.0, 16.0])
def test_tiny_pictures_take_every_brush(engine: Engine, shape: tuple[int, int], brush: float) -> None:
    pixels = np.full((*shape, 3), 128, np.uint8)
    assert paint(engine, pixels, Look(brush=brush)).shape == pixels.shape


def test_16_bit_pictures_get_16_bit_results(engine: Engine) -> None:
    ramp = np.repeat(np.linspace(10000, 30000, 1500).astype(np.uint16)[None, :, None], 3, 2).repeat(8, 0)
    painted = paint(engine, ramp, Look())
    assert painted.dtype == np.uint16
    assert len(np.unique(painted[4])) >= 1000


@pytest.mark.parametrize("size", [(31, 47), (200, 333), (1, 5)])
def test_resizing_gives_exactly_the_size_asked_for(photo: NDArray[np.uint8], size: tuple[int, int]) -> None:
    assert resize(to_unit(photo), *size).shape == (*size, 3)


@pytest.mark.parametrize("size", [(50, 50), (37, 73), (150, 150), (200, 200), (337, 251), (50, 200)])
def test_resizing_does_not_shift_the_picture(size: tuple[int, int]) -> None:
    height, width = size
    x, y = (np.arange(100, dtype=np.float32) + 0.5) / 100, (np.arange(100, dtype=np.float32)[:, None] + 0.5) / 100
    ramp = np.stack(np.broadcast_arrays(x, y, 0.5 * (x + y)), -1).astype(np.float32)
    resized = resize(ramp, height, width)
    across = np.broadcast_to((np.arange(width) + 0.5) / width, (height, width))
    down = np.broadcast_to(((np.arange(height) + 0.5) / height)[:, None], (height, width))
    inner = (slice(height // 8, -height // 8), slice(width // 8, -width // 8))  # the border repeats its pixels
    np.testing.assert_allclose(resized[..., 0][inner], across[inner], atol=1e-3)
    np.testing.assert_allclose(resized[..., 1][inner], down[inner], atol=1e-3)


@pytest.mark.parametrize(
    "look", [{"strength": 1.5}, {"strength": -0.1}, {"strength": float("nan")}, {"brush": 0.0}, {"brush": 99.0}]
)
def test_values_out_of_range_are_refused(look: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="out of range"):
        Look(**look)  # type: ignore[arg-type]
