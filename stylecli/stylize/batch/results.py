"""RESULTS.jsonl: what was started and what it ended with. One line is appended for each; a cut last line is ignored."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

from stylecli.core.errors import UsageError
from stylecli.core.files import blamed_on, try_lock
from stylecli.stylize.batch.rows import RESULT, Item

FILE = "RESULTS.jsonl"
FILES = "RESULTS*.jsonl"  # those of shards too: RESULTS-1-of-4.jsonl
DONE, FAILED, STARTED = "done", "failed", "started"


class Results:
    """The records of a folder, those of other shards too; new ones go to one file. `open_results` opens it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = Lock()
        self._latest: dict[str, Mapping[str, Any]] = {}  # output -> its last record
        self._begun: set[str] = set()  # outputs that a worker may have written
        for file in sorted(path.parent.glob(FILES)):
            for output, result in self._latest_of(file).items():
                if result.get("time", 0) >= self._latest.get(output, {}).get("time", 0):
                    self._latest[output] = result
        _end_last_line(path)

    def is_done(self, item: Item, key: str) -> bool:
        """Whether the last record of the item's output is a success with this key."""
        last = self._latest.get(item.output, {})
        return last.get("status") == DONE and last.get("key") == key

    def is_ours(self, item: Item) -> bool:
        """Whether an earlier run wrote the item's output, or began to: it may be replaced then."""
        return item.output in self._begun

    def append(self, item: Item, result: Mapping[str, Any]) -> None:
        """Append one record and flush it to the disk.

        Raises:
            MediaError: the disk is full, or the folder is gone. No part of the record stays.
        """
        result = {**result, "time": round(time.time(), 3)}
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

    def _latest_of(self, file: Path) -> dict[str, Mapping[str, Any]]:
        latest = {}
        for record in _records(file):
            output, result = record["output"], record[RESULT]
            latest[output] = result
            if result.get("status") in (STARTED, DONE):
                self._begun.add(output)
        return latest


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


def _records(path: Path) -> Iterator[dict[str, Any]]:
    if not path.is_file():
        return
    with path.open("rb") as file:
        for line in file:
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if isinstance(record, dict) and "output" in record and isinstance(record.get(RESULT), dict):
                yield record


def _end_last_line(path: Path) -> None:
    """A run that was killed may have left half a line: the next record must not be glued to it."""
    if not path.is_file() or not path.stat().st_size:
        return
    with blamed_on(path), path.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        if file.read(1) != b"\n":
            file.write(b"\n")
