"""From a video to pictures and back: every pixel, every timestamp, every other stream."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from stylecli.cli.app import suite
from stylecli.core.errors import MediaError, UsageError
from stylecli.media.frames.assemble import assemble_video
from stylecli.media.frames.split import split_video
from stylecli.media.frames.timing import read_timing
from stylecli.media.images.files import picture_from_pixels, read_picture, write_picture
from stylecli.media.linear_light import linear
from stylecli.media.video.clip import probe
from stylecli.media.video.plan import VideoOptions
from stylecli.media.video.reading.reader import read_frames
from stylecli.media.video.writing.codecs import EncoderOptions
from tests.support.clips import UNEVEN, Made, codecs, ffmpeg, make_video, pixels, sound_packets, times, with_sound

MILLISECONDS = Made(time_base=Fraction(1, 1000))
NEARLY_LOSSLESS = VideoOptions(EncoderOptions(crf=4))
ENCODING_ERROR = 3  # of 255: what x264 at CRF 4 may change on average in soft ramps


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a video with uneven timestamps and German sound. Read only."""
    folder = tmp_path_factory.mktemp("video")
    return with_sound(make_video(folder / "silent.mp4", UNEVEN, MILLISECONDS), folder / "clip.mp4")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(suite, list(map(str, arguments)))


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(("frame_format", "bits"), [("png", None), ("png", 16), ("tiff", 8), ("tiff", 16)])
def test_the_frames_are_those_of_the_video(video: Path, tmp_path: Path, frame_format: str, bits: int | None) -> None:
    result = split_video(video, tmp_path / "frames", format=frame_format, bits=bits)
    files = sorted((tmp_path / "frames").glob(f"*.{frame_format}"))
    assert result.frames == len(files) == len(UNEVEN)
    assert files[0].name == f"000001.{frame_format}"
    for file, frame in zip(files, read_frames(probe(video)), strict=True):
        written = read_picture(file).pixels
        assert written.dtype == (np.uint16 if bits == 16 else np.uint8)
        assert (written == frame.pixels.astype(written.dtype) * (257 if bits == 16 else 1)).all()


def test_exr_frames_hold_light_and_give_back_the_colours(video: Path, tmp_path: Path) -> None:
    split_video(video, tmp_path / "frames", format="exr")
    for file, frame in zip(sorted((tmp_path / "frames").glob("*.exr")), read_frames(probe(video)), strict=True):
        picture = read_picture(file)
        signal_ = frame.pixels / np.float32(255)
        np.testing.assert_allclose(picture.pixels, signal_, atol=0.2 / 255)  # half floats are finer than 8 bits
        assert picture.contents is not None
        assert picture.contents.samples is not None
        np.testing.assert_allclose(picture.contents.samples, linear(signal_), rtol=1e-3)


def test_the_sidecar_keeps_the_timestamps(video: Path, tmp_path: Path) -> None:
    split_video(video, tmp_path / "frames")
    timing = read_timing(tmp_path / "frames")
    assert timing.video == "clip.mp4"
    assert [frame.pts * timing.time_base for frame in timing.frames] == times(video)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_an_assembled_video_has_the_frames_timestamps_and_sound_of_the_original(
    video: Path, tmp_path: Path, suffix: str
) -> None:
    split_video(video, tmp_path / "frames")
    assemble_video(tmp_path / "frames", tmp_path / f"out{suffix}", like=video, options=NEARLY_LOSSLESS)
    assert times(tmp_path / f"out{suffix}") == times(video)
    assert sound_packets(tmp_path / f"out{suffix}") == sound_packets(video)
    for before, after in zip(pixels(video), pixels(tmp_path / f"out{suffix}"), strict=True):
        assert np.abs(before.astype(int) - after).mean() < ENCODING_ERROR


def test_a_turned_video_is_split_upright_and_assembled_upright(tmp_path: Path) -> None:
    make_video(tmp_path / "flat.mp4")
    ffmpeg("-display_rotation", "90", "-i", tmp_path / "flat.mp4", "-c", "copy", tmp_path / "turned.mp4")
    result = split_video(tmp_path / "turned.mp4", tmp_path / "frames")
    assert (result.width, result.height) == (48, 64)
    assemble_video(tmp_path / "frames", tmp_path / "out.mp4", like=tmp_path / "turned.mp4", options=NEARLY_LOSSLESS)
    error = np.abs(pixels(tmp_path / "turned.mp4")[0].astype(int) - pixels(tmp_path / "out.mp4")[0]).mean()
    assert error < ENCODING_ERROR


def test_frames_of_another_size_make_a_video_of_that_size(video: Path, tmp_path: Path) -> None:
    split_video(video, tmp_path / "frames")
    for file in (tmp_path / "frames").glob("*.png"):
        picture = read_picture(file)
        larger = np.ascontiguousarray(picture.pixels.repeat(2, 0).repeat(2, 1))
        write_picture(type(picture)(larger), file, overwrite=True)
    result = assemble_video(tmp_path / "frames", tmp_path / "out.mp4", like=video)
    assert (result.width, result.height) == (128, 96)
    assert pixels(tmp_path / "out.mp4")[0].shape == (96, 128, 3)


def test_the_way_from_video_to_video_by_the_commands(video: Path, tiny_style: Path, tmp_path: Path) -> None:
    frames, styled, output = tmp_path / "frames", tmp_path / "styled", tmp_path / "out.mp4"
    assert run("split", video, frames, "--bits", 16).exit_code == 0
    stylized = run("image", frames, "-s", tiny_style, "-o", styled, "--device", "cpu")
    assert stylized.exit_code == 0, stylized.output
    assert leftovers(styled) == leftovers(frames)
    result = run("assemble", styled, output, "--like", video, "--crf", 10)
    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == str(output)
    assert times(output) == times(video)
    assert codecs(output) == ["h264", "aac"]
    assert (pixels(output)[0] != pixels(video)[0]).any()


def test_a_folder_with_something_in_it_is_not_written_to(video: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    result = run("split", video, tmp_path)
    assert result.exit_code == 2
    assert leftovers(tmp_path) == ["mine.txt"]


def test_exr_has_no_choice_of_bits(video: Path, tmp_path: Path) -> None:
    assert run("split", video, tmp_path / "frames", "--format", "exr", "--bits", 8).exit_code == 2


def test_a_video_that_is_cut_off_leaves_no_frames(video: Path, tmp_path: Path) -> None:
    silent = make_video(tmp_path / "long.mkv", range(0, 3000, 40), MILLISECONDS)
    (tmp_path / "cut.mkv").write_bytes(silent.read_bytes()[: silent.stat().st_size // 2])
    with pytest.raises(MediaError):
        split_video(tmp_path / "cut.mkv", tmp_path / "frames")
    assert leftovers(tmp_path) == ["cut.mkv", "long.mkv"]


def test_what_ffmpeg_cannot_write_is_told_and_leaves_nothing(
    video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "ffmpeg"
    broken.write_text(
        "#!/bin/sh\nhead -c 1 > /dev/null\necho 'av_interleaved_write_frame(): No space left on device' >&2\nexit 1\n"
    )
    broken.chmod(0o755)
    monkeypatch.setenv("STYLECLI_FFMPEG", str(broken))
    with pytest.raises(MediaError, match="No space left on device"):
        split_video(video, tmp_path / "frames")
    assert leftovers(tmp_path) == ["ffmpeg"]


def test_stopping_leaves_no_frames_and_no_process(tmp_path: Path) -> None:
    large = make_video(tmp_path / "large.mp4", range(0, 512 * 200, 512), Made(size=(640, 480)))
    program = [sys.executable, "-m", "stylecli", "split", str(large), str(tmp_path / "frames"), "--json"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        process.stdout.readline()  # the first frame is written
        process.send_signal(signal.SIGINT)
        process.communicate()
    assert process.returncode == 130
    assert leftovers(tmp_path) == ["large.mp4"]
    with pytest.raises(ProcessLookupError):  # nobody is left in the group of the program
        _wait_for_end_of_group(process.pid)


def _wait_for_end_of_group(group: int) -> None:
    until = time.monotonic() + 180
    while time.monotonic() < until:
        os.killpg(group, 0)
        time.sleep(0.01)


@pytest.mark.parametrize("fault", ["no sidecar", "no frame", "broken frame", "small frame", "format 2", "times fall"])
def test_frames_that_make_no_video_are_a_media_error_and_leave_nothing(video: Path, tmp_path: Path, fault: str) -> None:
    frames = tmp_path / "frames"
    split_video(video, frames)
    sidecar, frame = frames / "timing.json", frames / "000005.png"
    match fault:
        case "no sidecar":
            sidecar.unlink()
        case "no frame":
            frame.unlink()
        case "broken frame":
            frame.write_bytes(frame.read_bytes()[:100])
        case "small frame":
            picture = read_picture(frame)
            write_picture(type(picture)(np.ascontiguousarray(picture.pixels[1:])), frame, overwrite=True)
        case "format 2":
            sidecar.write_text(sidecar.read_text().replace('"format": 1', '"format": 2'))
        case "times fall":
            timing = json.loads(sidecar.read_text())
            sidecar.write_text(json.dumps({**timing, "frames": timing["frames"][::-1]}))
    result = run("assemble", frames, tmp_path / "out.mp4", "--like", video)
    assert result.exit_code == 4, result.output
    assert "frames" in result.stderr
    assert leftovers(tmp_path) == ["frames"]


def test_the_original_is_never_overwritten(video: Path, tmp_path: Path) -> None:
    split_video(video, tmp_path / "frames")
    with pytest.raises(UsageError, match="source itself"):
        assemble_video(tmp_path / "frames", video, like=video, overwrite=True)
    (tmp_path / "out.mp4").write_text("mine")
    assert run("assemble", tmp_path / "frames", tmp_path / "out.mp4", "--like", video).exit_code == 2
    assert (tmp_path / "out.mp4").read_text() == "mine"


def test_frames_of_a_range_become_a_video_of_that_range(tmp_path: Path) -> None:
    source = with_sound(make_video(tmp_path / "in.mp4", range(0, 512 * 25, 512)), tmp_path / "sound.mp4")
    span = (Fraction(2, 5), Fraction(4, 5))
    result = split_video(source, tmp_path / "frames", span=span)
    assert result.frames == 10
    assert read_timing(tmp_path / "frames").span == span
    assemble_video(tmp_path / "frames", tmp_path / "out.mp4", like=source)
    assert times(tmp_path / "out.mp4") == [Fraction(number, 25) for number in range(10)]
    sound = probe(tmp_path / "out.mp4").duration
    assert sound is not None
    assert float(sound) == pytest.approx(0.4, abs=0.05)


def test_a_range_without_a_frame_is_refused(video: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no frame lies in the range"):
        split_video(video, tmp_path / "frames", span=(Fraction(100), None))
    assert not (tmp_path / "frames").exists()


def test_frames_without_timing_become_a_video_of_a_rate(tmp_path: Path) -> None:
    source = with_sound(make_video(tmp_path / "in.mp4"), tmp_path / "sound.mp4")
    split_video(source, tmp_path / "frames")
    (tmp_path / "frames" / "timing.json").unlink()
    for number, path in enumerate(sorted((tmp_path / "frames").iterdir())):
        path.rename(path.with_name(f"take2.{number}.png"))  # 10 would come before 2
    arguments = ["assemble", tmp_path / "frames", tmp_path / "out.mp4", "--like", source, "--fps", "12.5", "--crf", "4"]
    result = CliRunner().invoke(suite, list(map(str, arguments)))
    assert result.exit_code == 0, result.output
    assert times(tmp_path / "out.mp4") == [Fraction(2 * number, 25) for number in range(10)]
    shown, split = pixels(tmp_path / "out.mp4"), pixels(source)
    assert all(np.abs(a.astype(int) - b).mean() < ENCODING_ERROR for a, b in zip(shown, split, strict=True))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov", ".webm", ".gif"])
def test_frames_and_a_rate_are_enough_for_a_video(tmp_path: Path, suffix: str) -> None:
    (tmp_path / "frames").mkdir()
    for number in range(5):
        ramp = np.full((48, 64, 3), 40 * number, np.uint8)
        write_picture(picture_from_pixels(ramp), tmp_path / "frames" / f"shot.{number + 8}.png")
    output = tmp_path / f"out{suffix}"
    result = run("assemble", tmp_path / "frames", output, "--fps", "12.5")
    assert result.exit_code == 0, result.output
    assert times(output) == [Fraction(2 * number, 25) for number in range(5)]
    assert codecs(output) == [{".webm": "vp9", ".gif": "gif"}.get(suffix, "h264")]
    assert [abs(int(shown.mean()) - 40 * number) < 4 for number, shown in enumerate(pixels(output))] == [True] * 5
    assert leftovers(tmp_path) == ["frames", output.name]


def test_frames_with_timing_keep_their_times_without_the_original(video: Path, tmp_path: Path) -> None:
    split_video(video, tmp_path / "frames")
    result = assemble_video(tmp_path / "frames", tmp_path / "out.mp4")
    shown, original = times(tmp_path / "out.mp4"), times(video)
    assert [time - shown[0] for time in shown] == [time - original[0] for time in original]
    assert any("the frames alone" in message for message in result.messages)
    assert len(codecs(tmp_path / "out.mp4")) == 1


def test_frames_of_a_range_without_the_original_begin_at_0(tmp_path: Path) -> None:
    split_video(make_video(tmp_path / "in.mp4"), tmp_path / "frames", span=(Fraction(1, 5), None))
    assemble_video(tmp_path / "frames", tmp_path / "out.mp4")
    assert times(tmp_path / "out.mp4")[0] == 0


def test_frames_alone_that_are_transparent_stay_so(tmp_path: Path) -> None:
    (tmp_path / "frames").mkdir()
    alpha = np.full((48, 64), 100, np.uint8)
    write_picture(picture_from_pixels(np.full((48, 64, 3), 90, np.uint8), alpha), tmp_path / "frames" / "1.png")
    assemble_video(tmp_path / "frames", tmp_path / "out.webm", rate=Fraction(5))
    assert probe(tmp_path / "out.webm").has_alpha


def test_frames_without_timing_and_without_a_rate_are_refused(video: Path, tmp_path: Path) -> None:
    split_video(video, tmp_path / "frames")
    (tmp_path / "frames" / "timing.json").unlink()
    with pytest.raises(MediaError, match="frames without it need a rate"):
        assemble_video(tmp_path / "frames", tmp_path / "out.mp4", like=video)
