from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from stylecli.core.files import bundled_folder
from stylecli.editors.frei0r.build import FLAGS, find_compiler
from stylecli.editors.spool.worker import stop
from stylecli.inference.engine import Engine
from stylecli.packs.pack import StylePack, open_pack
from stylecli.stylize.look import Look
from stylecli.stylize.painting import paint
from tests.editors.frei0r.conftest import Installation

Frame = NDArray[np.uint8]


@pytest.fixture
def frame(photo: NDArray[np.uint8]) -> Frame:
    """Give a frame of 45 x 31 pixels, all of it opaque."""
    return np.dstack([photo[:31, :45], np.full((31, 45), 255, np.uint8)])


def expected(installed: Installation, frame: Frame, style: str = "tiny", **look: Any) -> Frame:
    """What stylecli makes of a frame without any host."""
    with Engine(open_pack(installed.shelf / style), device="cpu") as engine:
        painted = paint(engine, np.ascontiguousarray(frame[..., :3]), Look(**look))
    return np.dstack([painted, frame[..., 3]])


def is_marked(frame: Frame) -> bool:
    """Whether stripes of red lie over a frame that could not be painted."""
    return bool((frame[..., 0] == 255).mean() > 0.2)


def updated(installed: Installation, frame: Frame, **values: float | str) -> Frame:
    with installed.filter(frame.shape[1], frame.shape[0], **values) as loaded:
        return loaded.update(frame)


@pytest.mark.parametrize(
    ("values", "same"),
    [
        ({}, {}),
        ({"style": "zebra"}, {"style": "zebra"}),
        ({"strength": 0.4}, {"strength": 0.4}),
        ({"keep_colours": 1.0}, {"preserve_color": True}),
        ({"stroke_size": "2"}, {"brush": 2}),
        ({"stroke_size": "0.50"}, {"brush": 0.5}),
        ({"stroke_size": "native"}, {"brush": "native"}),
        ({"variant": "fast"}, {}),
    ],
    ids=str,
)
def test_every_parameter_does_what_its_option_does(
    shared: Installation, frame: Frame, values: dict[str, Any], same: dict[str, Any]
) -> None:
    with shared.filter(45, 31) as loaded:
        loaded.set(**values)
        painted = loaded.update(frame)
    np.testing.assert_array_equal(painted, expected(shared, frame, **same))
    assert shared.left() == set()


def test_without_a_style_it_is_the_first_of_the_list(installed: Installation, frame: Frame) -> None:
    installed.change_config(styles=[{"style": "zebra", "title": "Another One"}])
    np.testing.assert_array_equal(updated(installed, frame, style=""), expected(installed, frame, "zebra"))
    (installed.spool / "styles.json").write_text(json.dumps([{"style": "tiny", "title": "Tiny"}]))
    np.testing.assert_array_equal(updated(installed, frame, style=""), expected(installed, frame))


def test_hosts_are_told_the_defaults(shared: Installation) -> None:
    with shared.filter(4, 4) as loaded:
        loaded.set(style="")
        assert {name: loaded.get(name) for name in loaded.parameters()} == {
            "style": "",
            "strength": 1,
            "stroke size": "auto",
            "keep colours": 0,
            "variant": "",
            "steady": 1,
            "cache": 0,
            "on error": "mark",
            "timeout": "120",
        }


@pytest.mark.parametrize(("width", "height"), [(1, 1), (7, 1), (2, 9), (17, 33)])
def test_odd_sizes_come_back_as_they_went(shared: Installation, width: int, height: int) -> None:
    frame = np.random.default_rng(0).integers(0, 256, (height, width, 4), np.uint8)
    frame[..., 3] = 255
    np.testing.assert_array_equal(updated(shared, frame), expected(shared, frame))


def test_alpha_stays_as_it_is(shared: Installation, frame: Frame) -> None:
    frame[10:, :, 3] = np.arange(45)
    np.testing.assert_array_equal(updated(shared, frame)[..., 3], frame[..., 3])


def test_strength_0_gives_the_frame_without_a_worker(installed: Installation, frame: Frame) -> None:
    np.testing.assert_array_equal(updated(installed, frame, strength=0.0), frame)
    assert not (installed.spool / "worker.lock").exists()


def test_frames_share_their_statistics_unless_told_otherwise(
    installed: Installation, normalizing_pack: StylePack, photo: NDArray[np.uint8]
) -> None:
    shutil.copytree(normalizing_pack.folder, installed.shelf / "normalizing")
    first = np.dstack([photo, np.full(photo.shape[:2], 255, np.uint8)])
    second = first.copy()
    second[100:160, 100:160, :3] = 255  # a small change: the scene goes on
    untouched = np.s_[200:, 300:]
    for steady in (1.0, 0.0):  # each frame by an instance of its own, as those of MLT's threads are
        one, two = (updated(installed, frame, style="normalizing", steady=steady) for frame in (first, second))
        assert np.array_equal(one[untouched], two[untouched]) == bool(steady)


def test_a_frame_that_comes_again_is_taken_from_the_cache(installed: Installation, frame: Frame) -> None:
    painted = updated(installed, frame, cache=1.0)
    (kept,) = (file for file in (installed.spool / "cache").iterdir() if file.suffix != ".json")
    kept.write_bytes(kept.read_bytes()[::-1])
    again = updated(installed, frame, cache=1.0)
    assert again.tobytes() == painted.tobytes()[::-1]
    np.testing.assert_array_equal(updated(installed, frame), painted)


@pytest.mark.parametrize("name", ["gone", "a:0.6+b:0.4", 'one "two" \\ three', "Großes Gemälde 絵", "tab\there"])
def test_the_name_of_a_style_reaches_the_worker_as_it_is(
    shared: Installation, frame: Frame, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert is_marked(updated(shared, frame, style=name))
    said = capfd.readouterr().err
    asked = name.partition(":")[0]  # of a blend, its first style
    assert f"stylecli: {asked.replace(chr(9), ' ')}" in said
    assert shared.left() == set()


def test_a_fault_is_told_once_and_the_frame_is_marked_or_passes(
    shared: Installation, frame: Frame, capfd: pytest.CaptureFixture[str]
) -> None:
    with shared.filter(45, 31, stroke_size="wide") as loaded:
        assert all(is_marked(loaded.update(frame)) for _ in range(3))
        loaded.set(on_error="pass")
        np.testing.assert_array_equal(loaded.update(frame), frame)
    assert capfd.readouterr().err.count("wide") == 1


def test_the_reason_stands_in_the_marked_frame(shared: Installation) -> None:
    frame = np.full((180, 320, 4), 128, np.uint8)
    one, other = (updated(shared, frame, style=name) for name in ("gone", "lost"))
    lines = np.s_[:12]  # two lines of letters of 5 pixels, and a margin
    assert set(np.unique(one[lines][..., :3])) == {0, 255}
    assert not np.array_equal(one[lines], other[lines])
    np.testing.assert_array_equal(one[20:], other[20:])
    assert is_marked(one[20:])


def test_without_a_connection_it_says_what_to_do(
    shared: Installation, frame: Frame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert is_marked(updated(shared, frame))
    assert "stylecli plugins install frei0r" in capfd.readouterr().err
    monkeypatch.delenv("HOME")
    assert is_marked(updated(shared, frame))
    assert "HOME" in capfd.readouterr().err


def test_a_stylecli_that_does_not_start_is_told_at_once(
    installed: Installation, frame: Frame, capfd: pytest.CaptureFixture[str]
) -> None:
    (installed.folder / "stylecli.sh").write_text("#!/bin/sh\necho the disk is gone >&2\nexit 3\n")
    begun = time.monotonic()
    assert is_marked(updated(installed, frame))
    assert is_marked(updated(installed, frame))
    assert time.monotonic() - begun < 60  # the frames would wait for 120 each
    assert "stylecli does not start: the disk is gone" in capfd.readouterr().err
    assert installed.left() == set()


def test_a_worker_that_was_killed_is_replaced(installed: Installation, frame: Frame) -> None:
    with installed.filter(45, 31) as loaded:
        loaded.update(frame)
        pid = installed.worker_pid
        os.kill(pid, signal.SIGKILL)
        np.testing.assert_array_equal(loaded.update(frame[::-1]), expected(installed, frame[::-1]))
    assert installed.worker_pid != pid


def test_a_worker_of_another_version_is_replaced(installed: Installation, frame: Frame) -> None:
    updated(installed, frame)
    worker = installed.spool / "worker.json"
    facts = json.loads(worker.read_text())
    worker.write_text(json.dumps({**facts, "version": "0.0.1"}))
    np.testing.assert_array_equal(updated(installed, frame), expected(installed, frame))
    assert wait_for_another_worker(worker, facts["pid"])


def wait_for_another_worker(worker: Path, pid: int) -> bool:
    """Whether one comes; the frame itself may have been the last of the old one."""
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        try:
            if json.loads(worker.read_text())["pid"] != pid:
                return True
        except (OSError, ValueError):
            return True  # it has ended
        time.sleep(0.01)
    return False


def test_a_worker_that_stands_still_ends_the_wait_in_time(
    installed: Installation, frame: Frame, capfd: pytest.CaptureFixture[str]
) -> None:
    updated(installed, frame)
    pid = installed.worker_pid
    os.kill(pid, signal.SIGSTOP)
    try:
        assert is_marked(updated(installed, frame, timeout="1"))
    finally:
        os.kill(pid, signal.SIGCONT)
    assert "no answer for 1 seconds" in capfd.readouterr().err
    assert {name.rpartition(".")[2] for name in installed.left()} <= {"cancel", "err"}


def test_a_spool_that_cannot_be_written_is_told(
    installed: Installation, frame: Frame, capfd: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(installed.spool)
    installed.spool.write_text("not a folder")
    assert is_marked(updated(installed, frame))
    assert "Not a directory" in capfd.readouterr().err
    installed.spool.unlink()
    np.testing.assert_array_equal(updated(installed, frame), expected(installed, frame))  # it is made again


@pytest.fixture
def open_file(tmp_path: Path) -> Iterator[int]:
    """Give a file of the host that its children would inherit."""
    file = os.open(tmp_path / "of the host", os.O_CREAT | os.O_RDWR)
    os.set_inheritable(file, True)
    yield file
    os.close(file)


def test_the_worker_keeps_no_file_of_the_host_open(installed: Installation, frame: Frame, open_file: int) -> None:
    updated(installed, frame)
    held = {file.readlink().name for file in Path(f"/proc/{installed.worker_pid}/fd").iterdir()}
    assert "of the host" not in held
    assert os.getsid(installed.worker_pid) != os.getsid(0)


def test_threads_paint_side_by_side_by_one_worker(installed: Installation, frame: Frame) -> None:
    def render(number: int) -> Frame:
        with installed.filter(45, 31, strength=0.2 * number) as loaded:
            return [loaded.update(frame) for _ in range(5)][-1]

    with ThreadPoolExecutor(4) as threads:
        for number, painted in zip(range(1, 5), threads.map(render, range(1, 5)), strict=True):
            np.testing.assert_array_equal(painted, expected(installed, frame, strength=0.2 * number))
    assert installed.left() == set()


def state_of(pid: int) -> str:
    """The letter by which Linux tells how a process is; empty where it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def test_nothing_runs_when_the_worker_was_stopped(installed: Installation, frame: Frame) -> None:
    updated(installed, frame)
    pid = installed.worker_pid
    assert stop(installed.spool)
    deadline = time.monotonic() + 180
    while (state := state_of(pid)) not in ("", "Z"):  # nobody may be there who fetches its exit code
        assert time.monotonic() < deadline, state


def test_the_compiler_has_nothing_against_it(tmp_path: Path) -> None:
    source = bundled_folder("plugins") / "frei0r/stylecli.c"
    defines = ['-DSTYLECLI_VERSION="1"', '-DSTYLECLI_BUILD="1"']
    strict = ["-Wpedantic", "-Wshadow", "-Wconversion", "-Wno-sign-conversion", "-Werror"]
    compiler = find_compiler(os.environ)
    subprocess.run([compiler, *FLAGS, *strict, *defines, "-o", tmp_path / "one.so", source], check=True)
