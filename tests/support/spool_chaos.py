"""Kill workers and clients of a spool at random moments; print what became of every job, as JSON.

    python -m tests.support.spool_chaos SPOOL SHELF KILLS

All processes are forked from this one, which has loaded everything, so that a kill costs milliseconds. The one process
that is never killed collects the answers: it takes each out of the folder as a client does, and counts.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime  # noqa: F401  # here, so that the forked workers have it

from stylecli.editors.spool.client import submit
from stylecli.editors.spool.worker import serve

SIDE = 24  # pixels
LIFE = 0.12  # seconds that a process lives at most
PAUSE = 0.01  # between two jobs of a client
DEADLINE = 600.0


def picture(number: int) -> bytes:
    pixels = np.full((SIDE, SIDE, 4), 255, np.uint8)
    pixels[..., :3] = (number % 251, number * 7 % 251, number * 31 % 251)
    return pixels.tobytes()


def painted(number: int) -> bytes:
    """What the tiny style makes of it: an even colour, handed round from channel to channel, made lighter."""
    pixels = np.frombuffer(picture(number), np.uint8).reshape(SIDE, SIDE, 4).copy()
    pixels[..., :3] = pixels[..., [2, 0, 1]]
    return pixels.tobytes()


def forked(work: Callable[[], None]) -> int:
    process = os.fork()
    if process == 0:
        try:
            work()
        finally:
            os._exit(0)
    return process


def has_ended(process: int) -> bool:
    return os.waitpid(process, os.WNOHANG) != (0, 0)


def send_jobs(spool: Path, first: int, log: int) -> None:
    for number in range(first, first + 1000):
        submit(spool, picture(number), {"style": "tiny", "width": SIDE, "height": SIDE}, identifier=f"job-{number}")
        os.write(log, b"%d\n" % number)  # shorter than PIPE_BUF: written whole or not at all
        time.sleep(PAUSE)


def collect(spool: Path, answers: Counter[int], wrong: list[int], refused: list[str]) -> None:
    for file in [*spool.glob("*.done"), *spool.glob("*.err")]:
        number = int(file.stem.partition("-")[2])
        answers[number] += 1
        if file.suffix == ".err":
            refused.append(json.loads(file.read_bytes())["message"])
        else:
            output = spool / json.loads(file.read_bytes())["output"]
            if output.read_bytes() != painted(number):
                wrong.append(number)
            output.unlink()
        file.unlink()


def main(spool: Path, shelf: Path, kills: int) -> None:
    random.seed(6)
    answers: Counter[int] = Counter()
    wrong: list[int] = []
    refused: list[str] = []
    source, log = os.pipe()
    os.set_blocking(source, False)

    def work() -> None:
        serve(spool, device="cpu", styles_dir=shelf, idle=1.0)

    workers = clients = 0
    while workers + clients < kills:
        first = 1000 * (workers + clients + 1)
        worker, client = forked(work), forked(lambda first=first: send_jobs(spool, first, log))
        for process in random.sample([worker, client], 2):
            time.sleep(random.uniform(0, LIFE / 2))
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
        workers, clients = workers + 1, clients + 1
        collect(spool, answers, wrong, refused)
    last = forked(work)
    deadline = time.monotonic() + DEADLINE
    while not has_ended(last):
        if time.monotonic() > deadline:
            os.kill(last, signal.SIGKILL)
        collect(spool, answers, wrong, refused)
        time.sleep(PAUSE)
    collect(spool, answers, wrong, refused)
    sent = {int(line) for line in os.read(source, 2**20).split()}
    report = {
        "kills": workers + clients,
        "sent": len(sent),
        "lost": sorted(sent - answers.keys()),
        "twice": [number for number, count in answers.items() if count > 1],
        "painted": answers.total() - len(refused),
        "wrong": wrong,
        "refused": refused,
        "open": [file.name for file in spool.iterdir() if file.suffix in (".job", ".run", ".answer")],
    }
    sys.stdout.write(json.dumps(report))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
