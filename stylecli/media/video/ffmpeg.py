"""The ffmpeg program: where it is, and its processes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO

import ffmpeg

from stylecli.core.errors import MediaError
from stylecli.core.files import WRITE_HINT
from stylecli.core.threads import Watch
from stylecli.media.video.stalls import watch_on_ffmpeg

PROGRAM_VARIABLE = "STYLECLI_FFMPEG"
LINK = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # 1: PR_SET_PDEATHSIG, linux/prctl.h
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""
SIGNAL_WAIT = 0.2  # seconds until an interrupt is seen at the latest
LOOK_WAIT = 1.0  # seconds between two looks at how far ffmpeg is
_TOLD = 2000  # characters: more than ffmpeg tells of its progress at a time


def ffmpeg_program() -> str:
    """The ffmpeg to use: $STYLECLI_FFMPEG or the one that comes with imageio-ffmpeg. Raises MediaError."""
    if chosen := os.environ.get(PROGRAM_VARIABLE):
        if not (found := shutil.which(chosen)):
            raise MediaError(f"{chosen}: no such program", hint=f"Correct or unset {PROGRAM_VARIABLE}.")
        return found
    import imageio_ffmpeg

    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise MediaError("ffmpeg: not found", hint=f"Name one in {PROGRAM_VARIABLE}.") from error


def url(path: Path) -> str:
    """A path as FFmpeg takes it: absolute and with its protocol, since what stands before a colon is taken for one."""
    return f"file:{path.absolute()}"


def run_ffmpeg(command: ffmpeg.nodes.OutputStream, fault: str, *, target: Path) -> None:
    """Run one command to its end; it replaces `target`, which it writes. No process survives a ^C.

    Raises:
        MediaError: `fault` with ffmpeg's last line, or that it is stuck.
    """
    with TemporaryDirectory(prefix="stylecli-") as folder:
        progress = Path(folder) / "progress"
        command = command.global_args("-y", "-nostdin", "-nostats", "-loglevel", "error")
        program, *words = ffmpeg.compile(command, cmd=ffmpeg_program())
        # ffmpeg-python cannot repeat an option: a number tells two of them apart until here.
        words = [re.sub(r"^-attach:\d+$", "-attach", word) for word in words]
        arguments = [program, "-progress", url(progress), *words]
        process = subprocess.Popen(_linked_to_us(arguments), stderr=subprocess.PIPE)
        try:
            stderr = _read_stderr(process, watch_on_ffmpeg(fault), partial(_steps, progress, target))
        finally:
            process.kill()  # does nothing to one that has ended
            process.wait()
    if process.returncode != 0:
        lines = stderr.decode(errors="replace").strip().splitlines()
        raise MediaError(f"{fault} ({lines[-1] if lines else f'ffmpeg ended with {process.returncode}'})")


@contextmanager
def piping_to_ffmpeg(command: ffmpeg.nodes.OutputStream, fault: str) -> Iterator[Callable[[bytes], None]]:
    """A function that writes bytes to the standard input of one ffmpeg command.

    ffmpeg has ended when the `with` ends, however it ends.

    Raises:
        MediaError: `fault` with ffmpeg's last line.
    """
    arguments = command.global_args("-nostats", "-loglevel", "error").compile(cmd=ffmpeg_program())
    with TemporaryFile() as stderr:  # a pipe that nobody reads would stop ffmpeg for good
        process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=stderr)
        assert process.stdin is not None
        stdin = process.stdin

        def write(data: bytes) -> None:
            try:
                stdin.write(data)
            except BrokenPipeError:
                raise _fault(fault, stderr) from None

        try:
            yield write
            with suppress(BrokenPipeError):
                stdin.close()
            _wait(process)
            if process.returncode:
                raise _fault(fault, stderr)
        finally:
            process.kill()  # does nothing to one that has ended
            process.wait()
            with suppress(OSError):  # what it holds back has nowhere to go
                stdin.close()


def _wait(process: subprocess.Popen[bytes]) -> None:
    """Wait in short steps, since Python misses a ^C that comes just before a long wait begins."""
    while True:
        try:
            process.wait(timeout=SIGNAL_WAIT)
            return
        except subprocess.TimeoutExpired:
            continue


def _fault(fault: str, stderr: IO[bytes]) -> MediaError:
    stderr.seek(0)
    lines = stderr.read().decode(errors="replace").strip().splitlines() or ["ffmpeg ended"]
    words = next((line for line in lines if "No space left" in line), lines[-1])
    words = re.sub(r"^\[[^]]*\] ", "", words.strip())  # the part of ffmpeg that says it, with its address
    return MediaError(f"{fault} ({words})", hint=WRITE_HINT)


def _linked_to_us(arguments: list[str]) -> list[str]:
    """A command that is killed when this process is, however that ends; only Linux has it.

    A small Python makes the link and becomes the command. `preexec_fn` could do it faster, but forks the interpreter
    with its threads, and what it frees of theirs may wait for them for ever.
    """
    if sys.platform != "linux" or not sys.executable:
        return arguments
    return [sys.executable, "-I", "-S", "-c", LINK, str(os.getpid()), *arguments]


def _steps(progress: Path, target: Path) -> tuple[object, ...]:
    """What changes as long as ffmpeg gets on: what it tells of frames and time, and the file that it writes."""
    told: dict[str, str] = {}
    with suppress(OSError):
        told = dict(re.findall(r"^(frame|out_time_us|total_size)=(.*)$", progress.read_text()[-_TOLD:], re.MULTILINE))
    try:
        facts = target.stat()
    except OSError:
        return (told,)
    return told, facts.st_size, facts.st_mtime_ns


def _read_stderr(process: subprocess.Popen[bytes], watch: Watch, steps: Callable[[], object]) -> bytes:
    """Wait for the end and return stderr, read all the while: a full pipe would stop ffmpeg for good.

    In short steps, since Python misses a ^C that comes just before a long wait begins. Raises the fault of `watch`
    where `steps` gives the same all the time.
    """
    watch.beat()
    seen, looked = None, time.monotonic()
    while True:
        try:
            return process.communicate(timeout=SIGNAL_WAIT)[1]
        except subprocess.TimeoutExpired:
            if time.monotonic() - looked > LOOK_WAIT:
                looked, before, seen = time.monotonic(), seen, steps()
                if seen != before:
                    watch.beat()
            if watch.is_overdue():
                raise watch.fault from None
