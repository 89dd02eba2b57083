from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from stylecli.core.threads import side_by_side
from stylecli.inference.engine import Engine
from stylecli.inference.normalization import Statistics
from stylecli.packs.pack import StylePack
from stylecli.stylize.frame_painter import PAUSE, FramePainter, SceneStatistics
from stylecli.stylize.look import Brush, Look
from stylecli.stylize.painting import at_working_size

Frame = NDArray[np.uint8]


@pytest.fixture(scope="module")
def engine(normalizing_pack: StylePack) -> Iterator[Engine]:
    with Engine(normalizing_pack, device="cpu") as opened:
        yield opened


def distance(one: Statistics, other: Statistics) -> float:
    return float(sum(np.abs(a - b).sum() for a, b in zip(one, other, strict=True)))


def test_a_still_keeps_its_statistics_to_the_bit(engine: Engine, photo: Frame) -> None:
    scene = SceneStatistics(engine)
    first = scene(photo)
    assert all(distance(scene(photo), first) == 0 for _ in range(3 * PAUSE))


def test_noise_does_not_move_them(engine: Engine, photo: Frame) -> None:
    random, scene = np.random.default_rng(0), SceneStatistics(engine)
    first = scene(photo)
    for _ in range(2 * PAUSE):
        noisy = (photo + random.normal(0, 8, photo.shape)).clip(0, 255).astype(np.uint8)
        assert distance(scene(noisy), first) == 0


def test_a_cut_takes_those_of_the_new_scene_at_once(engine: Engine, photo: Frame) -> None:
    scene, other = SceneStatistics(engine), np.ascontiguousarray(255 - photo)
    scene(photo)
    assert distance(scene(other), engine.measure(other)) == 0


def test_a_pan_is_followed_little_by_little(engine: Engine, photo: Frame) -> None:
    scene = SceneStatistics(engine)
    begin, end = photo[:, :250], photo[:, 60:310]
    start, goal = scene(begin), engine.measure(end)
    way = [distance(scene(end), goal) / distance(start, goal) for _ in range(8 * PAUSE)]
    assert way[0] == 1  # paused
    assert 0.3 < way[PAUSE] < 1
    assert way == sorted(way, reverse=True)
    assert way[-1] < 0.3


def test_a_fade_from_black_is_followed_from_the_first_frames(engine: Engine, photo: Frame) -> None:
    scene = SceneStatistics(engine)
    scene(photo // 255)
    dim = photo // 6
    assert distance(scene(dim), engine.measure(dim)) == 0


def test_a_restored_scene_goes_on_as_the_one_that_was_kept(engine: Engine, photo: Frame) -> None:
    frames = [photo[:, k * 10 : 200 + k * 10] for k in range(3 * PAUSE)]
    kept, restored = SceneStatistics(engine), SceneStatistics(engine)
    for frame in frames[:5]:
        kept(frame)
    restored.restore(kept.state())
    assert all(distance(kept(frame), restored(frame)) == 0 for frame in frames[5:])


def test_frames_painted_side_by_side_are_those_painted_one_by_one(normalizing_pack: StylePack, photo: Frame) -> None:
    frames = [np.ascontiguousarray(photo[:, k * 10 : 200 + k * 10]) for k in range(4 * PAUSE)]
    with (
        Engine(normalizing_pack, device="cpu", threads=2) as one,
        Engine(normalizing_pack, device="cpu", threads=1, side_by_side=True) as several,
    ):
        alone, together = FramePainter(one, Look()), FramePainter(several, Look())
        painted = side_by_side([together.begin(frame) for frame in frames], 4)
        assert all(np.array_equal(alone(frame), other) for frame, other in zip(frames, painted, strict=True))


@pytest.mark.parametrize("brush", ["native", 2.0])
def test_what_is_measured_is_what_the_network_gets(engine: Engine, photo: Frame, brush: Brush) -> None:
    given = at_working_size(photo, brush)
    assert distance(SceneStatistics(engine, brush)(photo), engine.measure(given)) == 0
