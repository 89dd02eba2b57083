"""The door for hosts that can only read and write files: a worker that keeps the networks warm, and a folder of jobs.

`folder` handles the files, `job` checks what a client asks; docs/editors.md describes the protocol.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any

from stylecli.core.errors import MediaError, StyleError
from stylecli.editors.spool.cache import FOLDER as CACHE_FOLDER
from stylecli.editors.spool.folder import BEAT, STOP, STYLES, WORKER, SpoolFolder, fault_facts, held_folder, is_held
from stylecli.editors.spool.job import SpoolJob, parse_job
from stylecli.editors.spool.memory import give_freed_memory_back, keep_freed_memory
from stylecli.editors.spool.painting import JobPainter, NotCachedError
from stylecli.editors.spool.protocol import IDLE_SECONDS, PROTOCOL, PROTOCOLS
from stylecli.inference.engine import Device
from stylecli.packs.shelves import list_styles

BEAT_SECONDS = 1.0
STYLES_SECONDS = 2.0  # a style added while the host runs appears after this time
CLEAN_SECONDS = 60.0
AWAKE_SECONDS = 10.0  # after a job the folder is looked at often, later rarely
LOOK_AWAKE, LOOK_ASLEEP = 0.001, 0.03  # seconds between two looks
STOP_SECONDS = 30.0
FILE_BYTES_MAX = 2**31

Answered = Callable[[str, str], None]  # identifier, status


def serve(
    path: Path,
    *,
    device: Device = "auto",
    styles_dir: Path | None = None,
    idle: float = IDLE_SECONDS,
    version: str = "",
    answered: Answered = lambda *_: None,
) -> None:
    """Answer the jobs of a spool folder until there were none for `idle` seconds (0: for ever), or it is told to stop.

    Clients are told the `version` of stylecli.

    Raises:
        UsageError: the folder has a worker, or is not private.
        MediaError: the folder is gone or cannot be written.
    """
    with (
        held_folder(path) as folder,
        _signs_of_life(folder, styles_dir, version),
        JobPainter(device, styles_dir, path / CACHE_FOLDER) as painter,
    ):
        folder.recover()
        keep_freed_memory()
        is_awake = True
        last_job = last_clean = time.monotonic()
        folder.clean()
        while not folder.is_to_stop():
            for identifier in folder.waiting():
                if (text := folder.claim(identifier)) is not None:
                    answered(identifier, _do(folder, identifier, text, painter))
                    painter.keep()
                last_job = time.monotonic()
            now = time.monotonic()
            if idle and now - last_job > idle:
                return
            if now - last_clean > CLEAN_SECONDS:
                last_clean = now
                folder.clean()
            was_awake, is_awake = is_awake, now - last_job < AWAKE_SECONDS
            if was_awake and not is_awake:
                give_freed_memory_back()
            time.sleep(LOOK_AWAKE if is_awake else LOOK_ASLEEP)


def stop(path: Path) -> bool:
    """Ask the worker of a folder, and any that takes its place meanwhile, to end after its job, and wait for that.

    Returns False where there was none.

    Raises:
        MediaError: it does not end, or cannot be asked.
    """
    had_worker = False
    deadline = time.monotonic() + STOP_SECONDS
    while is_held(path):
        had_worker = True
        try:
            (path / STOP).touch()  # each time: one that was on its way takes the folder over, and begins with no STOP
        except FileNotFoundError:  # the folder went with its worker
            break
        except OSError as error:
            raise MediaError(f"{path}: {error.strerror}", hint="Only the user who started a worker ends it.") from error
        if time.monotonic() > deadline:
            raise MediaError(f"{path}: its worker does not end", hint=f"{WORKER} in the folder has its process number.")
        time.sleep(LOOK_ASLEEP)
    if had_worker:
        with suppress(OSError):
            (path / STOP).unlink(missing_ok=True)  # the worker may have removed it just before it was written again
    return had_worker


class _Cancelled(Exception):  # noqa: N818  # no fault: the client wished it
    """The client does not want the picture any more."""


def _do(folder: SpoolFolder, identifier: str, text: bytes, painter: JobPainter) -> str:
    """Do a claimed job and answer it; what became of it."""
    files: dict[str, str] = {}
    try:
        job = parse_job(text, identifier)
        files = {"input": job.input, "output": job.output}
        facts = _picture(folder, identifier, job, painter)
    except _Cancelled:
        facts = {"status": "cancelled", "code": 0, "message": "cancelled", "hint": ""}
    except NotCachedError as error:
        facts = {**fault_facts(error), "cached": False}
    except StyleError as error:
        facts = fault_facts(error)
    except Exception as error:  # the client gets an answer, the traceback follows
        defect = {"code": 1, "message": f"a defect in stylecli: {error!r}", "hint": "Please report it."}
        folder.answer(identifier, {"status": "error", **defect, **files})
        raise
    except BaseException:  # ^C, or told to terminate
        folder.put_back(identifier)
        raise
    folder.answer(identifier, facts | files)
    return str(facts["status"])


def _picture(folder: SpoolFolder, identifier: str, job: SpoolJob, painter: JobPainter) -> dict[str, Any]:
    """Make the picture that the client waits for, and tell about it."""
    started = time.perf_counter()
    _heed(folder, identifier)
    answer = painter.paint(
        job,
        folder.read(job.input, (job.layout.size + 1) if job.layout and not job.carrier else FILE_BYTES_MAX),
        lambda name: folder.tell_progress(identifier, 0.3, f"Painting {name}"),
    )
    _heed(folder, identifier)
    folder.write(job.output, answer.data)
    milliseconds = round((time.perf_counter() - started) * 1000, 1)
    return {"status": "done", **answer.facts, "ms": milliseconds}


def _heed(folder: SpoolFolder, identifier: str) -> None:
    if folder.is_cancelled(identifier):
        raise _Cancelled


@contextmanager
def _signs_of_life(folder: SpoolFolder, styles_dir: Path | None, version: str) -> Iterator[None]:
    """While the `with` lasts, clients see who works here, that it lives, and which styles there are."""
    facts = {"protocol": PROTOCOL, "protocols": PROTOCOLS, "version": version, "pid": os.getpid()}
    folder.write(STYLES, _styles(styles_dir))
    folder.write(BEAT, _beat(0))
    folder.write(WORKER, json.dumps(facts).encode())
    end = Event()
    thread = Thread(target=_beat_on, args=(folder, styles_dir, end), name="stylecli heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()


def _beat_on(folder: SpoolFolder, styles_dir: Path | None, end: Event) -> None:
    shown, beats = b"", 0
    while not end.wait(BEAT_SECONDS):
        beats += 1
        with suppress(OSError), (folder.path / BEAT).open("r+b") as file:  # in place: a full disk does not stop it
            file.write(_beat(beats))
        with suppress(MediaError):  # the loop that does the jobs finds out what is wrong
            if beats % round(STYLES_SECONDS / BEAT_SECONDS) == 0 and (styles := _styles(styles_dir)) != shown:
                folder.write(STYLES, styles)
                shown = styles


def _beat(number: int) -> bytes:
    return b"%012d\n" % number


def _styles(styles_dir: Path | None) -> bytes:
    """What a host offers in its menu."""
    packs = list_styles(styles_dir)
    return json.dumps([{"style": pack.name, "title": pack.card.title} for pack in packs]).encode()
