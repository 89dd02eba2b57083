"""The files of a spool: a job is claimed once and answered once, whoever is killed at whatever moment.

ID.tmp -> ID.job          a client writes a job, then renames it
ID.job -> ID.run          the worker claims it
ID.answer                 its answer is written: from here on the job counts as answered, and ID.run goes
ID.answer -> ID.done/err  the client sees it

A worker that finds an ID.answer of a dead one publishes it; an ID.run without one is a job to be done again. Names are
always fresh, which every system does fast. Everything of a job is named ID.something.
"""

from __future__ import annotations

import errno
import json
import os
import re
import stat
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from stylecli.core.errors import DeviceError, MediaError, StyleError, UsageError
from stylecli.core.files import blamed_on, link_or_copy, try_lock
from stylecli.editors.spool.protocol import IDENTIFIER, JOB_BYTES_MAX, PROTOCOL

LOCK, WORKER, BEAT, STYLES, STOP = "worker.lock", "worker.json", "worker.beat", "styles.json", "worker.stop"
OWN_NAMES = {LOCK, WORKER, BEAT, STYLES, STOP}
HINT = "The spool needs a folder that it may write to."
ENDS_MAX = 3  # a job at which so many workers ended is answered with an error
ENDS_SECONDS = 5.0  # ends that follow a counted one sooner do not count: whoever kills workers kills them at any job
KEPT_SECONDS = 600.0  # what a client left behind is removed after this time
SHARING_SECONDS = 2.0  # on Windows a file that another program looks at cannot be renamed for a moment
JOB_FILE = re.compile(rf"({IDENTIFIER.pattern})\.(.+)")


class SpoolFolder:
    """A spool folder in the hands of its one worker. All methods raise MediaError when the folder is gone."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def waiting(self) -> list[str]:
        """The identifiers of jobs that nobody has claimed, oldest first."""
        found = []
        with blamed_on(self.path, hint=HINT), os.scandir(self.path) as entries:
            for entry in entries:
                identifier, dot, suffix = entry.name.partition(".")
                if dot and suffix == "job" and IDENTIFIER.fullmatch(identifier):
                    with suppress(FileNotFoundError):  # its client took it back
                        found.append((entry.stat().st_mtime_ns, identifier))
        return [identifier for _, identifier in sorted(found)]

    def claim(self, identifier: str) -> bytes | None:
        """Take a job and return its text; None where its client took it back."""
        try:
            _rename(self._file(identifier, "job"), self._file(identifier, "run"))
        except FileNotFoundError:
            return None
        with blamed_on(self.path, hint=HINT), self._file(identifier, "run").open("rb") as file:
            return file.read(JOB_BYTES_MAX)

    def put_back(self, identifier: str) -> None:
        """Give up a claim: the next worker does the job, unless its answer is written already."""
        with suppress(FileNotFoundError):
            if not self._publish(identifier):
                _rename(self._file(identifier, "run"), self._file(identifier, "job"))

    def is_cancelled(self, identifier: str) -> bool:
        """Whether the client does not want the picture any more."""
        return self._file(identifier, "cancel").exists()

    def read(self, name: str, limit: int) -> bytes:
        """A client's file, at most `limit` bytes of it. Raises MediaError."""
        path = self.path / name
        try:
            if path.is_symlink() or not path.is_file():
                raise MediaError(f"{name}: no such file in the spool", hint="Write the picture before the job.")
            with path.open("rb") as file:  # memory for `limit` bytes would be reserved, and cleared, at once
                return file.read(min(limit, os.fstat(file.fileno()).st_size))
        except OSError as error:
            raise MediaError(f"{name}: it cannot be read ({error.strerror})", hint="Write the picture anew.") from error

    def write(self, name: str, data: bytes | memoryview | Path) -> None:
        """A file for the client, from bytes or another file: it appears when it is whole. Raises MediaError."""
        partial = self.path / f"{name}.part"
        try:
            partial.unlink(missing_ok=True)
            if isinstance(data, Path):
                link_or_copy(data, partial)
            else:
                partial.write_bytes(data)
            _rename(partial, self.path / name)
        except OSError as error:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
            hint = "Free some space." if error.errno in (errno.ENOSPC, errno.EDQUOT) else "Is the folder there?"
            raise MediaError(f"{name}: it cannot be written ({error.strerror})", hint=hint) from error

    def tell_progress(self, identifier: str, fraction: float, text: str) -> None:
        """Say how far a job is; where that cannot be written, nobody hears it."""
        with suppress(MediaError):
            self.write(f"{identifier}.progress", _json({"fraction": round(fraction, 3), "text": text}))

    def answer(self, identifier: str, facts: Mapping[str, Any]) -> None:
        """Answer a claimed job for good. `facts` has a `status`; the file that it calls `input` is removed."""
        try:
            self._settle(identifier, facts)
        except MediaError as error:  # most likely the disk is full: the pictures make room
            self._remove_files(facts.get("input"), facts.get("output"))
            with suppress(MediaError):
                self._settle(identifier, fault_facts(error) if facts["status"] == "done" else facts)
        if not self._publish(identifier):  # no room for a word: the mere name says that it failed
            with blamed_on(self.path, hint=HINT):
                _rename(self._file(identifier, "run"), self._file(identifier, "err"))

    def recover(self) -> None:
        """Take over what a dead worker has left: publish its answers, queue its jobs again."""
        with blamed_on(self.path, hint=HINT):
            begun = {file.stem for suffix in ("run", "answer") for file in self.path.glob(f"*.{suffix}")}
        for identifier in filter(IDENTIFIER.fullmatch, begun):
            if self._publish(identifier):
                continue
            ends = self._count_end(identifier)
            if ends < ENDS_MAX:
                self.put_back(identifier)
                with suppress(OSError):  # behind the other jobs, which it would hold up
                    os.utime(self._file(identifier, "job"))
            else:
                hint = "Is there enough memory for a picture of this size?"
                fault = DeviceError(f"the worker ended {ends} times at this job", hint=hint)
                self.answer(identifier, fault_facts(fault))

    def clean(self) -> None:
        """Remove what dead clients have left: jobs never sent, answers never fetched."""
        files: dict[str, list[Path]] = {}
        with blamed_on(self.path, hint=HINT):
            for file in self.path.iterdir():
                if file.name not in OWN_NAMES and (match := JOB_FILE.fullmatch(file.name)):
                    files.setdefault(match[1], []).append(file)
        oldest = time.time() - KEPT_SECONDS
        for group in files.values():
            with suppress(FileNotFoundError):
                is_open = any(file.suffix in (".job", ".run", ".answer") for file in group)
                if not is_open and max(file.lstat().st_mtime for file in group) < oldest:
                    for file in group:
                        file.unlink(missing_ok=True)

    def is_to_stop(self) -> bool:
        """Whether somebody asked the worker to end."""
        return (self.path / STOP).exists()

    def _file(self, identifier: str, suffix: str) -> Path:
        return self.path / f"{identifier}.{suffix}"

    def _settle(self, identifier: str, facts: Mapping[str, Any]) -> None:
        self.write(f"{identifier}.answer", _json({"protocol": PROTOCOL, **facts}))

    def _publish(self, identifier: str) -> bool:
        """Let the client see the answer that is written; False where there is none."""
        answer = self._file(identifier, "answer")
        try:
            facts = json.loads(answer.read_bytes())
        except FileNotFoundError:
            return False
        is_done = facts["status"] == "done"
        suffixes = ("run", "cancel", "progress", "tries", "in", "out.part", *(() if is_done else ("out",)))
        self._remove_files(*(f"{identifier}.{suffix}" for suffix in suffixes), facts.get("input"))
        with blamed_on(self.path, hint=HINT):
            _rename(answer, self._file(identifier, "done" if is_done else "err"))
        return True

    def _count_end(self, identifier: str) -> int:
        """Note that a worker ended without a word at a job; how many counted ends that makes."""
        ends = self._file(identifier, "tries")
        try:
            known, age = int(ends.read_bytes()), time.time() - ends.stat().st_mtime
        except (OSError, ValueError):
            known, age = 0, ENDS_SECONDS
        if known and age < ENDS_SECONDS:
            return known
        with suppress(MediaError):
            self.write(ends.name, str(known + 1).encode())
        return known + 1

    def _remove_files(self, *names: str | None) -> None:
        with blamed_on(self.path, hint=HINT):
            for name in filter(None, names):
                (self.path / name).unlink(missing_ok=True)


def fault_facts(fault: StyleError) -> dict[str, Any]:
    """An answer that says why there is no picture."""
    return {"status": "error", "code": fault.exit_code, "message": fault.message, "hint": fault.hint}


@contextmanager
def held_folder(path: Path) -> Iterator[SpoolFolder]:
    """Make a spool folder, mode 0700, and be its one worker while the `with` lasts.

    Raises:
        UsageError: another worker has it, it is not private, or it holds other things.
        MediaError: it cannot be made or written.
    """
    with blamed_on(path, hint=HINT):
        path.mkdir(mode=0o700, exist_ok=True)  # no parents: a plug-in that was removed meanwhile stays removed
        _check_is_ours(path)
        lock = (path / LOCK).open("ab")
    with lock:
        if not try_lock(lock):
            raise UsageError(f"{path}: has a worker already", hint="Use it, or end it first.")
        (path / STOP).unlink(missing_ok=True)
        try:
            yield SpoolFolder(path)
        finally:
            for name in (WORKER, BEAT, STOP) if _has_lock(path, lock) else ():
                with suppress(OSError):
                    (path / name).unlink(missing_ok=True)


def is_held(path: Path) -> bool:
    """Whether a worker has the folder."""
    try:
        with (path / LOCK).open("rb") as file:
            return not try_lock(file)
    except OSError:
        return False


def _has_lock(path: Path, lock: BinaryIO) -> bool:
    """Whether a folder is the one of this lock; one that was deleted may have been made again by another worker."""
    try:
        return os.path.samestat((path / LOCK).stat(), os.fstat(lock.fileno()))
    except OSError:
        return False


def _check_is_ours(path: Path) -> None:
    """A worker reads jobs of its user only, and removes leftovers of nothing but a spool."""
    if os.name == "posix":
        state = path.stat()
        if state.st_uid != os.geteuid() or stat.S_IMODE(state.st_mode) & 0o077:
            raise UsageError(f"{path}: others may look into it", hint=f"Give a new folder, or chmod 700 {path}.")
    names = {file.name for file in path.iterdir()}
    is_spool = LOCK in names or not names or any(name.endswith(".job") for name in names)  # a client may be first
    if not is_spool:
        raise UsageError(f"{path}: holds other things", hint="Give a new or empty folder.")


def _rename(source: Path, target: Path) -> None:
    deadline = time.monotonic() + SHARING_SECONDS
    while True:
        try:
            source.replace(target)
        except PermissionError:
            if sys.platform != "win32" or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _json(values: Mapping[str, Any]) -> bytes:
    return json.dumps(values).encode()
