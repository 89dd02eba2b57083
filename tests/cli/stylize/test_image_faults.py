"""What goes wrong with one picture, or around the process, ends no batch: every item is done or a named failure."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray

from stylecli.media.images.files import picture_from_pixels, read_picture, write_picture
from tests.support.processes import ends_soon

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="file names, streams and limits of Linux")

LONG = "x" * 249  # bytes; with the style behind it, longer than file systems take
UNENCODABLE = os.fsdecode(b"n\xff.png")
GOOD = ("a.png", "b.png")


@pytest.fixture
def folder(tmp_path: Path, photo: NDArray[np.uint8]) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in GOOD:
        write_picture(picture_from_pixels(photo[:40, :60].copy()), folder / name)
    return folder


def image(tiny_style: Path, *arguments: object, before: tuple[str, ...] = (), **how: Any) -> Any:
    line = [*before, sys.executable, "-m", "stylecli", "image", *map(str, arguments)]
    style = ["-s", "tiny", "--styles-dir", str(tiny_style.parent)]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.run([*line, *style, "--device", "cpu"], check=False, **streams | how)


def made(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


@pytest.mark.parametrize("kind", ["long name", "loop of links", "link to nothing", "empty", "no picture", "cut"])
def test_a_bad_item_is_named_and_the_others_are_done(folder: Path, tiny_style: Path, tmp_path: Path, kind: str) -> None:
    bad = folder / (f"{LONG}.png" if kind == "long name" else "bad.png")
    match kind:
        case "long name":
            shutil.copy(folder / "a.png", bad)
        case "loop of links":
            bad.symlink_to("bad.png")
        case "link to nothing":
            bad.symlink_to("nowhere.png")
        case "empty":
            bad.touch()
        case "no picture":
            bad.write_text("Dear diary")
        case "cut":
            bad.write_bytes((folder / "a.png").read_bytes()[:500])
    done = image(tiny_style, folder, "-o", tmp_path / "out", "--json")
    assert done.returncode == 6, done.stderr.decode()
    assert made(tmp_path / "out") == ["a-tiny.png", "b-tiny.png"]
    results = [json.loads(line) for line in done.stdout.splitlines()]
    (failed,) = [line for line in results if line.get("status") == "failed"]
    assert failed["input"] == str(bad)
    assert failed["message"]
    assert b"Traceback" not in done.stderr


def test_a_name_that_is_no_text_is_printed_as_it_is(folder: Path, tiny_style: Path, tmp_path: Path) -> None:
    shutil.copy(folder / "a.png", folder / UNENCODABLE)
    ascii_only = {
        **os.environ,
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONIOENCODING": "ascii",
    }
    done = image(tiny_style, folder, "-o", tmp_path / "out", env=ascii_only)
    assert done.returncode == 0, done.stderr.decode()
    assert b"n\xff-tiny.png" in done.stdout
    assert len(made(tmp_path / "out")) == 3


def test_a_folder_that_cannot_be_entered_is_named(
    folder: Path, tiny_style: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from stylecli.stylize.pictures.jobs import plan_jobs
    from stylecli.stylize.pictures.selection import Selection

    locked = folder / "locked"
    locked.mkdir()
    real = os.scandir

    def scandir(path: Any) -> Any:  # root may enter every folder
        if Path(path) == locked:
            raise PermissionError(13, "Permission denied", str(locked))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    jobs = plan_jobs([folder], ["tiny"], tmp_path / "out", selection=Selection(recursive=True))
    assert [str(job.fault) for job in jobs if job.fault] == [
        f"{locked}: it cannot be read (Permission denied). Change its permissions."
    ]
    assert len(jobs) == 3


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_a_full_disk_behind_stdout_stops_no_picture(
    folder: Path, tiny_style: Path, tmp_path: Path, arguments: list[str]
) -> None:
    with Path("/dev/full").open("wb") as full:
        done = image(tiny_style, folder, "-o", tmp_path / "out", *arguments, stdout=full)
    assert made(tmp_path / "out") == ["a-tiny.png", "b-tiny.png"]
    assert done.returncode == 4
    assert done.stderr.decode().strip() == (
        "stylecli: stdout: it cannot be written (No space left on device). The work itself is done."
    )


def test_a_picture_that_does_not_fit_behind_stdout_is_a_media_error(folder: Path, tiny_style: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = image(tiny_style, folder / "a.png", "-o", "-", stdout=full)
    assert done.returncode == 4
    assert b"No space left" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("closed", ["2>&-", ">&-", ">&- 2>&-", "<&- >&- 2>&-", "2>/dev/full"])
def test_closed_streams_stop_no_picture(folder: Path, tiny_style: Path, tmp_path: Path, closed: str) -> None:
    done = image(tiny_style, folder, "-o", tmp_path / "out", before=("sh", "-c", f'exec "$@" {closed}', "sh"))
    assert done.returncode == 0
    for name in ("a-tiny.png", "b-tiny.png"):
        read_picture(tmp_path / "out" / name)


@pytest.mark.skipif(not shutil.which("prlimit"), reason="needs prlimit")
def test_too_little_memory_for_one_picture_is_named(folder: Path, tiny_style: Path, tmp_path: Path) -> None:
    pyvips.Image.black(16_000, 16_000).pngsave(str(folder / "large.png"), bitdepth=1, compression=1)
    done = image(tiny_style, folder, "-o", tmp_path / "out", before=("prlimit", f"--as={1_000_000_000}"))
    assert done.returncode == 6, done.stderr.decode()
    assert b"large.png: there is too little memory" in done.stderr
    assert b"Traceback" not in done.stderr
    assert made(tmp_path / "out") == ["a-tiny.png", "b-tiny.png"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_folder_of_large_pictures_is_left_within_a_second(
    tmp_path: Path, tiny_style: Path, number: int, code: int
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (700, 1000, 3), np.uint8)
    write_picture(picture_from_pixels(noise), folder / "0.png")
    for index in range(1, 20):
        (folder / f"{index}.png").hardlink_to(folder / "0.png")
    line = [sys.executable, "-m", "stylecli", "image", str(folder), "-s", "tiny"]
    line += ["--styles-dir", str(tiny_style.parent), "-o", str(tmp_path / "out")]
    with subprocess.Popen([*line, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert any(b'"result"' in line for line in process.stdout)  # it paints the next ones
        with ends_soon(process):
            process.send_signal(number)
            process.communicate(timeout=180)
    assert process.returncode == code
    for path in (tmp_path / "out").iterdir():
        assert not path.name.startswith(".")
        assert read_picture(path).pixels.shape == noise.shape
