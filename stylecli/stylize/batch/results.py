"""RESULTS.jsonl: what was started and what it ended with. One line is appended for each; a cut last line is ignored."""

from __future__ import annotations

import itertools
import json
import os
import platform
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Any

from stylecli.core.errors import MediaError, UsageError
from stylecli.core.files import blamed_on, try_lock
from stylecli.stylize.batch.manifests.columns import RESULT
from stylecli.stylize.batch.manifests.rows import Item

FILE = "RESULTS.jsonl"
FILES = "RESULTS*.jsonl"  # those of shards too: RESULTS-1-of-4.jsonl
DONE, FAILED, STARTED = "done", "failed", "started"


class Results:
    """The records of a folder, those of other runs too; new ones go to one file. `open_results` opens it.

    The last record of an output is the one with the highest `order`, which whoever does an item counts up: workers on
    several machines need no common time.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = Lock()
        self._latest: dict[str, Mapping[str, Any]] = {}  # output -> its last record
        self._begun: set[str] = set()  # outputs that a worker may have written
        self._read: dict[Path, int] = {}  # bytes of each file that were read
        self._elsewhere: dict[str, Mapping[str, Any]] = {}  # output -> how another run ended it, since this one began
        self.refresh()
        self._elsewhere.clear()
        _end_last_line(path)

    def refresh(self) -> None:
        """Read what other runs have recorded since the last time.

        Raises:
            MediaError: the folder or a file cannot be read.
        """
        with self._lock:
            if not self.path.parent.is_dir():
                raise MediaError(f"{self.path.parent}: is gone", hint="Connect it again.")
            for file in sorted(self.path.parent.glob(FILES)):
                if file != self.path or file not in self._read:
                    self._read_on(file)

    def ended_elsewhere(self, item: Item) -> Mapping[str, Any] | None:
        """Return how another run ended an item since this one began: its record, done or failed."""
        return self._elsewhere.get(item.output)

    def is_done(self, item: Item, key: str) -> bool:
        """Whether the last record of the item's output is a success with this key."""
        return self._latest.get(item.output, {}).get("status") == DONE and self.last_key(item) == key

    def last_key(self, item: Item) -> str | None:
        """Return the key of the last record of the item's output; None without one."""
        return self._latest.get(item.output, {}).get("key")

    def is_ours(self, item: Item) -> bool:
        """Whether an earlier run wrote the item's output, or began to: it may be replaced then."""
        return item.output in self._begun

    def append(self, item: Item, result: Mapping[str, Any]) -> None:
        """Append one record and flush it to the disk.

        Raises:
            MediaError: the disk is full, or the folder is gone. No part of the record stays.
        """
        order = self._latest.get(item.output, {}).get("order", 0) + 1
        result = {**result, "time": round(time.time(), 3), "order": order}
        line = (json.dumps({**item.row(), RESULT: result}) + "\n").encode()
        with self._lock, blamed_on(self.path), self.path.open("ab") as file:
            start = file.seek(0, os.SEEK_END)
            try:
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                os.truncate(self.path, start)
                raise
            self._latest[item.output] = result
            if result["status"] in (STARTED, DONE):
                self._begun.add(item.output)

    def _read_on(self, file: Path) -> None:
        start = self._read.get(file, 0)
        records, end = _records(file, start)
        self._read[file] = end
        for record in records:
            output, result = record["output"], record[RESULT]
            if _order(result) >= _order(self._latest.get(output, {})):
                self._latest[output] = result
                if result.get("status") in (DONE, FAILED):
                    self._elsewhere[output] = result
            if result.get("status") in (STARTED, DONE):
                self._begun.add(output)


@contextmanager
def open_results(path: Path) -> Iterator[Results]:
    """Open the records for this process alone.

    Raises:
        UsageError: another run works with them.
        MediaError: the folder cannot be written.
    """
    with blamed_on(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.with_name(f".{path.name}.lock").open("ab")
    with lock:
        if not try_lock(lock):
            raise UsageError(f"{path}: another batch is at work here", hint="Wait until it ends.")
        yield Results(path)


@contextmanager
def open_free_results(folder: Path) -> Iterator[Results]:
    """Open the first records of this machine that no other process works with: RESULTS-HOST-1.jsonl, then -2 ...

    Raises:
        MediaError: the folder cannot be written.
    """
    host = re.sub(r"[^\w.-]", "_", platform.node()) or "host"
    with ExitStack() as stack:
        for number in itertools.count(1):
            path = folder / FILE.replace(".", f"-{host}-{number}.")
            with suppress(UsageError):
                results = stack.enter_context(open_results(path))
                break
        yield results


def _order(result: Mapping[str, Any]) -> tuple[int, float]:
    """Return the sort key of records; those of earlier versions have a time alone."""
    return result.get("order", 0), result.get("time", 0)


def _records(path: Path, start: int) -> tuple[list[dict[str, Any]], int]:
    """Read the records from a byte on; also returns the byte behind the last whole line."""
    found = []
    try:
        with path.open("rb") as file:
            file.seek(start)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                start += len(line)
                try:
                    record = json.loads(line)
                except ValueError:
                    continue
                if isinstance(record, dict) and "output" in record and isinstance(record.get(RESULT), dict):
                    found.append(record)
    except OSError as error:
        raise MediaError(f"{path}: cannot be read ({error.strerror})", hint="Check the folder.") from error
    return found, start


def _end_last_line(path: Path) -> None:
    """End a half line that a killed run has left, so that the next record is a line of its own."""
    if not path.is_file() or not path.stat().st_size:
        return
    with blamed_on(path), path.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        if file.read(1) != b"\n":
            file.write(b"\n")
