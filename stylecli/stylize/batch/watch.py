"""A folder watched: each file is taken once it is complete, and restarts lose nothing."""

from __future__ import annotations

import importlib
import importlib.util
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from stylecli.core.errors import UsageError
from stylecli.core.files import same_place
from stylecli.stylize.batch.manifests.folders import FolderRule, check_rule, rows_of_folder
from stylecli.stylize.batch.manifests.rows import Item, items_of
from stylecli.stylize.batch.run import Batch, Report

SETTLED = 1.0  # seconds without a change, after which a file counts as complete
LOOK_AGAIN = 5.0  # seconds between two looks without a notice: not every network file system sends notices

Facts = tuple[int, int]  # size, time of the last change


class Arrivals:
    """Tells the files of a folder that are complete and new; a file that failed is new again when it changes."""

    def __init__(self, rule: FolderRule, base: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._rule, self._base, self._clock = rule, base, clock
        self._seen: dict[Path, tuple[Facts, float]] = {}  # since when a file has been as it is
        self._taken: dict[str, Facts] = {}  # output -> its input as it was taken

    def items(self) -> tuple[list[Item], bool]:
        """Return the items of new complete files, and whether other files are still growing."""
        now, ready, growing = self._clock(), [], False
        for row in rows_of_folder(self._rule, self._base):
            path = self._base / row["input"]
            try:
                status = path.stat()
            except OSError:  # moved away meanwhile
                continue
            facts = (status.st_size, status.st_mtime_ns)
            known, since = self._seen.get(path, (None, now))
            if facts != known:
                self._seen[path], since = (facts, now), now
            if now - since < SETTLED or not status.st_size:
                growing = True
            elif self._taken.get(row["output"]) != facts:
                self._taken[row["output"]] = facts
                ready += list(items_of(row))
        return ready, growing


def check_watched(rule: FolderRule, styles_dir: Path | None) -> None:
    """Check whether a folder can be watched.

    Raises:
        UsageError: the package watchfiles is not installed, the results would lie in the folder itself, or as
            `check_rule`.
        PackError: as `check_rule`.
    """
    if importlib.util.find_spec("watchfiles") is None:
        raise UsageError("watchfiles is missing", hint='Install it: pip install "stylecli[watch]".')
    check_rule(rule, styles_dir)
    if same_place(rule.output, rule.source):
        raise UsageError(f"{rule.output}: is the folder that is watched", hint="Write the results to another folder.")


def watch(batch: Batch, rule: FolderRule, base: Path, *, report: Report) -> None:
    """Do the files of a folder as they come, until the caller's thread is interrupted; paths are relative to `base`.

    Raises:
        MediaError: the records cannot be written.
    """
    arrivals = Arrivals(rule, base)
    for _ in _changes(rule.source):
        growing = True
        while growing:
            items, growing = arrivals.items()
            if items:
                batch.run(items, report=report)
            if growing:
                time.sleep(SETTLED / 2)


def _changes(folder: Path) -> Iterator[None]:
    """Yield at the start, after each change below a folder, and every few seconds."""
    watchfiles = importlib.import_module("watchfiles")  # an extra: only this needs it
    yield
    milliseconds = int(LOOK_AGAIN * 1000)
    for _ in watchfiles.watch(folder, rust_timeout=milliseconds, yield_on_timeout=True):
        yield
