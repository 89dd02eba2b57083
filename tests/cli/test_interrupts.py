from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import pyvips

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
LATEST = (
    4.0  # seconds from the signal to the end on a busy machine; what each test interrupts takes at least twice as long
)

# A native library calls back and works on: what a handler raises in there is lost.
SWALLOWED = """
import sys, time, cffi
from stylecli.cli.interrupts import signals_handled
ffi = cffi.FFI()

@ffi.callback("void()")
def callback():
    print("in", flush=True)
    time.sleep(0.5 if {long} else 30)

with signals_handled():
    callback()
    print("after", flush=True)
    time.sleep(30)
"""
# One call of a native library that takes longer than any test.
NATIVE = """
import hashlib, sys, threading
from pathlib import Path
from stylecli.cli.interrupts import signals_handled
from stylecli.core.files import atomic_file

with signals_handled(), atomic_file(Path(sys.argv[1])) as draft:
    draft.write_text("half")
    threading.Timer(0.3, print, ["in"], {"flush": True}).start()  # when the call below has begun
    hashlib.pbkdf2_hmac("sha256", b"a", b"b", 2**31 - 1)
"""


def ended(program: str, number: int, *arguments: str, first: str = "in\n") -> tuple[int, float, str]:
    """Exit code, seconds after the signal, and stderr of a program that gets a signal after its first line."""
    line = [sys.executable, "-c", program, *arguments]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == first
        process.send_signal(number)
        sent = time.monotonic()
        _, errors = process.communicate(timeout=20)
        return process.returncode, time.monotonic() - sent, errors


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_is_not_lost_in_a_callback_of_a_library(number: int, code: int) -> None:
    returned, seconds, errors = ended(SWALLOWED.format(long=False), number)
    assert (returned, "ignored" in errors) == (code, False)
    assert seconds < LATEST


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_is_not_lost_in_a_module_that_swallows_everything(tmp_path: Path, number: int, code: int) -> None:
    (tmp_path / "greedy.py").write_text(
        "import time\ntry:\n    print('in', flush=True)\n    time.sleep(0.3)\nexcept BaseException:\n    pass\n"
    )
    program = (
        "import sys, time; sys.path.insert(0, sys.argv[1]); from stylecli.cli.interrupts import signals_handled\n"
        "with signals_handled():\n    import greedy\n    time.sleep(30)\n"
    )
    returned, seconds, errors = ended(program, number, str(tmp_path))
    assert (returned, errors) == (code, "")
    assert seconds < LATEST


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_command_ends_inside_a_library_and_leaves_no_draft(tmp_path: Path, number: int, code: int) -> None:
    returned, seconds, errors = ended(NATIVE, number, str(tmp_path / "picture.png"))
    assert (returned, errors) == (code, "stylecli: interrupted\n")
    assert seconds < LATEST
    assert list(tmp_path.iterdir()) == []


def test_work_that_holds_signals_back_is_finished() -> None:
    program = """
import time
from stylecli.cli.interrupts import signals_handled
from stylecli.training.interrupts import interrupts_deferred
with signals_handled():
    with interrupts_deferred():
        print("in", flush=True)
        end = time.monotonic() + 1
        while time.monotonic() < end:
            time.sleep(0.05)
        print("finished", file=__import__("sys").stderr, flush=True)
    time.sleep(30)
"""
    pytest.importorskip("torch")
    returned, _, errors = ended(program, signal.SIGINT)
    assert returned == 130
    assert errors.startswith("finished")


def test_the_second_signal_ends_a_long_unwinding_at_once(tmp_path: Path) -> None:
    program = """
import sys, time
from stylecli.cli.interrupts import signals_handled
with signals_handled():
    try:
        print("in", flush=True)
        time.sleep(30)
    finally:
        print("unwinding", flush=True)
        time.sleep(30)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "in\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "unwinding\n"
        process.send_signal(signal.SIGINT)  # as a part of the first one
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=0.4)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=LATEST) == 130


@pytest.mark.parametrize("seed", range(6))
def test_signals_at_random_moments_end_a_picture(tmp_path: Path, tiny_style: Path, large_png: Path, seed: int) -> None:
    chance = random.Random(seed)
    number, code = chance.choice([(signal.SIGINT, 130), (signal.SIGTERM, 143)])
    line = [sys.executable, "-m", "stylecli", "image", str(large_png), "-s", str(tiny_style), "--device", "cpu"]
    with subprocess.Popen([*line, "-o", str(tmp_path / "out.png")], stderr=subprocess.PIPE) as process:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=0.8 + chance.random())
        process.send_signal(number)
        sent = time.monotonic()
        _, errors = process.communicate(timeout=60)
    assert process.returncode == code, errors
    assert b"Traceback" not in errors
    assert time.monotonic() - sent < LATEST + 0.5  # the machine may be busy
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def large_png(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("large") / "large.png"
    small = np.random.default_rng(0).integers(0, 256, (450, 600, 3), np.uint8)
    pyvips.Image.new_from_array(small, interpretation="srgb").replicate(12, 12).write_to_file(str(path), compression=1)
    return path
