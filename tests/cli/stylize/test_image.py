from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from numpy.typing import NDArray

from stylecli.cli.app import suite
from stylecli.inference.engine import working_devices
from stylecli.media.images.files import encode_picture, picture_from_pixels, read_picture

Run = Callable[..., Result]


@pytest.fixture
def run(tiny_style: Path) -> Run:
    def invoke(*arguments: object, stdin: bytes | None = None) -> Result:
        line = ["image", *map(str, arguments), "--styles-dir", str(tiny_style.parent), "--device", "cpu"]
        return CliRunner().invoke(suite, line, input=stdin)

    return invoke


def pixels_of(path: Path) -> NDArray[np.int64]:
    return read_picture(path).pixels.astype(int)


def test_a_picture_is_stylized(run: Run, photo_file: Path, tmp_path: Path) -> None:
    result = run(photo_file, "-s", "tiny", "-o", tmp_path / "out.jpg")
    assert result.exit_code == 0
    assert result.stdout.strip() == str(tmp_path / "out.jpg")
    assert pixels_of(tmp_path / "out.jpg").shape == (300, 451, 3)


@pytest.mark.parametrize(
    "options",
    [
        ["--strength", "0.5"],
        ["--preserve-color"],
        ["--brush", "3"],
        ["--detail", "1"],
        ["--mask", "MASK"],
        ["--strength", "0"],
    ],
)
def test_every_look_option_changes_the_pixels(run: Run, photo_file: Path, tmp_path: Path, options: list[str]) -> None:
    mask = np.zeros((10, 10, 3), np.uint8)
    mask[:5] = 255
    (tmp_path / "mask.png").write_bytes(encode_picture(picture_from_pixels(mask), ".png"))
    options = [str(tmp_path / "mask.png") if option == "MASK" else option for option in options]
    assert run(photo_file, "-s", "tiny", "-o", tmp_path / "plain.png").exit_code == 0
    assert run(photo_file, "-s", "tiny", "-o", tmp_path / "changed.png", *options).exit_code == 0
    assert np.abs(pixels_of(tmp_path / "plain.png") - pixels_of(tmp_path / "changed.png")).mean() > 1


def test_the_style_is_laid_over_another_picture(run: Run, photo_file: Path, tmp_path: Path) -> None:
    height, width = pixels_of(photo_file).shape[:2]
    mask = np.zeros((height, width, 3), np.uint8)
    mask[: height // 2] = 255
    (tmp_path / "mask.png").write_bytes(encode_picture(picture_from_pixels(mask), ".png"))
    other = np.full((height, width, 3), (200, 30, 90), np.uint8)
    (tmp_path / "other.png").write_bytes(encode_picture(picture_from_pixels(other), ".png"))
    run(photo_file, "-s", "tiny", "-o", tmp_path / "plain.png")
    where = ["--mask", tmp_path / "mask.png", "--over", tmp_path / "other.png"]
    assert run(photo_file, "-s", "tiny", "-o", tmp_path / "both.png", *where).exit_code == 0
    both, middle = pixels_of(tmp_path / "both.png"), height // 2
    np.testing.assert_array_equal(both[:middle], pixels_of(tmp_path / "plain.png")[:middle])
    np.testing.assert_array_equal(both[middle:], other[middle:])


def test_strength_zero_gives_the_identical_pixels(run: Run, photo_file: Path, tmp_path: Path) -> None:
    run(photo_file, "-s", "tiny", "-o", tmp_path / "same.png", "--strength", "0")
    np.testing.assert_array_equal(pixels_of(tmp_path / "same.png"), pixels_of(photo_file))


def test_json_tells_each_result_on_a_line(run: Run, photo_folder: Path, tmp_path: Path) -> None:
    result = run(photo_folder, "-s", "tiny", "-o", tmp_path / "out", "--json")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    results = [line for line in lines if line["event"] == "result"]
    assert {line["status"] for line in results} == {"done"}
    assert {line["device"] for line in results} == {"cpu"}
    assert len(results) == 4
    assert any(line["event"] == "progress" for line in lines)


def test_stdin_to_stdout(run: Run, photo_file: Path) -> None:
    result = run("-", "-s", "tiny", "-o", "-", stdin=photo_file.read_bytes())
    assert result.exit_code == 0
    assert read_picture(result.stdout_bytes).pixels.shape == (300, 451, 3)


def test_a_broken_file_in_a_folder_is_reported_and_the_others_are_done(
    run: Run, photo_file: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "good.png").write_bytes(photo_file.read_bytes())
    (folder / "cut.png").write_bytes(photo_file.read_bytes()[:5000])
    result = run(folder, "-s", "tiny", "-o", tmp_path / "out")
    assert result.exit_code == 6
    assert "cut.png" in result.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["good-tiny.png"]


def test_an_unknown_style_names_the_close_one(run: Run, photo_file: Path, tmp_path: Path) -> None:
    result = run(photo_file, "-s", "tinny", "-o", tmp_path / "out.png")
    assert result.exit_code == 3
    assert "tiny" in result.stderr


@pytest.mark.parametrize("content", [b"", b"no picture at all", b"\xff\xd8\xff\xe0 cut"])
def test_what_is_no_picture_is_a_media_error(run: Run, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.jpg").write_bytes(content)
    result = run(tmp_path / "bad.jpg", "-s", "tiny")
    assert result.exit_code == 4
    assert "bad.jpg" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["bad.jpg"]


def test_a_missing_file_is_a_media_error_said_once(run: Run, tmp_path: Path) -> None:
    result = run(tmp_path / "none.jpg", "-s", "tiny")
    assert result.exit_code == 4
    assert result.stderr.count("none.jpg") == 1


def test_an_existing_output_is_kept(run: Run, photo_file: Path, tmp_path: Path) -> None:
    (tmp_path / "out.png").write_text("mine")
    result = run(photo_file, "-s", "tiny", "-o", tmp_path / "out.png")
    assert result.exit_code == 2
    assert "--overwrite" in result.stderr
    assert (tmp_path / "out.png").read_text() == "mine"
    assert run(photo_file, "-s", "tiny", "-o", tmp_path / "out.png", "--overwrite").exit_code == 0


def test_output_equal_to_input_is_refused(run: Run, tmp_path: Path, photo_file: Path) -> None:
    (tmp_path / "a.png").write_bytes(photo_file.read_bytes())
    assert run(tmp_path / "a.png", "-s", "tiny", "-o", tmp_path / "a.png", "--overwrite").exit_code == 2
    assert (tmp_path / "a.png").read_bytes() == photo_file.read_bytes()


def test_an_unwritable_target_is_a_media_error(run: Run, photo_file: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    result = run(photo_file, "-s", "tiny", "-o", tmp_path / "file" / "out.png")
    assert result.exit_code == 4


def test_cuda_without_cuda_is_a_device_error(photo_file: Path, tiny_style: Path, tmp_path: Path) -> None:
    if not working_devices()["cuda"]:
        pytest.skip("CUDA works here")
    line = ["image", str(photo_file), "-s", str(tiny_style), "-o", str(tmp_path / "out.png"), "--device", "cuda"]
    result = CliRunner().invoke(suite, line)
    assert result.exit_code == 5
    assert not (tmp_path / "out.png").exists()


@pytest.mark.parametrize("option", [["--strength", "2"], ["--brush", "0"], ["--brush", "wide"], ["--quality", "0"]])
def test_an_impossible_option_is_a_usage_error(run: Run, photo_file: Path, tmp_path: Path, option: list[str]) -> None:
    assert run(photo_file, "-s", "tiny", "-o", tmp_path / "out.png", *option).exit_code == 2
    assert not (tmp_path / "out.png").exists()


def test_an_unknown_command_names_the_close_one() -> None:
    result = CliRunner().invoke(suite, ["vidoe"])
    assert result.exit_code == 2
    assert "video" in result.stderr


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_tells_by_its_exit_code_and_leaves_no_half_file(
    tmp_path: Path, photo_file: Path, tiny_style: Path, number: int, code: int
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for index in range(400):
        (folder / f"{index}.png").hardlink_to(photo_file)
    line = [sys.executable, "-m", "stylecli", "image", str(folder), "-s", str(tiny_style), "-o", str(tmp_path / "out")]
    with subprocess.Popen([*line, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()  # it is at work
        process.send_signal(number)
        process.communicate(timeout=180)
    assert process.returncode == code
    made = list((tmp_path / "out").glob("*")) if (tmp_path / "out").exists() else []
    assert len(made) < 400
    for path in made:
        assert path.suffix == ".png"
        assert not path.name.startswith(".")
        read_picture(path)


@pytest.mark.skipif(os.name != "posix", reason="a terminal of POSIX")
def test_a_pipe_gets_the_results_and_the_terminal_the_bar(photo_folder: Path, tiny_style: Path, tmp_path: Path) -> None:
    import pty

    terminal, end = pty.openpty()
    line = [sys.executable, "-m", "stylecli", "image", photo_folder, "-s", tiny_style, "-o", tmp_path / "out"]
    done = subprocess.run(line, stdout=subprocess.PIPE, stderr=end, text=True, check=True)
    os.close(end)
    shown = os.read(terminal, 100_000).decode()
    os.close(terminal)
    assert sorted(done.stdout.split()) == sorted(str(path) for path in (tmp_path / "out").iterdir())
    assert "ETA" in shown


def test_what_is_lost_is_told_once_a_run_and_per_item(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    pixels = np.full((20, 20, 3), 90, np.uint8)
    for name in ("one.png", "two.png"):
        data = encode_picture(picture_from_pixels(pixels, np.full((20, 20), 9, np.uint8)), ".png")
        (folder / name).write_bytes(data)
    single = run(folder / "one.png", "-s", "tiny", "-o", tmp_path / "one.jpg", "--json")
    assert single.stderr.count("stylecli: not kept: transparency") == 1
    (result,) = [line for line in map(json.loads, single.stdout.splitlines()) if line["event"] == "result"]
    assert result["lost"][0].startswith("transparency")
    assert run(folder, "-s", "tiny", "-o", tmp_path / "out").stderr == ""


def test_strict_writes_nothing_where_something_would_be_lost(run: Run, tmp_path: Path) -> None:
    pixels = np.full((20, 20, 3), 90, np.uint8)
    data = encode_picture(picture_from_pixels(pixels, np.full((20, 20), 9, np.uint8)), ".png")
    (tmp_path / "clear.png").write_bytes(data)
    result = run(tmp_path / "clear.png", "-s", "tiny", "-o", tmp_path / "out.jpg", "--strict")
    assert (result.exit_code, (tmp_path / "out.jpg").exists()) == (4, False)
    assert "--strict" in result.stderr
