"""An encoder that waits for ever: the command ends with an error, and the process with it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import ffmpeg
import pytest

from stylecli.core.errors import MediaError
from stylecli.media.video import stalls
from stylecli.media.video.ffmpeg import run_ffmpeg
from tests.support.clips import Made, make_video
from tests.support.video_runs import processes_about

# The thread that encodes never comes back.
COMMAND = """
import sys, time
from stylecli.cli.app import main
from stylecli.media.video import stalls
from stylecli.media.video.writing.writer import VideoWriter

stalls.STALL_SECONDS = 2.0
VideoWriter._mux = lambda writer, packets: time.sleep(3600)
main(sys.argv[1:])
"""


def test_a_process_whose_encoder_is_stuck_ends_with_an_error(tiny_style: Path, tmp_path: Path) -> None:
    source = make_video(tmp_path / "in.mp4", range(0, 3 * 512, 512), Made(size=(32, 32)))
    line = ["video", source, "-s", tiny_style, "-o", tmp_path / "out.mp4", "--codec", "h264", "--device", "cpu"]
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *map(str, line)],
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
        env=dict(os.environ),
    )
    assert "out.mp4: the encoder of h264 has not moved for 2 s" in done.stderr
    assert done.returncode == 4
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs shell scripts")
def test_an_ffmpeg_that_is_stuck_is_an_error_and_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program, target = tmp_path / "ffmpeg", tmp_path / "out.mp4"
    program.write_text("#!/bin/sh\nexec sleep 3600\n")
    program.chmod(0o755)
    monkeypatch.setenv("STYLECLI_FFMPEG", str(program))
    monkeypatch.setattr(stalls, "STALL_SECONDS", 0.5)
    with pytest.raises(MediaError, match=r"cannot be joined \(ffmpeg has not moved for 0\.5 s\)"):
        run_ffmpeg(ffmpeg.input("in.mp4").output(str(target)), "cannot be joined", target=target)
    assert processes_about(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="needs shell scripts")
def test_an_ffmpeg_that_gets_on_slowly_is_not_stuck(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program, target = tmp_path / "ffmpeg", tmp_path / "out.mp4"
    program.write_text(f"#!/bin/sh\nfor step in $(seq 14); do echo $step >> {target}; sleep 0.25; done\n")
    program.chmod(0o755)
    monkeypatch.setenv("STYLECLI_FFMPEG", str(program))
    monkeypatch.setattr(stalls, "STALL_SECONDS", 3.0)
    monkeypatch.setattr("stylecli.media.video.ffmpeg.LOOK_WAIT", 0.2)
    run_ffmpeg(ffmpeg.input("in.mp4").output(str(target)), "cannot be joined", target=target)
    assert target.read_text().split() == [str(step) for step in range(1, 15)]
