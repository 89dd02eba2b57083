"""Frames in picture files share the statistics of their scene, as the frames of a video do."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from stylecli.core.errors import MediaError
from stylecli.inference.engine import Engine
from stylecli.media.images.files import picture_from_pixels, read_picture, write_picture
from stylecli.packs.pack import StylePack
from stylecli.stylize.frame_painter import FramePainter
from stylecli.stylize.look import Look
from stylecli.stylize.painting import paint
from stylecli.stylize.pictures.jobs import plan_jobs
from stylecli.stylize.pictures.run import run_jobs
from tests.support.clips import ramp

FRAMES = 9


@pytest.fixture(scope="module")
def engine(normalizing_pack: StylePack) -> Iterator[Engine]:
    with Engine(normalizing_pack, device="cpu", side_by_side=True) as opened:
        yield opened


@pytest.fixture
def shot(tmp_path: Path) -> Path:
    """Give a folder of numbered frames that brighten slowly."""
    folder = tmp_path / "shot"
    folder.mkdir()
    for number in range(FRAMES):
        frame = picture_from_pixels(np.ascontiguousarray(ramp(3 * number)))
        write_picture(frame, folder / f"shot.{1001 + number}.png")
    return folder


def painted(folder: Path) -> list[bytes]:
    return [read_picture(path).pixels.tobytes() for path in sorted(folder.glob("*.png"))]


def run(source: Path, output: Path, engine: Engine) -> list[str]:
    jobs = plan_jobs([source], [engine.name], output)
    outcomes = run_jobs(jobs, {engine.name: engine}, Look())
    return ["failed" if one.error else "kept" if one.kept else "done" for one in outcomes]


def test_a_sequence_is_painted_as_the_frames_of_a_video(shot: Path, tmp_path: Path, engine: Engine) -> None:
    assert run(shot / "shot.%04d.png", tmp_path / "out", engine) == ["done"] * FRAMES
    painter = FramePainter(engine, Look())
    frames = [read_picture(path).pixels for path in sorted(shot.iterdir())]
    assert painted(tmp_path / "out") == [painter(frame).tobytes() for frame in frames]
    alone = [paint(engine, frame, Look()).tobytes() for frame in frames]
    assert painted(tmp_path / "out")[3] != alone[3]  # its own statistics are others


def test_the_frames_of_a_split_video_are_painted_alike(shot: Path, tmp_path: Path, engine: Engine) -> None:
    run(shot / "shot.%04d.png", tmp_path / "sequence", engine)
    (shot / "timing.json").write_text("{}")
    run(shot, tmp_path / "split", engine)
    assert painted(tmp_path / "split") == painted(tmp_path / "sequence")


def test_a_run_that_goes_on_paints_what_one_that_was_not_stopped_paints(
    shot: Path, tmp_path: Path, engine: Engine
) -> None:
    run(shot / "shot.%04d.png", tmp_path / "whole", engine)
    shutil.copytree(tmp_path / "whole", tmp_path / "again")
    for number in (3, 4, 6):
        (tmp_path / "again" / f"shot.{1001 + number}.png").unlink()
    statuses = run(shot / "shot.%04d.png", tmp_path / "again", engine)
    assert [number for number, status in enumerate(statuses) if status == "done"] == [3, 4, 6]
    assert painted(tmp_path / "again") == painted(tmp_path / "whole")


def test_a_broken_frame_costs_that_frame(shot: Path, tmp_path: Path, engine: Engine) -> None:
    (shot / "shot.1004.png").write_bytes(b"no picture")
    statuses = run(shot / "shot.%04d.png", tmp_path / "out", engine)
    assert [number for number, status in enumerate(statuses) if status == "failed"] == [3]
    assert len(painted(tmp_path / "out")) == FRAMES - 1


def test_pictures_that_are_no_sequence_are_painted_each_by_itself(shot: Path, tmp_path: Path, engine: Engine) -> None:
    run(shot, tmp_path / "out", engine)
    frames = [read_picture(path).pixels for path in sorted(shot.iterdir())]
    assert painted(tmp_path / "out") == [paint(engine, frame, Look()).tobytes() for frame in frames]


def test_a_full_disk_ends_a_sequence(
    shot: Path, tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from stylecli.stylize.pictures import run as running

    tried: list[str] = []

    def full(_: object, path: Path, **__: object) -> None:
        tried.append(path.name)
        raise MediaError(f"{path}: it cannot be written ({os.strerror(errno.ENOSPC)})")

    monkeypatch.setattr(running, "write_pages", full)
    with pytest.raises(MediaError, match=r"shot\.1001\.png"):
        run(shot / "shot.%04d.png", tmp_path / "out", engine)
    assert len(tried) < FRAMES  # those that were at work just then
