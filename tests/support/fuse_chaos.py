"""Render frames through the fuse while hosts and workers are killed at random moments; print what came of it, as JSON.

    python -m tests.support.fuse_chaos HOME FUSE SHELF FRAMES

HOME is that of a user who has the plug-in. Every host is a process with a node of its own; a host that was killed is
replaced by one that renders the frames that are missing, as a person would. Workers are forked from this process, which
has loaded everything: the launcher asks for them through a FIFO.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import random
import signal
import sys
import time
from collections import Counter
from pathlib import Path

import lupa.luajit21  # noqa: F401  # here, so that the forked hosts have it
import numpy as np
import onnxruntime  # noqa: F401  # here, so that the forked workers have it
import OpenEXR  # noqa: F401  # here, as both
from numpy.typing import NDArray

from stylecli.core.version import __version__
from stylecli.editors.fusion.host import FusionHost
from stylecli.editors.spool.folder import KEPT_SECONDS
from stylecli.editors.spool.worker import serve
from tests.support.spool_chaos import forked, has_ended

HOSTS = 3
SIDE = 24  # pixels
FRAMES_LEFT_ALONE = 4  # between two kills
DEADLINE = 600.0


def frame(number: int) -> NDArray[np.float32]:
    pixels = np.ones((SIDE, SIDE, 4), np.float32)
    pixels[..., :3] = np.array((number % 251, number * 7 % 251, number * 31 % 251), np.float32) / 255
    return pixels


def render(fuse: str, numbers: list[int], log: int) -> None:
    """Be a host: render frames one after the other, and tell what came of each."""
    node = FusionHost(fuse)
    node.set(Style="tiny", Timeout=60)
    for number in numbers:
        painted = node.process(frame(number))
        expected = frame(number)[..., [2, 0, 1, 3]]  # what the tiny style makes of an even colour
        if painted is None:
            said = f"failed {node.printed[-1:]}"
        else:
            said = "painted" if np.allclose(painted, expected, atol=1e-5) else "wrong"
        os.write(log, f"{number} {said}\n".encode())  # shorter than PIPE_BUF: written whole or not at all


class Chaos:
    """The hosts, the worker, and what the hosts have told."""

    def __init__(self, home: Path, fuse: Path, shelf: Path, frames: int) -> None:
        self._spool = home / ".config/stylecli/resolve/spool"
        self._fuse, self._shelf, self._frames = fuse.read_text(encoding="utf-8"), shelf, frames
        self._wishes = _asked_through(home / ".config/stylecli/resolve/stylecli.sh")
        self._source, self._log = os.pipe()
        os.set_blocking(self._source, False)
        self._hosts: dict[int, int] = {}  # by their numbers
        self._workers: list[int] = []
        self._said = b""
        self.kills: Counter[str] = Counter()
        self.told: list[tuple[int, str]] = []

    def missing(self, host: int) -> list[int]:
        known = {number for number, _ in self.told}
        return [number for number in range(host, self._frames, HOSTS) if number not in known]

    def listen(self) -> None:
        """Hear what the hosts tell, start a worker if one asks for it, replace hosts that have ended."""
        with contextlib.suppress(BlockingIOError):
            self._said += os.read(self._source, 65536)
        *lines, self._said = self._said.split(b"\n")
        for line in lines:
            number, _, said = line.decode().partition(" ")
            self.told.append((int(number), said))
        try:
            wishes = os.read(self._wishes, 4096).count(b"\n")
        except BlockingIOError:
            wishes = 0
        for _ in range(wishes):
            self._workers.append(forked(self._work))
        self._workers = [worker for worker in self._workers if not has_ended(worker)]
        for host in range(HOSTS):
            if host in self._hosts and has_ended(self._hosts[host]):
                del self._hosts[host]
            if host not in self._hosts and (numbers := self.missing(host)):
                self._hosts[host] = forked(lambda numbers=numbers: render(self._fuse, numbers, self._log))

    def kill(self) -> None:
        """Kill a host or a worker."""
        victims = [*(("host", one) for one in self._hosts.values()), *(("worker", one) for one in self._workers)]
        weights = [1 if kind == "host" else HOSTS for kind, _ in victims]
        if victims:
            ((kind, process),) = random.choices(victims, weights)
            os.kill(process, signal.SIGKILL)
            self.kills[kind] += 1

    def is_over(self) -> bool:
        return not self._hosts and not any(self.missing(host) for host in range(HOSTS))

    def end(self) -> None:
        """End all processes, then let a worker remove what the dead have left, as if it were ten minutes later."""
        for process in (*self._hosts.values(), *self._workers):
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
        long_ago = time.time() - KEPT_SECONDS - 1
        for file in self._spool.iterdir():
            os.utime(file, (long_ago, long_ago))
        serve(self._spool, device="cpu", styles_dir=self._shelf, idle=0.001)

    def _work(self) -> None:
        serve(self._spool, device="cpu", styles_dir=self._shelf, version=__version__)


def _asked_through(launcher: Path) -> int:
    """Make a launcher that asks this process for a worker; where its wishes are read."""
    fifo = launcher.with_name("wishes")
    os.mkfifo(fifo)
    launcher.write_text(f"#!/bin/sh\necho worker >'{fifo}'\n")
    source = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)  # also for writing: without a writer it would seem to end
    os.set_inheritable(source, False)
    return source


def main(home: Path, fuse: Path, shelf: Path, frames: int) -> None:
    random.seed(20)
    os.environ["HOME"] = str(home)
    spool = home / ".config/stylecli/resolve/spool"
    chaos = Chaos(home, fuse, shelf, frames)
    deadline = time.monotonic() + DEADLINE
    told, since, next_kill = 0, time.monotonic(), math.inf
    while not chaos.is_over() and time.monotonic() < deadline:
        chaos.listen()
        now = time.monotonic()
        if next_kill == math.inf and len(chaos.told) >= told + FRAMES_LEFT_ALONE:
            next_kill = now + random.uniform(0, (now - since) / FRAMES_LEFT_ALONE)  # during the next frame
        if now >= next_kill:
            chaos.kill()
            told, since, next_kill = len(chaos.told), now, math.inf
        time.sleep(0.001)
    chaos.listen()
    chaos.end()
    said = dict(chaos.told)
    report = {
        "kills": chaos.kills,
        "painted": sum(one == "painted" for one in said.values()),
        "others": {number: one for number, one in said.items() if one != "painted"},
        "lost": sorted(set(range(frames)) - said.keys()),
        "left": sorted(file.name for file in spool.iterdir()),
        "left_in_cache": sorted(file.name for file in (spool / "cache").iterdir() if file.name.startswith(".")),
    }
    sys.stdout.write(json.dumps(report))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
