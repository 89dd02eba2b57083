"""Atomic writes of files and folders, errors that name the right path, locks, package data."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from stylecli.core.errors import MediaError, StyleError

LONGEST_NAME = 200  # bytes of a name to which a prefix and a suffix are added; file systems take 255
WRITE_HINT = "Make room, or choose another place."

SETTLE_SECONDS = 0.02  # a thread that has just checked `_is_ending` opens its file within this time

_is_ending = False  # `discard_drafts` was called
_drafts: set[Path] = set()  # hidden files and folders that this process is writing


@contextmanager
def blamed_on(
    path: Path,
    *,
    hint: str = WRITE_HINT,
    error: type[StyleError] = MediaError,
    also: tuple[type[Exception], ...] = (),
) -> Iterator[None]:
    """Turn an OSError inside the `with` into `error`, with a message about `path`.

    path: the one that the user gave; the OSError may be about a temporary file.
    also: exceptions of a library that mean the same.
    """
    faults: tuple[type[Exception], ...] = (OSError, *also)
    try:
        yield
    except faults as fault:
        reason = getattr(fault, "strerror", None) or fault
        if isinstance(fault, (FileExistsError, NotADirectoryError)):
            reason = next((_no_folder(place, path) for place in (path, *path.parents) if _is_no_folder(place)), reason)
        raise error(f"{path}: cannot be written ({reason})", hint=hint) from fault


def _is_no_folder(path: Path) -> bool:
    return path.is_file() or (path.is_symlink() and not path.exists())


def _no_folder(place: Path, path: Path) -> str:
    what = "a file, not a folder" if place.is_file() else "a link that leads nowhere"
    return f"{'it' if place == path else place} is {what}"


def name_of_place(folder: Path) -> str:
    """The name of the folder that a path such as `.` or a link leads to."""
    return Path(os.path.realpath(folder)).name  # `Path.resolve` fails on a link to itself


def same_place(one: Path, other: Path) -> bool:
    """Whether two paths lead to the same file or folder, which need not exist."""
    return os.path.realpath(one) == os.path.realpath(other)


def check_room(output: Path, *, needed: float) -> None:
    """Check before the work that a result has room.

    Raises:
        MediaError: fewer than `needed` bytes are free on the disk of `output`, or its folder does not exist.
    """
    if not output.parent.is_dir():
        raise MediaError(f"{output}: cannot be written (there is no folder {output.parent})", hint="Create it first.")
    with blamed_on(output):
        free = shutil.disk_usage(output.parent).free
    if needed > free:
        raise MediaError(
            f"{output}: about {_size(needed)} more are needed on its disk, {_size(free)} are free",
            hint="Make room, or write to another disk.",
        )


def check_writable(folder: Path) -> None:
    """Check before the work, by trial, that files can be written into a folder, which is made later if there is none.

    Raises:
        MediaError: the folder, or the nearest one above it that exists, cannot be written, is full or is a file.
    """
    place = next(place for place in (folder, *folder.absolute().parents) if os.path.lexists(place))
    with blamed_on(folder), tempfile.TemporaryFile(dir=place, buffering=0) as trial:
        trial.write(b"?")


def write_atomically(
    path: Path, data: bytes | memoryview, *, mode: int | None = None, is_durable: bool = False
) -> None:
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


def link_or_copy(source: Path, target: Path) -> None:
    """Give a file a second name, `target`, which is new; where the disk has no hard links, copy it.

    Raises:
        OSError: there is no such file, or `target` cannot be written.
    """
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(source, target)


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Give a hidden path beside `path`, with its suffix; the file written there is renamed to `path` at the end.

    After an error, ^C too, the hidden file is removed and `path` is as it was.

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
    """Give a hidden, empty folder beside `folder`; it is renamed to `folder` at the end, and removed after an error.

    replaces: whether a folder may be there already. It is removed after the rename, and put back if that fails.

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
    """Return a name for a hidden file beside `path`: its own, or a hash where that is too long or not UTF-8."""
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
    """Remove all files and folders that this process has not finished writing, and let no thread begin another.

    For a process that ends while other threads, or its main thread in a native library, are still at work.
    """
    global _is_ending  # noqa: PLW0603  # of the whole process
    _is_ending = True
    for _ in range(2):  # a thread may have been about to open its draft
        for draft in tuple(_drafts):
            if draft.is_dir():
                shutil.rmtree(draft, ignore_errors=True)
            else:
                with suppress(OSError):
                    draft.unlink(missing_ok=True)
        time.sleep(SETTLE_SECONDS if _drafts else 0)


def _size(count: float) -> str:
    if count >= 1e9:
        return f"{count / 1e9:.1f} GB"
    return f"{count / 1e6:.0f} MB" if count >= 1e6 else f"{count / 1e3:.0f} kB"


def _refuse_while_ending() -> None:
    if _is_ending and threading.current_thread() is not threading.main_thread():
        raise OSError(errno.ECANCELED, "the process ends")


def bundled_folder(name: str) -> Path:
    """Return a folder that ships with stylecli ("styles", "plugins"): in the package, or beside it in a checkout."""
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


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Let one process, or thread, after the other do the work of the `with`.

    The folder itself is what they lock, so that nothing is left behind. Where no folder can be locked, as on Windows
    and on some network drives, nobody waits.
    """
    if sys.platform == "win32":
        yield
        return
    import fcntl

    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        yield
        return
    try:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def flush_to_disk(path: Path) -> None:
    """Wait until a file, or the names in a folder, survive a loss of power."""
    descriptor = os.open(path, os.O_RDONLY if sys.platform != "win32" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
