"""A run that was killed goes on, to the same bytes."""

from __future__ import annotations

import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from stylecli.pack import StylePack
from stylecli.recording import Sound, record
from stylecli.scene import RATE, ambience
from stylecli.segments import SEGMENT_FRAMES
from tests.clips import ramp

FRAMES = 5 * SEGMENT_FRAMES
SIZE = (160, 90)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a clip of five segments with sound. Read only."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    frames = (ramp(number % 40, SIZE) for number in range(FRAMES))
    record(path, frames, size=SIZE, rate=Fraction(25), sound=Sound(ambience(1.0), RATE))
    return path


def line(clip: Path, style: Path, output: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "stylecli", "video", str(clip), "-s", str(style), "-o", str(output), "--json", *more]


def run(command: list[str]) -> dict[str, object]:
    """Run a command to its end; its result."""
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    result: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return result


def kill_after(frames: int, command: list[str]) -> None:
    """Run a command and kill it, as the system does, once it has painted so many frames."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout
        for row in process.stdout:
            if json.loads(row).get("done", 0) >= frames:
                break
        process.kill()


@pytest.mark.parametrize("frames", [2 * SEGMENT_FRAMES + 60, 4 * SEGMENT_FRAMES + 30])
def test_a_killed_run_ends_with_the_bytes_of_one_that_was_not(
    clip: Path, normalizing_pack: StylePack, tmp_path: Path, frames: int
) -> None:
    run(line(clip, normalizing_pack.folder, tmp_path / "whole.mp4"))
    resumed = line(clip, normalizing_pack.folder, tmp_path / "killed.mp4")
    kill_after(frames, resumed)
    assert not (tmp_path / "killed.mp4").exists()
    result = run(resumed)
    assert 0 < int(str(result["resumed"])) < FRAMES
    assert (tmp_path / "killed.mp4").read_bytes() == (tmp_path / "whole.mp4").read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"whole.mp4", "killed.mp4"}


def test_with_another_look_finished_work_is_not_used(clip: Path, normalizing_pack: StylePack, tmp_path: Path) -> None:
    kill_after(3 * SEGMENT_FRAMES, line(clip, normalizing_pack.folder, tmp_path / "out.mp4"))
    assert run(line(clip, normalizing_pack.folder, tmp_path / "out.mp4", "--strength", "0.5"))["resumed"] == 0
