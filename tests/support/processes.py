"""What a process has computed: unlike a wall clock, this does not count the time in which it waits for a core."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil

COMPUTES_AT_MOST = 1.0  # seconds that an interrupted process may compute until it ends, on each core


@contextmanager
def ends_soon(process: subprocess.Popen[Any]) -> Iterator[None]:
    """Claim that a process computes for at most a second on each core until it ends, inside the `with`."""
    before = computed_by(process)
    others = resource.getrusage(resource.RUSAGE_CHILDREN)
    yield
    assert process.returncode is not None
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    whole = children.ru_utime + children.ru_stime - others.ru_utime - others.ru_stime
    assert whole - before < COMPUTES_AT_MOST * (os.cpu_count() or 1)


def computed_by(process: subprocess.Popen[Any]) -> float:
    """Seconds that a process that runs has computed."""
    times = psutil.Process(process.pid).cpu_times()
    return float(times.user + times.system)
