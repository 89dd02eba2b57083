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
from stylecli.editors.pipe import stylize_raw
from stylecli.editors.spool.folder import BEAT, STOP, STYLES, WORKER, SpoolFolder, fault_facts, held_folder, is_held
from stylecli.editors.spool.job import SpoolJob, parse_job
from stylecli.editors.spool.protocol import IDLE_SECONDS, PROTOCOL
from stylecli.inference.engine import Device, Engine
from stylecli.media.images.files import encode_picture, read_picture
from stylecli.packs.shelves import find_style, list_styles
from stylecli.stylize.pictures import stylize_picture

ENGINES_KEPT = 4  # networks that stay in memory, the latest ones
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
        EngineCache(device, styles_dir) as engines,
    ):
        folder.recover()
        last_job = last_clean = time.monotonic()
        folder.clean()
        while not folder.is_to_stop():
            for identifier in folder.waiting():
                if (text := folder.claim(identifier)) is not None:
                    answered(identifier, _do(folder, identifier, text, engines))
                last_job = time.monotonic()
            now = time.monotonic()
            if idle and now - last_job > idle:
                return
            if now - last_clean > CLEAN_SECONDS:
                last_clean = now
                folder.clean()
            time.sleep(LOOK_AWAKE if now - last_job < AWAKE_SECONDS else LOOK_ASLEEP)


def stop(path: Path) -> bool:
    """Ask the worker of a folder to end after its job, and wait for that; False where there was none.

    Raises:
        MediaError: it does not end, or cannot be asked.
    """
    if not is_held(path):
        return False
    try:
        (path / STOP).touch()
    except OSError as error:
        raise MediaError(f"{path}: {error.strerror}", hint="Only the user who started a worker ends it.") from error
    deadline = time.monotonic() + STOP_SECONDS
    while is_held(path):
        if time.monotonic() > deadline:
            raise MediaError(f"{path}: its worker does not end", hint=f"{WORKER} in the folder has its process number.")
        time.sleep(LOOK_ASLEEP)
    return True


class _Cancelled(Exception):  # noqa: N818  # no fault: the client wished it
    """The client does not want the picture any more."""


class EngineCache:
    """The networks that were used last, opened."""

    def __init__(self, device: Device, styles_dir: Path | None) -> None:
        self._device = device
        self._styles_dir = styles_dir
        self._engines: dict[str, Engine] = {}  # by the sha256 of the model: a style may be replaced meanwhile

    def __enter__(self) -> EngineCache:
        return self

    def __exit__(self, *_: object) -> None:
        for engine in self._engines.values():
            engine.close()

    def engine(self, style: str, variant: str | None) -> Engine:
        """Raises PackError, DeviceError."""
        pack = find_style(style, self._styles_dir, variant=variant)
        key = pack.model().sha256
        engine = self._engines.pop(key, None) or Engine(pack, device=self._device)
        self._engines[key] = engine  # the latest stands last
        if len(self._engines) > ENGINES_KEPT:
            self._engines.pop(next(iter(self._engines))).close()
        return engine


def _do(folder: SpoolFolder, identifier: str, text: bytes, engines: EngineCache) -> str:
    """Do a claimed job and answer it; what became of it."""
    files: dict[str, str] = {}
    try:
        job = parse_job(text, identifier)
        files = {"input": job.input, "output": job.output}
        facts = _picture(folder, identifier, job, engines)
    except _Cancelled:
        facts = {"status": "cancelled", "code": 0, "message": "cancelled", "hint": ""}
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


def _picture(folder: SpoolFolder, identifier: str, job: SpoolJob, engines: EngineCache) -> dict[str, Any]:
    """Make the picture that the client waits for, and tell about it."""
    started = time.perf_counter()
    _heed(folder, identifier)
    engine = engines.engine(job.style, job.variant)
    folder.tell_progress(identifier, 0.3, f"Painting {engine.name}")
    width, height, painted = _painted(folder, job, engine)
    _heed(folder, identifier)
    folder.write(job.output, painted)
    milliseconds = round((time.perf_counter() - started) * 1000, 1)
    size = {"width": width, "height": height}
    return {"status": "done", **size, "style": engine.name, "device": engine.device, "ms": milliseconds}


def _heed(folder: SpoolFolder, identifier: str) -> None:
    if folder.is_cancelled(identifier):
        raise _Cancelled


def _painted(folder: SpoolFolder, job: SpoolJob, engine: Engine) -> tuple[int, int, bytes]:
    """Width, height and the bytes for the client."""
    if job.layout is None:
        picture = stylize_picture(read_picture(folder.read(job.input, FILE_BYTES_MAX)), engine, job.look)
        height, width = picture.pixels.shape[:2]
        return width, height, encode_picture(picture, Path(job.output).suffix)
    data = folder.read(job.input, job.layout.size + 1)
    if len(data) != job.layout.size:
        more = "more than " if len(data) > job.layout.size else ""
        raise MediaError(
            f"{job.input}: it has {more}{min(len(data), job.layout.size)} bytes, {job.layout.size} were expected",
            hint="Check width, height and pixel.",
        )
    return job.layout.width, job.layout.height, stylize_raw(data, job.layout, engine, job.look)


@contextmanager
def _signs_of_life(folder: SpoolFolder, styles_dir: Path | None, version: str) -> Iterator[None]:
    """While the `with` lasts, clients see who works here, that it lives, and which styles there are."""
    facts = {"protocol": PROTOCOL, "version": version, "pid": os.getpid()}
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
