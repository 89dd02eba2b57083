"""Files and folders that appear whole or not at all, faults that name the right path, locks, package data."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from stylecli.core.errors import MediaError, StyleError

LONGEST_NAME = 200  # bytes of a file's name to which something is added; file systems take 255
WRITE_HINT = "Make room, or choose another place."

SETTLE_SECONDS = 0.02  # that other threads have between their look at `_is_ending` and opening a file

_is_ending = False
_drafts: set[Path] = set()  # hidden files and folders that this process is writing


@contextmanager
def blamed_on(
    path: Path,
    *,
    hint: str = WRITE_HINT,
    error: type[StyleError] = MediaError,
    also: tuple[type[Exception], ...] = (),
) -> Iterator[None]:
    """Raise `error` about `path` for what the system has against writing it.

    The path that a user gave, not the temporary one that failed. `also` names exceptions of a library that mean the
    same.
    """
    faults: tuple[type[Exception], ...] = (OSError, *also)
    try:
        yield
    except faults as fault:
        reason = getattr(fault, "strerror", None) or fault
        raise error(f"{path}: cannot be written ({reason})", hint=hint) from fault


def write_atomically(path: Path, data: bytes, *, mode: int | None = None, is_durable: bool = False) -> None:
    """Write a file under a hidden name beside `path`, then rename it: `path` holds all of `data`, or what it held.

    mode: permission bits of the new file; None: those of any new file.
    is_durable: the file and its name survive a loss of power.

    Raises:
        OSError: it cannot be written; nothing is left behind.
    """
    with atomic_file(path) as draft:
        draft.write_bytes(data)
        if mode is not None:
            draft.chmod(mode)
        if is_durable:
            flush_to_disk(draft)
    if is_durable and sys.platform != "win32":  # there a folder cannot be opened
        flush_to_disk(path.parent)


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """A hidden path beside `path`, with its suffix; what was written there gets its name when all went well.

    Raises:
        OSError: it cannot be renamed.
    """
    draft = path.with_name(f".{secrets.token_hex(8)}{path.suffix}")
    _drafts.add(draft)
    try:
        _refuse_while_ending()
        yield draft
        _refuse_while_ending()
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
        _drafts.discard(draft)


@contextmanager
def atomic_folder(folder: Path, *, replaces: bool = False) -> Iterator[Path]:
    """A hidden, empty folder beside `folder`, which takes its place when all went well and is gone otherwise.

    With `replaces`, a folder that is there already is removed once the new one has its name; it is put back if the
    rename fails.

    Raises:
        OSError: it cannot be made or renamed.
    """
    draft = folder.with_name(f".{hidden_name(folder)}.{secrets.token_hex(4)}")
    _drafts.add(draft)
    try:
        draft.mkdir(parents=True)
        yield draft
        if replaces:
            swap_folders(draft, folder)
        else:
            draft.replace(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        _drafts.discard(draft)


def hidden_name(path: Path) -> str:
    """A name for a hidden thing beside `path`: its own, or a short one where that is too long or not UTF-8."""
    try:
        if len(path.name.encode()) <= LONGEST_NAME:
            return path.name
    except UnicodeEncodeError:
        pass
    return hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]


def swap_folders(incoming: Path, folder: Path) -> None:
    """Rename `incoming` to `folder` and remove what stood there; on any fault, ^C too, the old folder is back.

    Raises:
        OSError: it cannot be renamed.
    """
    replaced = incoming.with_name(f"{incoming.name}.replaced")
    if folder.exists():
        folder.rename(replaced)
    try:
        incoming.rename(folder)
    except BaseException:
        if replaced.exists():
            replaced.rename(folder)
        raise
    shutil.rmtree(replaced, ignore_errors=True)


def discard_drafts() -> None:
    """Remove the drafts of all files and folders that are being written, from any thread.

    For a process that ends while threads, or its main thread in a native library, are still at work. No other thread
    begins a draft afterwards.
    """
    global _is_ending  # noqa: PLW0603  # of the whole process
    _is_ending = True
    for _ in range(2):  # a thread may have been just about to open its draft
        for draft in tuple(_drafts):
            if draft.is_dir():
                shutil.rmtree(draft, ignore_errors=True)
            else:
                with suppress(OSError):
                    draft.unlink(missing_ok=True)
        time.sleep(SETTLE_SECONDS if _drafts else 0)


def _refuse_while_ending() -> None:
    if _is_ending and threading.current_thread() is not threading.main_thread():
        raise OSError(errno.ECANCELED, "the process ends")


def bundled_folder(name: str) -> Path:
    """A folder of data that comes with stylecli ("styles", "plugins").

    It lies inside the installed package, or beside it in a checkout.
    """
    package = Path(__file__).parents[1]
    installed = package / "_data" / name
    return installed if installed.is_dir() else package.parent / name


def try_lock(file: BinaryIO) -> bool:
    """Lock an open file for this process until it is closed; False if another process holds the lock.

    The system releases the lock when the process ends, however it ends.
    """
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def flush_to_disk(path: Path) -> None:
    """Wait until a file, or the names in a folder, survive a loss of power."""
    descriptor = os.open(path, os.O_RDONLY if sys.platform != "win32" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
