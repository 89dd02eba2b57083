"""What may befall `stylecli video`: it says what happened, leaves nothing half and nobody behind, and goes on."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import psutil
import pytest

from stylecli.inference.engine import working_devices
from stylecli.media.video.writing.segments import SEGMENT_FRAMES
from stylecli.media.video.writing.writer import Sound, record
from stylecli.packs.pack import StylePack
from stylecli.photos.film import RATE, chord
from tests.support.clips import ramp
from tests.support.packs import NORMALIZING_REACH, normalizing_model, write_style
from tests.support.video_runs import line, processes_about, run, running

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and mounts of POSIX")

FRAMES = 3 * SEGMENT_FRAMES
LATE = SEGMENT_FRAMES + 60  # frames: the first segment is finished, or nearly so, and the second is not
SIZE = (96, 64)
DISK = 4_000_000  # bytes


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a clip of three segments with sound. Read only."""
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4")


@pytest.fixture(scope="module")
def whole(clip: Path, normalizing_pack: StylePack, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Give what a run makes that nothing befalls."""
    output = tmp_path_factory.mktemp("whole") / "out.mp4"
    assert run(line(clip, normalizing_pack.folder, output)).code == 0
    return output.read_bytes()


def write_clip(path: Path, *, start: int = 0) -> Path:
    frames = (ramp((start + number) % 40, SIZE) for number in range(FRAMES))
    record(path, frames, size=SIZE, rate=Fraction(25), sound=Sound(chord(1.0), RATE))
    return path


def assert_only_pieces_are_left(output: Path) -> None:
    """No output under its name, no draft, and no process."""
    hidden = output.with_name(f".{output.name}.partial")
    assert not output.exists()
    assert {path.name for path in output.parent.iterdir() if path.name.startswith(".")} <= {hidden.name}
    assert not hidden.exists() or "draft" not in {path.name for path in hidden.iterdir()}
    assert processes_about(output.parent) == []


def assert_goes_on(command: list[str], output: Path, whole: bytes) -> None:
    """The same command again ends with the bytes of a run that nothing befell, and cleans up."""
    ended = run(command)
    assert ended.code == 0, ended.said
    assert ended.result["resumed"] >= SEGMENT_FRAMES
    assert output.read_bytes() == whole
    assert not output.with_name(f".{output.name}.partial").exists()


# --- signals


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_a_signal_ends_it_and_the_next_run_goes_on(
    clip: Path, normalizing_pack: StylePack, tmp_path: Path, whole: bytes, number: signal.Signals, code: int
) -> None:
    command = line(clip, normalizing_pack.folder, tmp_path / "out.mp4")
    with running(command) as stopped:
        stopped.painted(2 * SEGMENT_FRAMES)
        stopped.process.send_signal(number)
        ended = stopped.ended()
    assert ended.code == code
    assert "Traceback" not in ended.said
    if number != signal.SIGKILL:  # a killed program tidies nothing; the next one does
        assert_only_pieces_are_left(tmp_path / "out.mp4")
        assert "the same command goes on from there" in ended.said
    assert_goes_on(command, tmp_path / "out.mp4", whole)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent was killed")
def test_ffmpeg_does_not_outlive_a_killed_run(clip: Path, normalizing_pack: StylePack, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    os.mkfifo(pid)
    ffmpeg = script(tmp_path / "ffmpeg", f"echo $$ > {pid}; exec sleep 600")
    command = line(clip, normalizing_pack.folder, tmp_path / "out.mp4")
    with running(command, STYLECLI_FFMPEG=str(ffmpeg)):
        ffmpeg_process = psutil.Process(int(pid.read_text()))  # waits until it is there
    ffmpeg_process.wait(timeout=180)


# --- the target


def test_a_disk_that_fills_up_is_named_and_the_run_goes_on_when_there_is_room(
    clip: Path, normalizing_pack: StylePack, tmp_path: Path, whole: bytes
) -> None:
    with mounted(tmp_path / "disk", f"size={DISK}") as disk:
        command = line(clip, normalizing_pack.folder, disk / "out.mp4")
        with running(command) as filled:
            filled.painted(LATE)
            with filled.held():
                fill(disk)
            ended = filled.ended()
        assert ended.code == 4
        assert "out.mp4: " in ended.said
        assert "No space left on device" in ended.said or "are free" in ended.said
        assert_only_pieces_are_left(disk / "out.mp4")
        (disk / "filler").unlink()
        assert_goes_on(command, disk / "out.mp4", whole)


def test_a_folder_that_cannot_be_written_to_is_named_at_once(
    clip: Path, normalizing_pack: StylePack, tmp_path: Path
) -> None:
    with read_only(tmp_path / "disk") as folder:
        ended = run(line(clip, normalizing_pack.folder, folder / "out.mp4"))
        assert list(folder.iterdir()) == []
    assert ended.code == 4
    assert "out.mp4: cannot be written (" in ended.said


def test_of_two_runs_on_one_output_the_second_is_refused(
    clip: Path, normalizing_pack: StylePack, tmp_path: Path, whole: bytes
) -> None:
    command = line(clip, normalizing_pack.folder, tmp_path / "out.mp4")
    with running(command) as first:
        first.painted(1)
        with first.held():
            second = run(command)
        ended = first.ended()
    assert (second.code, ended.code) == (2, 0)
    assert "out.mp4: is being written by another run" in second.said
    assert (tmp_path / "out.mp4").read_bytes() == whole


# --- the encoders


def test_a_failing_ffmpeg_is_quoted_and_nothing_is_painted_again(
    clip: Path, normalizing_pack: StylePack, tmp_path: Path, whole: bytes
) -> None:
    ffmpeg = script(tmp_path / "ffmpeg", "echo 'Conversion failed!' >&2; exit 187")
    command = line(clip, normalizing_pack.folder, tmp_path / "out.mp4")
    ended = run(command, STYLECLI_FFMPEG=str(ffmpeg))
    assert ended.code == 4
    assert "out.mp4: " in ended.said
    assert "Conversion failed!" in ended.said
    assert_only_pieces_are_left(tmp_path / "out.mp4")
    again = run(command)
    assert (again.code, again.result["resumed"]) == (0, FRAMES)
    assert (tmp_path / "out.mp4").read_bytes() == whole


def test_an_encoder_whose_hardware_is_missing_is_a_device_error(
    clip: Path, normalizing_pack: StylePack, tmp_path: Path
) -> None:
    if not working_devices()["cuda"]:
        pytest.skip("a graphics card by NVIDIA may encode here")
    ended = run(line(clip, normalizing_pack.folder, tmp_path / "out.mp4", "--codec", "h264_nvenc"))
    assert ended.code == 5
    assert "h264_nvenc: no hardware for it works here" in ended.said
    assert list(tmp_path.iterdir()) == []


# --- the source


def test_a_source_that_is_cut_off_is_an_error_unless_what_is_there_is_wanted(
    clip: Path, normalizing_pack: StylePack, tmp_path: Path
) -> None:
    # With its index in front, as it is sent over a network: half of it can be read.
    cut = tmp_path / "cut.mp4"
    content = clip.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")
    cut.write_bytes(content[: len(content) * 2 // 3])
    command = line(cut, normalizing_pack.folder, tmp_path / "out.mp4")
    ended = run(command)
    assert ended.code == 4
    assert "cut.mp4: " in ended.said
    assert "cut off after" in ended.said
    assert "--allow-truncated" in ended.said
    assert_only_pieces_are_left(tmp_path / "out.mp4")
    kept = run([*command, "--allow-truncated"])
    assert kept.code == 0
    assert SEGMENT_FRAMES < kept.result["frames"] < FRAMES
    assert any("what could be read is kept" in message for message in kept.result["messages"])


def test_a_source_that_is_replaced_meanwhile_is_an_error_and_the_next_run_paints_the_new_one(
    clip: Path, normalizing_pack: StylePack, tmp_path: Path
) -> None:
    source, output = tmp_path / "source.mp4", tmp_path / "out.mp4"
    shutil.copy(clip, source)
    command = line(source, normalizing_pack.folder, output)
    with running(command) as disturbed:
        disturbed.painted(LATE)
        with disturbed.held():
            write_clip(tmp_path / "new.mp4", start=20).replace(source)
        ended = disturbed.ended()
    assert ended.code == 4
    assert "source.mp4: was changed while it was read" in ended.said
    assert_only_pieces_are_left(output)
    again = run(command)
    assert (again.code, again.result["resumed"]) == (0, 0)
    assert "set aside, since this has changed: source" in again.said
    assert run(line(source, normalizing_pack.folder, tmp_path / "fresh.mp4")).code == 0
    assert output.read_bytes() == (tmp_path / "fresh.mp4").read_bytes()


# --- the style


@pytest.fixture
def style(normalizing_pack: StylePack, tmp_path: Path) -> Path:
    """Give a copy of the style that may be replaced."""
    return shutil.copytree(normalizing_pack.folder, tmp_path / "shelf" / normalizing_pack.name)


def replace_style(style: Path) -> None:
    """Put another network of the same name in its place."""
    shutil.rmtree(style)
    write_style(
        style.parent, style.name, model=normalizing_model(seed=1), statistics="patches", reach=NORMALIZING_REACH
    )


def test_a_style_that_is_replaced_meanwhile_paints_to_the_end(
    clip: Path, style: Path, tmp_path: Path, whole: bytes
) -> None:
    with running(line(clip, style, tmp_path / "out.mp4")) as disturbed:
        disturbed.painted(LATE)
        with disturbed.held():
            replace_style(style)
        assert disturbed.ended().code == 0
    assert (tmp_path / "out.mp4").read_bytes() == whole


def test_a_stopped_run_does_not_go_on_with_another_style(clip: Path, style: Path, tmp_path: Path, whole: bytes) -> None:
    command = line(clip, style, tmp_path / "out.mp4")
    with running(command) as stopped:
        stopped.painted(2 * SEGMENT_FRAMES)
    replace_style(style)
    again = run(command)
    assert (again.code, again.result["resumed"]) == (0, 0)
    assert "set aside, since this has changed: style" in again.said
    assert (tmp_path / "out.mp4").read_bytes() != whole


# --- disks


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[Path]:
    """A disk of its own in memory, where the tests may have one."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if sys.platform != "linux" or os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a disk of its own needs Linux and the right to mount")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def read_only(folder: Path) -> Iterator[Path]:
    """A folder that cannot be written to; for root, who may write anywhere, a disk that cannot."""
    if os.geteuid():
        folder.mkdir(mode=0o500)
        yield folder
    else:
        with mounted(folder, "ro,size=4096"):
            yield folder


def fill(disk: Path) -> None:
    free = shutil.disk_usage(disk).free
    (disk / "filler").write_bytes(bytes(free))


def script(path: Path, commands: str) -> Path:
    path.write_text(f"#!/bin/sh\n{commands}\n")
    path.chmod(0o755)
    return path
