"""Fine strokes where the photo has detail: where they lie, what is painted for them, and when a picture gets them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import DTypeLike, NDArray

from stylecli.core.errors import UsageError
from stylecli.inference.engine import Engine
from stylecli.inference.tiles import Pixels, Tile, tiles_of
from stylecli.media.pixels import LUMA, quantize, to_unit
from stylecli.media.resizing import resize
from stylecli.packs.pack import StylePack, open_pack
from stylecli.packs.shelves import find_style
from stylecli.stylize.detailing import FINE_SHORT_SIDE, add_detail, detail_weights
from stylecli.stylize.frame_painter import FramePainter, SceneStatistics
from stylecli.stylize.look import Look
from stylecli.stylize.painting import look_fingerprint, paint
from stylecli.stylize.samples import STEP, at_full_size
from tests.support.packs import NORMALIZING_REACH, normalizing_model, write_style

SIZE = (360, 480)
OBJECT = (slice(140, 172), slice(300, 332))  # of `scene`
FAR = 24 * STEP  # pixels: how far from an object its weights may reach
ROUNDING = 1.01 / 255  # one level of 8 bits


@pytest.fixture
def sky() -> NDArray[np.uint8]:
    """A sky that gets lighter towards the ground, without any edge."""
    light = np.linspace(0.4, 0.8, SIZE[0], dtype=np.float32)[:, None, None]
    return quantize(np.broadcast_to(light * np.array([0.6, 0.8, 1], np.float32), (*SIZE, 3)), np.uint8)


@pytest.fixture
def scene(sky: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The sky with a small chequered kite in it."""
    sky[OBJECT] = (np.indices((32, 32)) // 8).sum(0)[..., None] % 2 * 255
    return sky


@pytest.fixture(scope="module")
def detailing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A style that paints fine strokes unless a look says otherwise; its network takes statistics."""
    folder = _style(tmp_path_factory.mktemp("shelf"), detail=1.0)
    with Engine(open_pack(folder), device="cpu") as engine:
        yield engine


@dataclass
class Recorder:
    """An engine that keeps the picture, and remembers at which sizes it was asked to work and with which statistics."""

    fill: float = 0.0
    detail: float = 1.0
    paints_bytes: bool = False
    sizes: list[tuple[int, ...]] = field(default_factory=list)
    statistics: list[object] = field(default_factory=list)
    measured: list[tuple[int, ...]] = field(default_factory=list)

    def measure(self, pixels: Pixels) -> object:
        self.measured.append(pixels.shape)
        return f"of {pixels.shape}"

    def stylize(self, pixels: Pixels, statistics: object, *, flow: float | None) -> NDArray[np.float32]:
        return next(picture for _, picture in self.stylized_tiles(pixels, statistics, flow=flow)).copy()

    def stylized_tiles(
        self, pixels: Pixels, statistics: object, *, flow: float | None
    ) -> Iterator[tuple[Tile, NDArray[np.float32]]]:
        height, width = pixels.shape[:2]
        self.sizes.append((height, width))
        self.statistics.append(statistics)
        (tile,) = tiles_of(height, width, side=max(height, width), reach=0)
        yield tile, to_unit(pixels[tile.shown])


def test_a_small_sharp_object_gets_fine_strokes_and_the_smooth_ground_around_it_none(scene: NDArray[np.uint8]) -> None:
    weights = _at_full_size(scene)
    rows, columns = OBJECT
    assert weights[OBJECT].min() > 0.95
    weights[rows.start - FAR : rows.stop + FAR, columns.start - FAR : columns.stop + FAR] = 0
    assert not weights.any()


def test_a_texture_that_covers_everything_gets_few() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (*SIZE, 1), np.uint8).repeat(3, 2)
    assert _at_full_size(noise).mean() < 0.4


def test_an_object_stands_out_of_a_texture_of_less_contrast() -> None:
    ground = np.random.default_rng(0).integers(100, 140, (*SIZE, 1), np.uint8).repeat(3, 2)
    ground[OBJECT] = (np.indices((32, 32)) // 8).sum(0)[..., None] % 2 * 255
    weights = _at_full_size(ground)
    assert weights[OBJECT].min() > 0.95
    assert weights[:, :200].mean() < 0.2


def test_where_nothing_stands_out_there_are_no_weights(sky: NDArray[np.uint8]) -> None:
    assert detail_weights(sky) is None
    assert detail_weights(np.full((*SIZE, 3), 90, np.uint8)) is None


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_the_type_of_the_picture_does_not_matter(scene: NDArray[np.uint8], dtype: DTypeLike) -> None:
    np.testing.assert_allclose(detail_weights(quantize(to_unit(scene), dtype)), detail_weights(scene), atol=1e-4)


def test_above_a_size_all_strokes_are_fine_and_nothing_is_computed() -> None:
    photo = np.zeros((FINE_SHORT_SIDE + 1, FINE_SHORT_SIDE + 40, 3), np.uint8)
    photo[400:440, 500:540] = 255
    assert detail_weights(photo) is None
    assert detail_weights(photo[1:]) is not None


@pytest.mark.parametrize("brush", ["native", 1.0, 2.0])
def test_the_second_painting_is_twice_as_large_with_the_statistics_of_the_first(
    scene: NDArray[np.uint8], brush: float
) -> None:
    recorder = Recorder()
    paint(recorder, scene, Look(brush=brush))  # type: ignore[arg-type]
    height, width = SIZE if brush != 2.0 else (180, 240)
    assert recorder.sizes == [(height, width), (2 * height, 2 * width)]
    assert recorder.measured == [(height, width, 3)]
    assert recorder.statistics == [f"of {(height, width, 3)}"] * 2


def test_a_frame_takes_the_statistics_of_its_scene(scene: NDArray[np.uint8]) -> None:
    recorder = Recorder()
    paint(recorder, scene, Look(detail=1.0), statistics=["the scene's"])  # type: ignore[arg-type, list-item]
    assert recorder.measured == []
    assert recorder.statistics == [["the scene's"]] * 2


def test_a_picture_at_its_own_large_size_is_painted_once() -> None:
    recorder, photo = Recorder(), np.zeros((FINE_SHORT_SIDE + 40, 1200, 3), np.uint8)
    photo[400:440, 500:540] = 255
    paint(recorder, photo, Look(brush="native"))  # type: ignore[arg-type]
    assert recorder.sizes == [(FINE_SHORT_SIDE + 40, 1200)]


@pytest.mark.parametrize("detail", [0.0, 1.0])
def test_a_photo_without_detail_is_painted_once(sky: NDArray[np.uint8], detail: float) -> None:
    recorder = Recorder()
    paint(recorder, sky, Look(detail=detail))  # type: ignore[arg-type]
    assert recorder.sizes == [SIZE]
    assert recorder.measured == []


def test_the_second_painting_sees_what_the_photo_lost_at_the_working_size() -> None:
    photo = np.full((600, 800, 3), 128, np.uint8)
    photo[280:320, 400:440:2] = 255  # lines of one pixel, which a working size of half the photo's does not have
    small = resize(photo, 300, 400)
    stylized, weights = np.zeros_like(small), np.ones((75, 100), np.float32)
    seen: list[NDArray[np.float32]] = []

    class Watcher(Recorder):
        def stylized_tiles(
            self, pixels: Pixels, statistics: object, *, flow: float | None
        ) -> Iterator[tuple[Tile, NDArray[np.float32]]]:
            for tile, picture in super().stylized_tiles(pixels, statistics, flow=flow):
                seen.append(picture)
                yield tile, picture

    add_detail(stylized, photo, Watcher(), weights, [])  # type: ignore[arg-type]
    np.testing.assert_array_equal(seen[0], to_unit(photo))
    np.testing.assert_allclose(stylized, to_unit(photo).reshape(300, 2, 400, 2, 3).mean((1, 3)), atol=1e-6)


@pytest.mark.parametrize("scale", [0.5, 1, 1.9, 3])
def test_nothing_is_shifted(photo: NDArray[np.uint8], scale: float) -> None:
    # A network that keeps its picture gives the photo back.
    height, width = round(photo.shape[0] * scale), round(photo.shape[1] * scale)
    other = quantize(resize(photo, height, width), np.uint8)
    painted = to_unit(paint(Recorder(), other, Look(brush=1.5)))  # type: ignore[arg-type]
    plain = to_unit(paint(Recorder(detail=0), other, Look(brush=1.5)))  # type: ignore[arg-type]
    assert np.abs((painted - plain) @ LUMA).mean() < 0.004
    shifted = np.abs((np.roll(painted, 1, 1) - plain) @ LUMA).mean()
    assert np.abs((painted - plain) @ LUMA).mean() < shifted / 4


def test_far_from_detail_no_pixel_changes(detailing: Engine, scene: NDArray[np.uint8]) -> None:
    plain, fine = paint(detailing, scene, Look(detail=0.0)), paint(detailing, scene, Look())
    is_near = _at_full_size(scene) > 0
    assert np.abs(fine.astype(int) - plain)[OBJECT].mean() > 1
    np.testing.assert_allclose(fine[~is_near], plain[~is_near].astype(int), atol=1)  # float rounding


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_half_of_it_is_halfway(detailing: Engine, photo: NDArray[np.uint8], dtype: DTypeLike) -> None:
    pixels = quantize(to_unit(photo), dtype)
    none, half, all_of_it = (paint(detailing, pixels, Look(detail=amount)) for amount in (0.0, 0.5, 1.0))
    assert none.dtype == half.dtype == all_of_it.dtype == dtype
    assert np.abs(to_unit(all_of_it) - to_unit(none)).mean() > 0.005
    np.testing.assert_allclose(to_unit(half), (to_unit(none) + to_unit(all_of_it)) / 2, atol=ROUNDING)


def test_the_style_says_whether_and_a_look_overrules_it(detailing: Engine, photo: NDArray[np.uint8]) -> None:
    fine = paint(detailing, photo, Look())
    np.testing.assert_array_equal(paint(detailing, photo, Look(detail=1.0)), fine)
    assert np.abs(paint(detailing, photo, Look(detail=0.0)).astype(int) - fine).mean() > 1


@pytest.mark.parametrize(("variant", "detail"), [("fast", 1), ("int8", 1), ("clear", 0), ("quality", 0), ("calm", 0)])
def test_a_network_that_was_trained_apart_has_no_fine_strokes(variant: str, detail: float) -> None:
    with Engine(find_style("the-scream", variant=variant), device="cpu") as engine:
        assert engine.detail == detail


@pytest.mark.parametrize("brush", ["native", 2.0])
def test_a_style_whose_card_says_nothing_paints_as_before(
    normalizing_pack: StylePack, detailing: Engine, photo: NDArray[np.uint8], brush: float
) -> None:
    with Engine(normalizing_pack, device="cpu") as engine:
        made = paint(engine, photo, Look(brush=brush))
    np.testing.assert_array_equal(made, paint(detailing, photo, Look(brush=brush, detail=0.0)))


def test_how_a_picture_is_cut_changes_no_pixel(photo: NDArray[np.uint8], tmp_path: Path) -> None:
    pack, made = open_pack(_style(tmp_path, detail=1.0)), []
    for tile in (96, "off"):
        with Engine(pack, device="cpu", tile=tile) as engine:  # type: ignore[arg-type]
            made.append(paint(engine, photo, Look(brush=1.5)))
    np.testing.assert_allclose(made[0], made[1].astype(int), atol=1)


def test_a_network_of_8_bits_paints_the_same_detail(photo: NDArray[np.uint8]) -> None:
    made = {}
    for variant in ("fast", "int8"):
        with Engine(find_style("the-scream", variant=variant), device="cpu") as engine:
            fine, plain = (to_unit(paint(engine, photo, Look(detail=amount))) for amount in (1.0, 0.0))
            made[variant] = (fine - plain).ravel()
    assert np.corrcoef(made["fast"], made["int8"])[0, 1] > 0.9


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (5, 9), (1, 700), (40, 3)])
def test_pictures_of_any_size_can_have_detail(detailing: Engine, size: tuple[int, int]) -> None:
    photo = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    for brush in (0.5, 1.0, 3.0):
        assert paint(detailing, photo, Look(brush=brush, detail=1.0)).shape == photo.shape
    stylized = np.zeros((*size, 3), np.float32)
    samples = np.ones((-(-size[0] // STEP), -(-size[1] // STEP)), np.float32)
    add_detail(stylized, photo, detailing, samples, detailing.measure(photo))
    assert stylized.all()


def test_strength_mask_and_colours_are_applied_after_the_detail(detailing: Engine, photo: NDArray[np.uint8]) -> None:
    fine = to_unit(paint(detailing, photo, Look()))
    half = to_unit(paint(detailing, photo, Look(strength=0.5)))
    np.testing.assert_allclose(half, (to_unit(photo) + fine) / 2, atol=ROUNDING)
    np.testing.assert_array_equal(paint(detailing, photo, Look(mask=np.zeros((2, 2), np.float32))), photo)


def test_frames_of_a_scene_get_fine_strokes_only_if_asked_for(detailing: Engine, photo: NDArray[np.uint8]) -> None:
    statistics = SceneStatistics(detailing)(photo)
    plain, fine = (paint(detailing, photo, Look(detail=amount), statistics=statistics) for amount in (0.0, 1.0))
    np.testing.assert_array_equal(FramePainter(detailing, Look())(photo), plain)
    np.testing.assert_array_equal(FramePainter(detailing, Look(detail=1.0))(photo), fine)
    assert np.abs(fine.astype(int) - plain).mean() > 1


def test_looks_of_different_detail_have_different_fingerprints() -> None:
    assert len({look_fingerprint(Look(detail=detail)) for detail in (None, 0.0, 1.0)}) == 3


@pytest.mark.parametrize("detail", [-0.1, 1.5, float("nan")])
def test_a_detail_out_of_range_is_refused(detail: float) -> None:
    with pytest.raises(UsageError, match="detail"):
        Look(detail=detail)


def _style(shelf: Path, **facts: float) -> Path:
    model = normalizing_model()
    return write_style(shelf, "detailing", model=model, statistics="patches", reach=NORMALIZING_REACH, **facts)


def _at_full_size(photo: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the weights at the photo's size (H, W)."""
    weights = detail_weights(photo)
    assert weights is not None
    full = np.empty(photo.shape[:2], np.float32)
    for rows, values in at_full_size(weights, *photo.shape[:2]):
        full[rows] = values
    return full
