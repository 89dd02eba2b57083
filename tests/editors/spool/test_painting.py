from __future__ import annotations

from pathlib import Path

import numpy as np
import OpenEXR
import pytest
from numpy.typing import NDArray

from stylecli.core.errors import StyleError
from stylecli.editors.spool.carriers import read_samples
from stylecli.editors.spool.client import fetch, submit
from stylecli.editors.spool.worker import serve
from stylecli.inference.engine import Engine
from stylecli.media.images.files import encode_picture, picture_from_pixels, read_picture
from stylecli.packs.pack import StylePack, open_pack
from stylecli.stylize.look import Look
from stylecli.stylize.painting import paint
from tests.support.packs import StyleFactory
from tests.support.spools import Serve, job_for, left_in, with_alpha


def test_a_job_gives_the_pixels_of_the_style(
    spool: Path, served: Serve, photo: NDArray[np.uint8], tiny_pack: StylePack
) -> None:
    pixels = with_alpha(photo)
    identifier = submit(spool, pixels.tobytes(), job_for(pixels, strength=0.5, preserve_color=True, brush=2))
    assert served() == ["done"]
    painted, facts = fetch(spool, identifier, timeout=0)
    with Engine(tiny_pack, device="cpu") as engine:
        expected = paint(engine, photo, Look(0.5, preserve_color=True, brush=2))
    np.testing.assert_array_equal(np.frombuffer(painted, np.uint8).reshape(pixels.shape)[..., :3], expected)
    assert (facts["width"], facts["height"], facts["device"], facts["style"]) == (451, 300, "cpu", "tiny")
    assert facts["ms"] > 0


def test_frames_of_a_scene_share_their_statistics(
    spool: Path, make_style: StyleFactory, tmp_path: Path, photo: NDArray[np.uint8], normalizing_pack: StylePack
) -> None:
    first = with_alpha(photo)
    second = first.copy()
    second[100:160, 100:160, :3] = 255  # a small change: the scene goes on
    for identifier, pixels, more in (
        ("one", first, {"scene": "clip"}),
        ("two", second, {"scene": "clip"}),
        ("alone", second, {}),
    ):
        job = {**job_for(pixels, protocol=2, **more), "style": "normalizing"}
        submit(spool, pixels.tobytes(), job, identifier=identifier)
        serve(spool, device="cpu", styles_dir=normalizing_pack.folder.parent, idle=0.001)  # each by a new worker
    painted = {
        name: np.frombuffer(fetch(spool, name, timeout=0)[0], np.uint8).reshape(first.shape)
        for name in ("one", "two", "alone")
    }
    untouched = np.s_[200:, 300:, :3]
    np.testing.assert_array_equal(painted["one"][untouched], painted["two"][untouched])
    assert not np.array_equal(painted["two"][untouched], painted["alone"][untouched])


def test_frames_of_a_scene_get_strokes_as_those_of_a_video(
    spool: Path, make_style: StyleFactory, tmp_path: Path, photo: NDArray[np.uint8]
) -> None:
    pixels, style = with_alpha(photo), make_style(tmp_path / "shelf", fill=1.0, detail=1.0)
    painted = {}
    for identifier, more in (("frame", {"scene": "clip"}), ("alone", {})):
        submit(spool, pixels.tobytes(), job_for(pixels, protocol=2, **more), identifier=identifier)
        serve(spool, device="cpu", styles_dir=style.parent, idle=0.001)
        data, _ = fetch(spool, identifier, timeout=0)
        painted[identifier] = np.frombuffer(data, np.uint8).reshape(pixels.shape)[..., :3]
    with Engine(open_pack(style), device="cpu") as engine:
        np.testing.assert_array_equal(painted["frame"], paint(engine, photo, Look(fill=0.0, detail=0.0)))
        np.testing.assert_array_equal(painted["alone"], paint(engine, photo, Look()))
    assert not np.array_equal(painted["frame"], painted["alone"])


def test_a_frame_that_was_painted_before_comes_from_the_cache(
    spool: Path, served: Serve, photo: NDArray[np.uint8]
) -> None:
    pixels = with_alpha(photo)
    jobs: dict[str, dict[str, object]] = {
        "miss": {"cache": "only"},
        "first": {"cache": "use"},
        "again": {"cache": "only"},
        "other": {"cache": "use", "strength": 0.5},
        "plain": {},
    }
    answers = {}
    for identifier, more in jobs.items():
        submit(spool, pixels.tobytes(), job_for(pixels, protocol=2, **more), identifier=identifier)
        if served() == ["done"]:
            answers[identifier] = fetch(spool, identifier, timeout=0)
    with pytest.raises(StyleError, match="not in the cache"):
        fetch(spool, "miss", timeout=0)
    assert {name: facts.get("cached") for name, (_, facts) in answers.items()} == {
        "first": False,
        "again": True,
        "other": False,
        "plain": None,
    }
    assert answers["again"][0] == answers["first"][0] == answers["plain"][0] != answers["other"][0]


def test_the_same_picture_in_another_file_comes_from_the_cache(
    spool: Path, served: Serve, photo: NDArray[np.uint8], tmp_path: Path
) -> None:
    pixels = (with_alpha(photo) / 255).astype(np.float16)
    height, width = pixels.shape[:2]
    job = {"protocol": 2, "style": "tiny", "pixel": "exr", "width": width, "height": height}
    answers = []
    for identifier, cache, hour in (("one", "use", "10:00"), ("two", "only", "11:00"), ("three", "only", "11:00")):
        file = tmp_path / "frame.exr"
        channels = {name: np.ascontiguousarray(pixels[..., place]) for place, name in enumerate("RGBA")}
        OpenEXR.File({"type": OpenEXR.scanlineimage, "capDate": f"2026:01:01 {hour}:00"}, channels).write(str(file))
        names = {"input": f"{identifier}.exr", "output": f"{identifier}.out.exr", "cache": cache}
        probe = [[3, 2, *map(float, pixels[2, 3])]]
        submit(spool, file.read_bytes(), {**job, **names, "probe": probe}, identifier=identifier)
        assert served() == ["done"]
        data, facts = fetch(spool, identifier, timeout=0)
        painted, _ = read_samples(data, "exr", identifier)
        assert facts["probe"] == [[3, 2, *map(float, painted[2, 3])]]
        answers.append((facts["cached"], painted))
    assert [is_cached for is_cached, _ in answers] == [False, True, True]
    for _, painted in answers[1:]:
        np.testing.assert_array_equal(painted, answers[0][1])


def test_a_picture_may_be_a_file(spool: Path, served: Serve, photo: NDArray[np.uint8]) -> None:
    data = encode_picture(picture_from_pixels(photo), ".png")
    job = {"style": "tiny", "pixel": "file", "input": "one.png", "output": "one.painted.png"}
    submit(spool, data, job, identifier="one")
    assert served() == ["done"]
    painted, facts = fetch(spool, "one", timeout=0)
    assert read_picture(painted).pixels.shape == photo.shape
    assert (facts["width"], facts["height"]) == (451, 300)
    assert left_in(spool) == set()
