"""A run that was killed goes on, to the same bytes."""

from __future__ import annotations

import random
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import psutil
import pytest

from stylecli.media.video.partial_folders import leftovers
from stylecli.media.video.resume import partial_work
from stylecli.media.video.writing.segments import SEGMENT_FRAMES
from stylecli.media.video.writing.writer import Sound, record
from stylecli.packs.pack import StylePack
from stylecli.photos.film import RATE, chord
from tests.support.clips import ramp
from tests.support.video_runs import kill_after, line, run, running

FRAMES = 5 * SEGMENT_FRAMES
SIZE = (160, 90)
SWAY = 1.1  # of the memory, by the frames that are at work just then; a frame kept each time would make it 1.6


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a clip of five segments with sound. Read only."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    frames = (ramp(number % 40, SIZE) for number in range(FRAMES))
    record(path, frames, size=SIZE, rate=Fraction(25), sound=Sound(chord(1.0), RATE))
    return path


@pytest.fixture(scope="module")
def whole(clip: Path, normalizing_pack: StylePack, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Give what a run makes that was not stopped."""
    output = tmp_path_factory.mktemp("whole") / "whole.mp4"
    assert run(line(clip, normalizing_pack.folder, output)).code == 0
    return output.read_bytes()


@pytest.mark.parametrize("frames", [2 * SEGMENT_FRAMES + 60, 4 * SEGMENT_FRAMES + 30])
def test_a_killed_run_ends_with_the_bytes_of_one_that_was_not(
    clip: Path, normalizing_pack: StylePack, tmp_path: Path, whole: bytes, frames: int
) -> None:
    resumed = line(clip, normalizing_pack.folder, tmp_path / "killed.mp4")
    kill_after(frames, resumed)
    assert not (tmp_path / "killed.mp4").exists()
    assert 0 < run(resumed).result["resumed"] <= FRAMES
    assert (tmp_path / "killed.mp4").read_bytes() == whole
    assert {path.name for path in tmp_path.iterdir()} == {"killed.mp4"}


def test_a_run_killed_at_five_random_moments_ends_with_the_same_bytes(
    clip: Path, normalizing_pack: StylePack, tmp_path: Path, whole: bytes
) -> None:
    moments = sorted(random.Random().sample(range(1, FRAMES), 5))  # another five each time; told if it fails
    command = line(clip, normalizing_pack.folder, tmp_path / "killed.mp4", "--overwrite")
    for frames in moments:
        kill_after(frames, command)
    assert run(command).code == 0, moments
    assert (tmp_path / "killed.mp4").read_bytes() == whole, moments


def test_with_another_look_finished_work_is_not_used(clip: Path, normalizing_pack: StylePack, tmp_path: Path) -> None:
    kill_after(3 * SEGMENT_FRAMES, line(clip, normalizing_pack.folder, tmp_path / "out.mp4"))
    assert run(line(clip, normalizing_pack.folder, tmp_path / "out.mp4", "--strength", "0.5")).result["resumed"] == 0


def test_work_that_no_longer_fits_is_set_aside_and_taken_up_again(
    clip: Path, normalizing_pack: StylePack, tmp_path: Path, whole: bytes
) -> None:
    command = line(clip, normalizing_pack.folder, tmp_path / "out.mp4")
    kill_after(3 * SEGMENT_FRAMES, command)
    other = [*command, "--strength", "0.5"]
    kill_after(2 * SEGMENT_FRAMES, other)
    found = leftovers(tmp_path)
    assert [(work.output.name, work.frames >= SEGMENT_FRAMES) for work in found] == [("out.mp4", True)] * 2
    ended = run(command)
    assert ended.result["resumed"] >= 2 * SEGMENT_FRAMES
    assert "finished frames are set aside, since this has changed: look" in ended.said
    assert (tmp_path / "out.mp4").read_bytes() == whole
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


def test_a_restart_discards_what_was_set_aside(tmp_path: Path) -> None:
    def stopped(look: str, *, restart: bool = False) -> None:
        with (
            suppress(KeyError),
            partial_work(tmp_path / "out.mp4", {"look": look}, restart=restart, notice=lambda _: None) as work,
        ):
            work.draft.write_bytes(b"frames")
            work.commit(frames=1, end=1, state={})
            raise KeyError

    stopped("one")
    stopped("another")
    assert len(leftovers(tmp_path)) == 2
    stopped("another", restart=True)
    assert len(leftovers(tmp_path)) == 1


def test_memory_does_not_grow_with_the_length(normalizing_pack: StylePack, tmp_path: Path) -> None:
    size = (448, 252)  # so large that a frame that is not let go of shows
    ramps = [ramp(number, size) for number in range(40)]
    frames = (ramps[number % 40] for number in range(FRAMES))
    record(tmp_path / "in.mp4", frames, size=size, rate=Fraction(25), sound=Sound(chord(1.0), RATE))
    with running(line(tmp_path / "in.mp4", normalizing_pack.folder, tmp_path / "out.mp4")) as run:
        process = psutil.Process(run.process.pid)
        sizes = {frames: process.memory_info().rss for frames in run.progress() if frames < FRAMES}
    early, late = (
        max(size for frames, size in sizes.items() if frames // SEGMENT_FRAMES == number) for number in (1, 4)
    )
    assert late <= SWAY * early
