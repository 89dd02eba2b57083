"""Leases on a shared folder: of many workers, one does an item, and another takes over when that one dies.

A lease is a file `NAME.GENERATION`, made so that only one worker can make it. Its holder changes its content every few
seconds. A lease whose content has not changed for `seconds`, by the clock of the worker that looks, is dead: whoever
makes the file of the next generation holds the item. No clocks of two machines are ever compared.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from stylecli.core.files import blamed_on
from stylecli.stylize.batch.options import BatchOptions

LEASE_SECONDS = BatchOptions.lease_seconds
BEATS_A_LEASE = 6  # signs of life in this time


@dataclass
class _Seen:
    """The lease of somebody else: its content, and since when (`clock`) it has been as it is."""

    content: bytes
    since: float


class Claims:
    """The leases of one worker in `folder`, which all workers share; `open_claims` opens them."""

    def __init__(
        self, folder: Path, owner: str, seconds: float = LEASE_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.seconds = seconds
        self._folder, self._owner, self._clock = folder, owner, clock
        self._held: dict[str, int] = {}  # name of an item -> generation
        self._seen: dict[tuple[str, int], _Seen] = {}
        self._beats = 0
        self._lock = threading.Lock()

    def take(self, name: str) -> bool:
        """Take the lease of an item, or keep it; False while somebody else holds it.

        Whoever gets it must look whether the item has been done meanwhile.

        Raises:
            OSError: the folder is gone, or cannot be written.
        """
        if self.holds(name):
            return True
        stem = _stem(name)
        newest = max(self._generations(stem), default=-1)
        if newest >= 0 and not self._is_dead(stem, newest):
            return False
        try:
            descriptor = os.open(self._path(stem, newest + 1), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
        except FileExistsError:
            return False
        with os.fdopen(descriptor, "wb") as file:
            file.write(self._sign_of_life())
        with self._lock:
            self._held[name] = newest + 1
        return True

    def holds(self, name: str) -> bool:
        """Whether this worker holds the lease of an item, still: another one may have taken it for dead."""
        with self._lock:
            generation = self._held.get(name)
        return generation is not None and max(self._generations(_stem(name)), default=-1) == generation

    def release(self, name: str) -> None:
        """Give the lease of an item back, if it is held; to be called when the item's end is recorded."""
        with self._lock:
            generation = self._held.pop(name, None)
        if generation is None:
            return
        stem = _stem(name)
        for older in sorted(self._generations(stem)):
            if older <= generation:
                self._path(stem, older).unlink(missing_ok=True)

    def beat(self) -> None:
        """Show that this worker lives."""
        with self._lock:
            held = dict(self._held)
        for name, generation in held.items():
            with suppress(OSError), self._path(_stem(name), generation).open("r+b") as file:  # only if it is there
                file.write(self._sign_of_life())
                file.truncate()

    def release_all(self) -> None:
        """Give all leases back: at the end, and after an interrupt."""
        for name in tuple(self._held):
            with suppress(OSError):
                self.release(name)

    def _is_dead(self, stem: str, generation: int) -> bool:
        try:
            content = self._path(stem, generation).read_bytes()
        except FileNotFoundError:  # released just now: the next look finds none
            return False
        seen = self._seen.get((stem, generation))
        if seen is None or seen.content != content:
            self._seen[stem, generation] = _Seen(content, self._clock())
            return False
        return self._clock() - seen.since > self.seconds

    def _generations(self, stem: str) -> list[int]:
        found = (name.rpartition(".") for name in os.listdir(self._folder))  # noqa: PTH208  # names alone, sooner
        return [int(number) for name, _, number in found if name == stem and number.isdigit()]

    def _path(self, stem: str, generation: int) -> Path:
        return self._folder / f"{stem}.{generation}"

    def _sign_of_life(self) -> bytes:
        with self._lock:
            self._beats += 1
            return f"{self._owner} {self._beats}\n".encode()


@contextmanager
def open_claims(folder: Path, owner: str, seconds: float = LEASE_SECONDS) -> Iterator[Claims]:
    """Leases in `folder`, whose holder shows that it lives, from a thread, until the `with` is left.

    owner: a name that no other worker has.

    Raises:
        MediaError: the folder cannot be made.
    """
    with blamed_on(folder):
        folder.mkdir(parents=True, exist_ok=True)
    claims = Claims(folder, owner, seconds)
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(seconds / BEATS_A_LEASE):
            claims.beat()

    thread = threading.Thread(target=beat, name="stylecli showing that it lives", daemon=True)
    thread.start()
    try:
        yield claims
    finally:
        ended.set()
        thread.join()
        claims.release_all()


def _stem(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:32]
