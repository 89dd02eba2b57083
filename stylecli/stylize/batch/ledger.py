"""The ledger of a batch: which items are still to be done, and the outcome of each.

An item is started (its input is hashed, its start recorded), a worker does it, and it ends (its end is recorded).
What is done already, what another machine has, and what cannot be done never gets to a worker.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stylecli.core.errors import MediaError, StyleError
from stylecli.core.files import blamed_on
from stylecli.core.version import __version__
from stylecli.stylize.batch.keys import key_of
from stylecli.stylize.batch.machines.claims import Claims
from stylecli.stylize.batch.manifests.files import files_of, style_of
from stylecli.stylize.batch.manifests.rows import Item
from stylecli.stylize.batch.options import BatchOptions
from stylecli.stylize.batch.results import DONE, FAILED, STARTED, Results
from stylecli.stylize.batch.workers.processes import request_of

SKIPPED = "skipped"

States = tuple[tuple[int, int], ...] | None  # size and time of each input; None: one of them is gone


@dataclass(frozen=True)
class ItemOutcome:
    """An item that ended: its status (done, skipped, failed) and the facts of its record.

    is_elsewhere: another machine did it, and recorded it.
    """

    item: Item
    status: str
    facts: dict[str, Any] = field(default_factory=dict)
    is_elsewhere: bool = False


@dataclass(frozen=True)
class StartedItem:
    """An item that is ready for a worker.

    request: what a worker is asked. before: sizes and times of the inputs when they were hashed.
    """

    item: Item
    attempt: int
    key: str
    request: dict[str, Any]
    before: States


class Ledger:
    """The records and the leases of one batch, whose paths are relative to `folder`.

    claims: leases that it shares with machines that do the same items; None: nobody else does them.
    """

    def __init__(self, folder: Path, results: Results, options: BatchOptions, claims: Claims | None = None) -> None:
        self.folder = folder
        self._results, self._options, self._claims = results, options, claims
        self._styles: dict[tuple[str, str | None], str] = {}  # (style, variant) -> sha256 of its network

    def begin(self, item: Item, attempt: int) -> StartedItem | ItemOutcome | None:
        """Record the start of an item. Returns its outcome if nothing is to be done, None while another machine has it.

        Raises:
            MediaError: the records or the leases cannot be reached.
        """
        if self._claims is None:
            return self._start(item, attempt)
        with self._folder_needed():
            if (ended := self._ended_elsewhere(item)) is not None:
                return ended
            if not self._claims.take(item.output):
                return None
            return self._ended_elsewhere(item) or self._start(item, attempt)  # its last holder may just have ended it

    def finish(self, started: StartedItem, answer: dict[str, Any]) -> ItemOutcome | None:
        """Return the outcome of an item by its worker's answer; None if another machine has taken it over meanwhile.

        Raises:
            MediaError: the leases cannot be reached.
        """
        item, facts = started.item, {"key": started.key, "attempt": started.attempt}
        if self._claims:
            with self._folder_needed():
                if not self._claims.holds(item.output):
                    return None
        if answer["status"] == DONE and _states(item, self.folder) != started.before:
            return _failed(item, f"{item.input}: changed while it was read", "Run it again.", "Changed", **facts)
        return ItemOutcome(item, answer["status"], {**answer, **facts, "version": __version__})

    def record(self, ended: ItemOutcome) -> None:
        """Record the end of an item, and give its lease back.

        Raises:
            MediaError: the records or the leases cannot be reached.
        """
        if ended.status != SKIPPED and not ended.is_elsewhere:
            self._results.append(ended.item, ended.facts)
        if self._claims:
            with self._folder_needed():
                self._claims.release(ended.item.output)

    def _start(self, item: Item, attempt: int) -> StartedItem | ItemOutcome:
        try:
            before = _states(item, self.folder)
            key, request = self._request(item)
            outputs = [output for _, output in files_of(item, self.folder)]
            if self._results.is_done(item, key) and all(output.is_file() for output in outputs):
                return ItemOutcome(item, SKIPPED)
            is_foreign = any(output.exists() for output in outputs) and not self._results.is_ours(item)
        except (StyleError, OSError) as error:
            fault, hint = getattr(error, "message", str(error)), getattr(error, "hint", "")
            return _failed(item, fault, hint, type(error).__name__, key="", attempt=attempt)
        if is_foreign and not self._options.overwrite:
            fault = f"{item.output}: exists, and this batch did not write it"
            return _failed(item, fault, "Use `overwrite=True`.", "UsageError", key=key, attempt=attempt)
        if item.kind == "sequence" and self._results.last_key(item) != key:
            with blamed_on(self.folder):
                for output in outputs:  # of another key; frames of this one are kept, so a sequence goes on
                    output.unlink(missing_ok=True)
        self._results.append(item, {"status": STARTED, "key": key, "attempt": attempt})
        return StartedItem(item, attempt, key, request, before)

    def _ended_elsewhere(self, item: Item) -> ItemOutcome | None:
        self._results.refresh()
        record = self._results.ended_elsewhere(item)
        if record is None:
            return None
        status = SKIPPED if record["status"] == DONE else FAILED
        return ItemOutcome(item, status, dict(record), is_elsewhere=True)

    @contextmanager
    def _folder_needed(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise MediaError(f"{self.folder}: {error.strerror or error}", hint="Connect the folder again.") from error

    def _request(self, item: Item) -> tuple[str, dict[str, Any]]:
        """Return the key of an item, and the request to its worker.

        Raises:
            OSError, StyleError: input, mask or style cannot be read.
        """
        style = self._style_hash(item)
        return key_of(item, self.folder, style), request_of(item, self.folder, style)

    def _style_hash(self, item: Item) -> str:
        from stylecli.packs.shelves import find_style

        name = (item.style, item.variant)
        if name not in self._styles:
            pack = find_style(style_of(item, self.folder), self._options.styles_dir, variant=item.variant)
            self._styles[name] = pack.model().sha256
        return self._styles[name]


def _failed(item: Item, fault: str, hint: str, kind: str, **facts: Any) -> ItemOutcome:
    answer = {"status": FAILED, "error": fault, "hint": hint, "kind": kind}
    return ItemOutcome(item, FAILED, {**answer, **facts, "version": __version__})


def _states(item: Item, folder: Path) -> States:
    try:
        facts = [source.stat() for source, _ in files_of(item, folder)]
    except (OSError, StyleError):
        return None
    return tuple((one.st_size, one.st_mtime_ns) for one in facts)
