from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from stylecli.cli.app import suite
from stylecli.core.errors import MediaError
from stylecli.editors.pipe import stylize_stream
from stylecli.editors.raw_pixels import Layout
from stylecli.media.images.files import encode_picture, picture_from_pixels, read_picture
from stylecli.stylize.look import Look

Run = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture
def run(tiny_style: Path) -> Run:
    """Run `stylecli pipe` on an array (H, W, 4), or on bytes with the size given as options."""

    def pipe(pixels: NDArray[Any] | bytes, *options: object) -> subprocess.CompletedProcess[bytes]:
        size: list[object] = []
        if not isinstance(pixels, bytes):
            size = ["--width", pixels.shape[1], "--height", pixels.shape[0]]
            pixels = pixels.tobytes()
        line = [*size, "-s", "tiny", "--styles-dir", tiny_style.parent, "--device", "cpu", *options]
        return subprocess.run(
            [sys.executable, "-m", "stylecli", "pipe", *map(str, line)], input=pixels, capture_output=True, check=False
        )

    return pipe


def error_of(done: subprocess.CompletedProcess[bytes]) -> dict[str, Any]:
    (line,) = [line for line in done.stderr.decode().splitlines() if line.startswith("stylecli-error ")]
    error: dict[str, Any] = json.loads(line.removeprefix("stylecli-error "))
    return error


@pytest.fixture
def rgba(photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Give a photo whose alpha goes from transparent to opaque."""
    height, width = photo.shape[:2]
    alpha = np.broadcast_to(np.linspace(0, 255, width).astype(np.uint8), (height, width))
    return np.ascontiguousarray(np.dstack([photo, alpha]))


@pytest.mark.parametrize(
    "look", [[], ["--strength", "0.4"], ["--preserve-color"], ["--brush", "2.5"], ["--brush", "native"]]
)
def test_the_pixels_are_those_of_the_image_command(
    run: Run, rgba: NDArray[np.uint8], tiny_style: Path, tmp_path: Path, look: list[str]
) -> None:
    picture = picture_from_pixels(rgba[..., :3], rgba[..., 3])
    (tmp_path / "in.png").write_bytes(encode_picture(picture, ".png"))
    line = ["image", tmp_path / "in.png", "-s", tiny_style, "-o", tmp_path / "out.png", "--device", "cpu", *look]
    assert CliRunner().invoke(suite, [str(word) for word in line]).exit_code == 0
    expected = read_picture(tmp_path / "out.png").contents
    assert expected
    done = run(rgba, *look)
    assert done.returncode == 0
    painted = np.frombuffer(done.stdout, np.uint8).reshape(rgba.shape)
    np.testing.assert_array_equal(painted, expected.samples)


@pytest.mark.parametrize(("pixel", "dtype"), [("rgba8", "u1"), ("rgba16", "u2"), ("rgba16f", "f2"), ("rgba32f", "f4")])
def test_as_many_bytes_come_out_as_go_in(run: Run, pixel: str, dtype: str) -> None:
    done = run(np.ones((11, 13, 4), dtype), "--pixel", pixel, "--color", "linear", "--alpha", "premultiplied")
    assert done.returncode == 0
    assert len(done.stdout) == 11 * 13 * 4 * np.dtype(dtype).itemsize


def test_one_pixel_is_a_picture(run: Run) -> None:
    assert len(run(np.ones((1, 1, 4), np.uint8)).stdout) == 4


def test_progress_is_told_from_zero_on(run: Run, rgba: NDArray[np.uint8]) -> None:
    lines = run(rgba).stderr.decode().splitlines()
    told = [line.split(" ", 2) for line in lines if line.startswith("stylecli-progress ")]
    fractions = [float(fraction) for _, fraction, _ in told]
    assert fractions[0] == 0
    assert fractions == sorted(fractions)
    assert all(text for _, _, text in told)
    assert any("tiny" in text for _, _, text in told)


@pytest.mark.parametrize(("count", "said"), [(0, "0 bytes"), (99, "99 bytes"), (500, "more than 400")])
def test_a_wrong_number_of_bytes_is_told_with_both_numbers(run: Run, count: int, said: str) -> None:
    done = run(bytes(count), "--width", 10, "--height", 10)
    assert done.returncode == 4
    assert not done.stdout
    error = error_of(done)
    assert said in error["message"]
    assert "400" in error["message"]
    assert error["hint"]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--width", 0, "--height", 0], 2),
        (["--width", 30_000, "--height", 30_000], 2),
        (["--width", "wide", "--height", 2], 2),
        (["--width", 2], 2),
        (["--width", 2, "--height", 2, "--pixel", "bgra"], 2),
        (["--width", 2, "--height", 2, "--strength", 7], 2),
        (["--width", 2, "--height", 2, "--protocol", 9], 2),
        (["--width", 2, "--height", 2, "-s", "tinny"], 3),
    ],
)
def test_every_fault_is_one_line_for_the_host_and_no_pixel(run: Run, options: list[object], code: int) -> None:
    done = run(bytes(16), *options)
    assert done.returncode == code
    assert not done.stdout
    assert error_of(done)["code"] == code
    assert b"Traceback" not in done.stderr


def test_a_host_that_stops_writing_is_told_and_not_waited_for(
    tiny_style: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from stylecli.inference.engine import Engine
    from stylecli.packs.pack import open_pack

    monkeypatch.setattr("stylecli.editors.pipe.STALL", 0.05)
    source, end = os.pipe()
    os.write(end, b"some")
    with pytest.raises(MediaError, match="4 of 16 bytes"):
        stylize_stream(source, Layout(2, 2), lambda: Engine(open_pack(tiny_style), device="cpu"), Look())
    os.close(end)  # the reading thread ends with it


def test_a_host_that_goes_away_leaves_no_process(tiny_style: Path) -> None:
    line = [sys.executable, "-m", "stylecli", "pipe", "--width", "2000", "--height", "2000", "-s", str(tiny_style)]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(bytes(2000 * 2000 * 4))
        process.stdin.close()
        process.stdout.close()
        assert process.wait(timeout=180) != 0
        assert process.stderr
        assert b"stylecli-error" not in process.stderr.read()


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_it_ends_at_once_when_it_is_terminated(tiny_style: Path) -> None:
    line = [sys.executable, "-m", "stylecli", "pipe", "--width", "9", "--height", "9", "-s", str(tiny_style)]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stderr
        process.stderr.readline()  # it is at work, and waits for pixels
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=180) == 143
