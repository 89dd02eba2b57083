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

from tests.support.processes import computed_by, ends_soon

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
PATIENCE = 60  # seconds; what is interrupted would go on for at least 120
# A native library calls back and works on: what a handler raises in there is lost.
SWALLOWED = """
import sys, time, cffi
from stylecli.cli.interrupts import signals_handled
ffi = cffi.FFI()

@ffi.callback("void()")
def callback():
    print("in", flush=True)
    time.sleep(120)

with signals_handled():
    callback()
    print("after", flush=True)
    time.sleep(120)
"""
# One call of a native library that takes longer than any test. A thread tells when the main thread is in it: when that
# has computed for longer than all that comes before the call.
NATIVE = """
import hashlib, sys, threading, time
from pathlib import Path
from stylecli.cli.interrupts import signals_handled
from stylecli.core.files import atomic_file

computed = time.pthread_getcpuclockid(threading.main_thread().ident)

def tell(begun):
    while time.clock_gettime(computed) < begun + 0.1:
        time.sleep(0.01)
    print("in", flush=True)

with signals_handled(), atomic_file(Path(sys.argv[1])) as draft:
    draft.write_text("half")
    threading.Thread(target=tell, args=[time.clock_gettime(computed)], daemon=True).start()
    hashlib.pbkdf2_hmac("sha256", b"a", b"b", 2**31 - 1)
"""


def started(program: str, *arguments: str) -> subprocess.Popen[str]:
    line = [sys.executable, "-c", program, *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(line, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def ended(program: str, number: int, *arguments: str) -> tuple[int, str]:
    """Exit code and stderr of a program that gets a signal after its first line, and ends soon."""
    with started(program, *arguments) as process:
        assert process.stdout
        assert process.stdout.readline() == "in\n"
        with ends_soon(process):
            process.send_signal(number)
            _, errors = process.communicate(timeout=PATIENCE)
        return process.returncode, errors


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_is_not_lost_in_a_callback_of_a_library(number: int, code: int) -> None:
    returned, errors = ended(SWALLOWED, number)
    assert (returned, "ignored" in errors) == (code, False)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_is_not_lost_in_a_module_that_swallows_everything(tmp_path: Path, number: int, code: int) -> None:
    (tmp_path / "greedy.py").write_text(
        "import time\ntry:\n    print('in', flush=True)\n    time.sleep(0.3)\nexcept BaseException:\n    pass\n"
    )
    program = (
        "import sys, time; sys.path.insert(0, sys.argv[1]); from stylecli.cli import interrupts\n"
        "interrupts.ANSWER_SECONDS = 60  # however busy the machine is, the import comes to its end\n"
        "with interrupts.signals_handled():\n    import greedy\n    time.sleep(120)\n"
    )
    returned, errors = ended(program, number, str(tmp_path))
    assert (returned, errors) == (code, "")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_command_ends_inside_a_library_and_leaves_no_draft(tmp_path: Path, number: int, code: int) -> None:
    returned, errors = ended(NATIVE, number, str(tmp_path / "picture.png"))
    assert (returned, errors) == (code, "stylecli: interrupted\n")
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
    time.sleep(120)
"""
    returned, errors = ended(program, signal.SIGINT)
    assert returned == 130
    assert errors.startswith("finished")


LONG_UNWINDING = """
import sys, time
from stylecli.cli import interrupts
interrupts.AGAIN_SECONDS = float(sys.argv[1])
with interrupts.signals_handled():
    try:
        print("in", flush=True)
        time.sleep(120)
    finally:
        print("unwinding", flush=True)
        sys.stdin.readline()
        print("unwound", flush=True)
"""


@pytest.mark.parametrize(("apart", "is_one"), [(60, True), (0, False)], ids=["part of the first", "of its own"])
def test_the_second_signal_ends_a_long_unwinding_at_once(apart: float, is_one: bool) -> None:
    with started(LONG_UNWINDING, str(apart)) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == "in\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "unwinding\n"
        process.send_signal(signal.SIGINT)
        if not is_one:
            assert process.wait(timeout=PATIENCE) == 130
        assert process.communicate("go on\n" if is_one else None, timeout=PATIENCE)[0] == (
            "unwound\n" if is_one else ""
        )
        assert process.returncode == 130


@pytest.mark.parametrize("seed", range(6))
def test_signals_at_random_moments_end_a_picture(tmp_path: Path, tiny_style: Path, large_png: Path, seed: int) -> None:
    chance = random.Random(seed)
    number, code = chance.choice([(signal.SIGINT, 130), (signal.SIGTERM, 143)])
    moment = 0.4 + chance.random()  # seconds of computing; the start takes 0.2, the whole 10
    line = [sys.executable, "-m", "stylecli", "image", str(large_png), "-s", str(tiny_style), "--device", "cpu"]
    with subprocess.Popen([*line, "-o", str(tmp_path / "out.png")], stderr=subprocess.PIPE) as process:
        while computed_by(process) < moment:
            time.sleep(0.01)
            assert process.poll() is None
        with ends_soon(process):
            process.send_signal(number)
            _, errors = process.communicate(timeout=180)
    assert process.returncode == code, errors
    assert b"Traceback" not in errors
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def large_png(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("large") / "large.png"
    small = np.random.default_rng(0).integers(0, 256, (450, 600, 3), np.uint8)
    pyvips.Image.new_from_array(small, interpretation="srgb").replicate(12, 12).write_to_file(str(path), compression=1)
    return path
