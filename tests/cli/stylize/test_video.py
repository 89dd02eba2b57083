from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from click.testing import CliRunner, Result

from stylecli.cli.app import suite
from stylecli.inference.engine import working_devices
from stylecli.media.pixels import LUMA
from stylecli.media.video.writing.writer import Sound, record
from stylecli.photos.film import RATE, chord
from tests.support.packs import StyleFactory


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a clip of 12 frames, 96 x 64, one second, with sound. Read only."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    random = np.random.default_rng(0)
    # Blocks of 8 pixels: noise of single pixels would not survive the halved colour of 4:2:0.
    frames = [random.integers(0, 255, (8, 12, 3), np.uint8).repeat(8, 0).repeat(8, 1) for _ in range(12)]
    record(path, frames, size=(96, 64), rate=Fraction(12), sound=Sound(chord(1.0), RATE))
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(suite, ["video", *map(str, arguments)])


def decoded(path: Path) -> list[tuple[Fraction, np.ndarray]]:
    with av.open(str(path)) as container:
        return [
            (frame.pts * frame.time_base, frame.to_ndarray(format="rgb24").astype(int))
            for frame in container.decode(video=0)
        ]


def test_a_video_is_stylized_with_its_sound_and_timestamps(clip: Path, tiny_style: Path, tmp_path: Path) -> None:
    result = run(clip, "-s", tiny_style, "-o", tmp_path / "out.mp4", "--device", "cpu")
    assert result.exit_code == 0, result.output
    before, after = decoded(clip), decoded(tmp_path / "out.mp4")
    assert [time for time, _ in before] == [time for time, _ in after]
    assert np.abs(before[0][1] - after[0][1]).mean() > 10
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert len(container.streams.audio) == 1


def test_fine_strokes_are_painted_if_asked_for(clip: Path, make_style: StyleFactory, tmp_path: Path) -> None:
    style, films = make_style(tmp_path, "fine", detail=1.0), []
    for number, options in enumerate(([], ["--detail", "0"], ["--detail", "1"])):
        films.append(tmp_path / f"{number}.mp4")
        result = run(clip, "-s", style, "-o", films[-1], "--range", "0-0.4", *options, "--device", "cpu")
        assert result.exit_code == 0, result.output
    unasked, without, fine = (path.read_bytes() for path in films)
    assert unasked == without != fine


def test_strength_zero_keeps_the_picture(clip: Path, tiny_style: Path, tmp_path: Path) -> None:
    run(clip, "-s", tiny_style, "-o", tmp_path / "out.mp4", "--strength", "0", "--crf", "4")
    # What is left is the loss of the encoder. The luma is looked at: 4:2:0 halves the colour each time.
    change = (decoded(clip)[0][1] - decoded(tmp_path / "out.mp4")[0][1]) @ LUMA
    assert np.median(np.abs(change)) < 1.5


def test_a_range_is_cut_out(clip: Path, tiny_style: Path, tmp_path: Path) -> None:
    assert run(clip, "-s", tiny_style, "-o", tmp_path / "out.mp4", "--range", "0.25:0.75").exit_code == 0
    assert len(decoded(tmp_path / "out.mp4")) == 6


def test_json_tells_progress_and_result(clip: Path, tiny_style: Path, tmp_path: Path) -> None:
    result = run(clip, "-s", tiny_style, "-o", tmp_path / "out.mp4", "--json", "--device", "cpu")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert lines[-1]["event"] == "result"
    assert (lines[-1]["frames"], lines[-1]["width"], lines[-1]["height"], lines[-1]["device"]) == (12, 96, 64, "cpu")
    assert lines[0]["event"] == "progress"


def test_the_default_name_holds_the_style(clip: Path, tiny_style: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.mp4").write_bytes(clip.read_bytes())
    assert run(tmp_path / "mine.mp4", "-s", tiny_style).exit_code == 0
    assert (tmp_path / "mine-tiny.mp4").exists()


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["-s", "no-such-style"], 3),
        (["--range", "backwards"], 2),
        (["--range", "5:2"], 2),
        (["--codec", "divx"], 2),
        (["--crf", "1000"], 2),
        (["--strength", "7"], 2),
    ],
)
def test_bad_options_have_their_exit_code(
    clip: Path, tiny_style: Path, tmp_path: Path, options: list[str], code: int
) -> None:
    style = [] if "-s" in options else ["-s", tiny_style]
    assert run(clip, *style, "-o", tmp_path / "out.mp4", *options).exit_code == code
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"This is a text and no video.\n" * 100])
def test_what_is_no_video_is_a_media_error(content: bytes, tiny_style: Path, tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_bytes(content)
    result = run(tmp_path / "text.mp4", "-s", tiny_style, "-o", tmp_path / "out.mp4")
    assert result.exit_code == 4
    assert "text.mp4" in result.stderr


def test_cuda_without_cuda_is_a_device_error(clip: Path, tiny_style: Path, tmp_path: Path) -> None:
    if not working_devices()["cuda"]:
        pytest.skip("CUDA works here")
    assert run(clip, "-s", tiny_style, "-o", tmp_path / "out.mp4", "--device", "cuda").exit_code == 5
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_leaves_no_file(tiny_style: Path, tmp_path: Path, number: int, code: int) -> None:
    source = tmp_path / "long.mp4"
    frame = np.zeros((360, 640, 3), np.uint8)
    record(source, (frame for _ in range(600)), size=(640, 360), rate=Fraction(25), sound=Sound(chord(1.0), RATE))
    line = [sys.executable, "-m", "stylecli", "video", source, "-s", tiny_style, "-o", tmp_path / "out.mp4", "--json"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()  # it is at work
        process.send_signal(number)
        process.communicate(timeout=180)
    assert process.returncode == code
    assert [path.name for path in tmp_path.iterdir()] == ["long.mp4"]


# --- several, and from a pipe


@pytest.fixture
def clips(clip: Path, tmp_path: Path) -> Path:
    """Give a folder of two good videos and a broken one."""
    folder = tmp_path / "clips"
    folder.mkdir()
    for name in ("a.mp4", "c.mp4"):
        (folder / name).write_bytes(clip.read_bytes())
    (folder / "b.mp4").write_bytes(b"no video")
    return folder


def test_a_folder_is_stylized_and_a_broken_video_costs_itself(clips: Path, tiny_style: Path, tmp_path: Path) -> None:
    result = run(clips, "-s", tiny_style, "-o", tmp_path / "out", "--device", "cpu")
    assert result.exit_code == 6
    assert "b.mp4" in result.stderr
    assert "1 of 3 videos failed. The others are done." in result.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a-tiny.mp4", "c-tiny.mp4"]
    assert len(decoded(tmp_path / "out" / "c-tiny.mp4")) == 12


def test_json_tells_what_became_of_each_video(clips: Path, tiny_style: Path, tmp_path: Path) -> None:
    run(clips / "a.mp4", "-s", tiny_style, "-o", tmp_path / "out", "--device", "cpu")
    result = run(clips, "-s", tiny_style, "-o", tmp_path / "out", "--device", "cpu", "--json")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    results = [line for line in lines if line["event"] == "result"]
    assert [(Path(line["input"]).name, line["status"]) for line in results] == [
        ("a.mp4", "kept"), ("b.mp4", "failed"), ("c.mp4", "done")]  # fmt: skip
    assert results[1]["hint"]
    assert results[2]["frames"] == 12


def test_a_video_comes_from_stdin(clip: Path, tiny_style: Path, tmp_path: Path) -> None:
    line = ["video", "-", "-s", str(tiny_style), "-o", str(tmp_path / "out.mkv"), "--device", "cpu"]
    result = CliRunner().invoke(suite, line, input=clip.read_bytes())
    assert result.exit_code == 0, result.output
    assert len(decoded(tmp_path / "out.mkv")) == 12
    assert [path.name for path in tmp_path.iterdir()] == ["out.mkv"]


@pytest.mark.parametrize("arguments", [["-"], ["-", "more.mp4", "-o", "out.mkv"]])
def test_stdin_stands_alone_and_needs_a_name(tiny_style: Path, arguments: list[str]) -> None:
    assert run(*arguments, "-s", tiny_style).exit_code == 2


@pytest.mark.parametrize("span", ["0.25:0.75", "0:00:00.25-0:00.75", "0.25-0:00:00.75"])
def test_a_range_is_told_in_seconds_or_in_times(clip: Path, tiny_style: Path, tmp_path: Path, span: str) -> None:
    assert run(clip, "-s", tiny_style, "-o", tmp_path / "out.mp4", "--range", span).exit_code == 0
    assert len(decoded(tmp_path / "out.mp4")) == 6


@pytest.mark.parametrize("span", ["1:2:3:4-5", "1:99-2", "a-b", "5", "1.5:-2"])
def test_a_range_that_is_none_is_refused(clip: Path, tiny_style: Path, span: str) -> None:
    assert run(clip, "-s", tiny_style, "--range", span).exit_code == 2


def test_frames_a_second_and_sound_are_chosen(clip: Path, tiny_style: Path, tmp_path: Path) -> None:
    options = ("--fps", "24", "--audio", "none", "--pixel-format", "yuv444p", "--device", "cpu")
    assert run(clip, "-s", tiny_style, "-o", tmp_path / "out.mp4", *options).exit_code == 0
    assert [time for time, _ in decoded(tmp_path / "out.mp4")] == [Fraction(number, 24) for number in range(24)]
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert [stream.type for stream in container.streams] == ["video"]
        assert container.streams.video[0].codec_context.pix_fmt == "yuv444p"


@pytest.mark.parametrize("option", [("--fps", "fast"), ("--fps", "0"), ("--pixel-format", "bgr0"), ("--audio", "mp4")])
def test_what_cannot_be_is_refused_before_any_frame(
    clip: Path, tiny_style: Path, tmp_path: Path, option: tuple[str, str]
) -> None:
    assert run(clip, "-s", tiny_style, "-o", tmp_path / "out.mp4", *option).exit_code == 2
    assert list(tmp_path.iterdir()) == []
