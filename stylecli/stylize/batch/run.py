"""Do the items of a batch: each at least once, delivered once, recorded last.

For each item: hash the input, skip it if the record of its output has the same key, record the start, let a worker
write the output under a hidden name and rename it, record the end. After a kill at any point the next run finds the
item done, or does it again with the same result.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stylecli.core.errors import MediaError, StyleError
from stylecli.core.progress import Progress, Step, ignore
from stylecli.core.version import __version__
from stylecli.inference.sessions import physical_cores
from stylecli.stylize.batch.keys import is_in_shard, key_of
from stylecli.stylize.batch.machines.claims import Claims
from stylecli.stylize.batch.options import BatchOptions
from stylecli.stylize.batch.processes import BatchWorker, WorkerOptions, WorkerProcess
from stylecli.stylize.batch.results import DONE, FAILED, STARTED, Results
from stylecli.stylize.batch.rows import Item
from stylecli.stylize.batch.todo import Todo

WORKERS_MAX = 4  # by default; each holds its own networks and pictures
THREADS_A_WORKER = 2  # one item in work, one prepared: the worker does not wait for hashes and records
READY_SECONDS = 1.0  # between two looks whether the batch has ended, while a worker starts
SKIPPED = "skipped"
RETRIED = {"MediaError", "Timeout", "Died", "DeviceError", "Changed"}  # the rest fails again in the same way


@dataclass(frozen=True)
class Ended:
    """An item that ended: its status (done, skipped, failed) and the facts of its record."""

    item: Item
    status: str
    facts: dict[str, Any] = field(default_factory=dict)
    is_recorded: bool = False  # by another worker


@dataclass(frozen=True)
class _Prepared:
    """An item that is ready for a worker. before: size and time of its input."""

    item: Item
    attempt: int
    key: str
    request: dict[str, Any]
    before: tuple[int, int] | None


class _Lane:
    """A worker and its two threads: one waits for the worker while the other prepares the item that comes next."""

    def __init__(self, worker: BatchWorker) -> None:
        self.worker = worker
        self.preparing = threading.Lock()
        self.working = threading.Lock()


class Batch:
    """Workers and records of one batch; `open_batch` opens it."""

    def __init__(
        self,
        folder: Path,
        results: Results,
        options: BatchOptions,
        claims: Claims | None = None,
        workers: Sequence[BatchWorker] = (),
    ) -> None:
        self._folder, self._results, self.options, self._claims = folder, results, options, claims
        self.workers = workers or local_workers(options)
        self._styles: dict[tuple[str, str | None], str] = {}
        self._is_closed = False

    def close(self) -> None:
        """End the workers. Items in work are not recorded: the next run does them."""
        self._is_closed = True
        for worker in self.workers:
            worker.close()

    def run(
        self, items: Sequence[Item], *, progress: Progress = ignore, report: Callable[[Ended], None] = lambda _: None
    ) -> list[Ended]:
        """Do the items, the longest first. `report` is called in this thread with each that ended.

        Raises:
            MediaError: the records cannot be written.
        """
        own = [item for item in items if is_in_shard(item, self.options.shard)]
        todo = Todo(sorted(own, key=self._weight, reverse=True))
        ended: queue.SimpleQueue[Ended | BaseException] = queue.SimpleQueue()
        threads = [
            threading.Thread(target=self._serve, args=(lane, todo, ended), daemon=True)
            for lane in map(_Lane, self.workers)
            for _ in range(THREADS_A_WORKER)
        ]
        for thread in threads:
            thread.start()
        done: list[Ended] = []
        try:
            progress(Step(0, len(own), "items"))
            while len(done) < len(own):
                one = ended.get()
                if isinstance(one, BaseException):
                    raise one
                self._conclude(one, done, report)
                progress(Step(len(done), len(own), "items", one.item.id))
                failures = sum(1 for other in done if other.status == FAILED)
                if self.options.max_failures and failures >= self.options.max_failures:
                    break
        except BaseException:
            self.close()
            raise
        finally:
            todo.close()
            for thread in threads:
                thread.join()
        while not ended.empty():  # items that ended while the batch was being stopped
            one = ended.get()
            if isinstance(one, Ended):
                self._conclude(one, done, report)
        return done

    def _conclude(self, ended: Ended, done: list[Ended], report: Callable[[Ended], None]) -> None:
        if ended.status != SKIPPED and not ended.is_recorded:
            self._results.append(ended.item, ended.facts)
        if self._claims:
            with self._needing_the_folder():
                self._claims.release(ended.item.output)
        done.append(ended)
        report(ended)

    def _serve(self, lane: _Lane, todo: Todo, ended: queue.SimpleQueue[Ended | BaseException]) -> None:
        try:
            while (taken := self._next(lane, todo)) is not None:
                item, attempt, prepared = taken
                result = self._result(lane, todo, prepared) if isinstance(prepared, _Prepared) else prepared
                if result is None or self._is_lost(result):
                    todo.later(item, attempt)
                elif self._is_tried_again(result, attempt):
                    todo.again(item, attempt + 1)
                else:
                    todo.finished()
                    ended.put(result)
        except BaseException as error:  # carried over to the caller's thread
            ended.put(error)
            todo.close()

    def _next(self, lane: _Lane, todo: Todo) -> tuple[Item, int, _Prepared | Ended | None] | None:
        """The next item and its attempt, prepared for the lane's worker, which is reserved; None at the end."""
        with lane.preparing:
            while not lane.worker.is_ready(READY_SECONDS):
                if todo.is_closed:
                    return None
            taken = todo.take()
            if taken is None:
                return None
            prepared = self._prepared(*taken) if self._claims is None else self._claimed(*taken)
            if isinstance(prepared, _Prepared):
                lane.working.acquire()
            return *taken, prepared

    def _result(self, lane: _Lane, todo: Todo, prepared: _Prepared) -> Ended | None:
        """What the lane's worker makes of an item; None if it died before it began, or the batch is being closed."""
        try:
            is_possible = not todo.is_closed and lane.worker.is_ready(READY_SECONDS)
            return self._done(prepared, lane.worker) if is_possible else None
        finally:
            lane.working.release()

    def _is_lost(self, ended: Ended) -> bool:
        """Whether another worker has taken this one for dead meanwhile: the result is theirs to record."""
        if self._claims is None or ended.is_recorded:
            return False
        with self._needing_the_folder():
            return not self._claims.holds(ended.item.output)

    def _is_tried_again(self, ended: Ended, attempt: int) -> bool:
        is_own = ended.status == FAILED and not ended.is_recorded
        return is_own and attempt <= self.options.retries and ended.facts["kind"] in RETRIED

    def _claimed(self, item: Item, attempt: int) -> _Prepared | Ended | None:
        """As `_prepared`, for an item whose lease was got; None while another worker holds it."""
        assert self._claims
        with self._needing_the_folder():
            self._results.refresh()
            if (ended := self._ended_elsewhere(item)) is not None:
                return ended
            if not self._claims.take(item.output):
                return None
            self._results.refresh()  # the last holder may have ended it just before
            if (ended := self._ended_elsewhere(item)) is not None:
                return ended
        return self._prepared(item, attempt)

    @contextmanager
    def _needing_the_folder(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise MediaError(f"{self._folder}: {error.strerror or error}", hint="Connect the folder again.") from error

    def _ended_elsewhere(self, item: Item) -> Ended | None:
        record = self._results.ended_elsewhere(item)
        if record is None:
            return None
        status = SKIPPED if record["status"] == DONE else FAILED
        return Ended(item, status, dict(record), is_recorded=True)

    def _prepared(self, item: Item, attempt: int) -> _Prepared | Ended:
        """All that comes before the worker's part: the item is hashed and its start recorded, or it has ended."""
        try:
            key, request = self._request(item)
            if self._results.is_done(item, key) and (self._folder / item.output).is_file():
                return Ended(item, SKIPPED)
            before = _state(self._folder / item.input)
        except (StyleError, OSError) as error:
            fault, hint = getattr(error, "message", str(error)), getattr(error, "hint", "")
            return _failed(item, fault, hint, type(error).__name__, key="", attempt=attempt)
        replaces = self.options.overwrite or self._results.is_ours(item)
        if (self._folder / item.output).exists() and not replaces:
            fault = f"{item.output}: exists, and this batch did not write it"
            return _failed(item, fault, "Use `overwrite=True`.", "UsageError", key=key, attempt=attempt)
        self._results.append(item, {"status": STARTED, "key": key, "attempt": attempt})
        return _Prepared(item, attempt, key, request, before)

    def _done(self, prepared: _Prepared, worker: BatchWorker) -> Ended | None:
        """Let a worker do an item; None if the batch is being closed."""
        if self._is_closed:
            return None
        item = prepared.item
        answer = worker.ask({**prepared.request, "overwrite": True}, timeout=self.options.timeout)
        if self._is_closed:
            return None
        facts = {"key": prepared.key, "attempt": prepared.attempt}
        if answer["status"] == DONE and _state(self._folder / item.input) != prepared.before:
            return _failed(item, f"{item.input}: changed while it was read", "Run it again.", "Changed", **facts)
        return Ended(item, answer["status"], {**answer, **facts, "version": __version__})

    def _request(self, item: Item) -> tuple[str, dict[str, Any]]:
        """The key of an item, and what its worker is asked.

        Raises:
            OSError, StyleError: input, mask or style cannot be read.
        """
        style = self._style_hash(item)
        source, mask = self._folder / item.input, item.mask and self._folder / item.mask
        paths = {"input": str(source), "output": str(self._folder / item.output), "mask": str(mask) if mask else None}
        paths["folder"] = str(self._folder)
        names = {"kind": item.kind, "style": item.style, "variant": item.variant, "style_sha256": style}
        return key_of(item, self._folder, style), {**item.options(), **names, **paths}

    def _style_hash(self, item: Item) -> str:
        from stylecli.packs.shelves import find_style

        name = (item.style, item.variant)
        if name not in self._styles:
            pack = find_style(item.style, self.options.styles_dir, variant=item.variant)
            self._styles[name] = pack.model().sha256
        return self._styles[name]

    def _weight(self, item: Item) -> tuple[bool, int]:
        try:
            return item.kind == "video", (self._folder / item.input).stat().st_size
        except OSError:
            return False, 0


def local_workers(options: BatchOptions) -> list[WorkerProcess]:
    """Worker processes on this machine, between which the cores are divided; each starts when it is first asked."""
    count = options.workers or min(physical_cores(), WORKERS_MAX)
    threads = max(1, physical_cores() // count) if count > 1 else None
    how = WorkerOptions(options.device, threads, options.styles_dir)
    return [WorkerProcess(how) for _ in range(count)]


@contextmanager
def open_batch(
    folder: Path,
    results: Results,
    options: BatchOptions,
    claims: Claims | None = None,
    workers: Sequence[BatchWorker] = (),
) -> Iterator[Batch]:
    """A batch whose paths are relative to `folder`; its workers end with the `with`.

    claims: leases that it shares with others who do the same items; None: nobody else does them.
    workers: who does the items; none: processes on this machine.
    """
    batch = Batch(folder, results, options, claims, workers)
    try:
        yield batch
    finally:
        batch.close()


def _failed(item: Item, fault: str, hint: str, kind: str, **facts: Any) -> Ended:
    answer = {"status": FAILED, "error": fault, "hint": hint, "kind": kind}
    return Ended(item, FAILED, {**answer, **facts, "version": __version__})


def _state(path: Path) -> tuple[int, int] | None:
    """Size and time of a file; None if it is gone."""
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_size, facts.st_mtime_ns
