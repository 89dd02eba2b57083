"""Do the items of a batch: each at least once, delivered once, recorded last.

The ledger begins an item, a worker writes its output under a hidden name and renames it, the ledger records the end.
After a kill at any point the next run finds the item done, or does it again with the same result.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from stylecli.core.errors import StyleError
from stylecli.core.progress import Progress, Step, ignore
from stylecli.inference.sessions import physical_cores
from stylecli.stylize.batch.keys import is_in_shard
from stylecli.stylize.batch.ledger import Begun, Ended, Ledger
from stylecli.stylize.batch.machines.claims import Claims
from stylecli.stylize.batch.manifests.files import files_of
from stylecli.stylize.batch.manifests.rows import Item
from stylecli.stylize.batch.options import BatchOptions
from stylecli.stylize.batch.results import FAILED, Results
from stylecli.stylize.batch.todo import Todo
from stylecli.stylize.batch.workers.processes import BatchWorker, WorkerOptions, WorkerProcess

WORKERS_MAX = 4  # by default; each holds its own networks and pictures
THREADS_A_WORKER = 2  # one item in work, one begun: the worker does not wait for hashes and records
READY_SECONDS = 1.0  # between two looks whether the batch has ended, while a worker starts
RETRIED = {"MediaError", "Timeout", "Died", "DeviceError", "Changed"}  # the rest fails again in the same way

Report = Callable[[Ended], None]


class Batch:
    """The ledger and the workers of one batch; `open_batch` opens it."""

    def __init__(self, ledger: Ledger, options: BatchOptions, workers: Sequence[BatchWorker]) -> None:
        self._ledger, self.options, self.workers = ledger, options, workers
        self._is_closed = False

    def close(self) -> None:
        """End the workers. Items in work are not recorded: the next run does them."""
        self._is_closed = True
        for worker in self.workers:
            worker.close()

    def run(
        self, items: Sequence[Item], *, progress: Progress = ignore, report: Report = lambda _: None
    ) -> list[Ended]:
        """Do the items, the longest first; gives those that ended, in the order of `items`.

        report: called in this thread with each, as soon as it ended.

        Raises:
            MediaError: the records cannot be written.
        """
        own = [item for item in items if is_in_shard(item, self.options.shard)]
        todo = Todo(sorted(own, key=self._weight, reverse=True))
        ended: list[Ended] = []
        failures = 0
        progress(Step(0, len(own), "items"))
        with closing(self._each_ended(todo)) as each:
            for one in each:
                self._ledger.record(one)
                ended.append(one)
                report(one)
                progress(Step(len(ended), len(own), "items", one.item.id))
                failures += one.status == FAILED
                if self.options.max_failures and failures >= self.options.max_failures:
                    todo.close()
        places = {item.output: place for place, item in enumerate(own)}
        return sorted(ended, key=lambda one: places[one.item.output])

    def _each_ended(self, todo: Todo) -> Generator[Ended, None, None]:
        """Let the workers do all items; each that ended, in this thread, until all have or `todo` is closed.

        Items that are in work when `todo` is closed come, too; when the caller fails, they are given up.
        """
        found: queue.SimpleQueue[Ended | BaseException | None] = queue.SimpleQueue()
        threads = [
            threading.Thread(target=self._serve, args=(lane, todo, found), daemon=True)
            for lane in map(_Lane, self.workers)
            for _ in range(THREADS_A_WORKER)
        ]
        for thread in threads:
            thread.start()
        try:
            at_work = len(threads)
            while at_work:
                match found.get():
                    case None:
                        at_work -= 1
                    case Ended() as one:
                        yield one
                    case error:
                        raise error
        except BaseException:
            self.close()
            raise
        finally:
            todo.close()
            for thread in threads:
                thread.join()

    def _serve(self, lane: _Lane, todo: Todo, found: queue.SimpleQueue[Ended | BaseException | None]) -> None:
        """What a thread does: items, one after the other; tells those that ended, a fault, and None at last."""
        try:
            while (taken := self._next(lane, todo)) is not None:
                item, attempt, begun = taken
                ended = self._done(lane, todo, begun) if isinstance(begun, Begun) else begun
                if ended is None:
                    todo.later(item, attempt)
                elif self._is_tried_again(ended, attempt):
                    todo.again(item, attempt + 1)
                else:
                    todo.finished()
                    found.put(ended)
        except BaseException as error:  # carried over to the caller's thread
            todo.close()
            found.put(error)
        finally:
            found.put(None)

    def _next(self, lane: _Lane, todo: Todo) -> tuple[Item, int, Begun | Ended | None] | None:
        """The next item and its attempt, begun; if it needs the worker, that is reserved. None at the end."""
        with lane.preparing:
            while not lane.worker.is_ready(READY_SECONDS):
                if todo.is_closed:
                    return None
            taken = todo.take()
            if taken is None:
                return None
            begun = self._ledger.begin(*taken)
            if isinstance(begun, Begun):
                lane.working.acquire()
            return *taken, begun

    def _done(self, lane: _Lane, todo: Todo, begun: Begun) -> Ended | None:
        """What the lane's worker makes of an item; None if that does not count: it is closed, or others took over."""
        try:
            if todo.is_closed or self._is_closed or not lane.worker.is_ready(READY_SECONDS):
                return None
            answer = lane.worker.ask(begun.request, timeout=self.options.timeout)
        finally:
            lane.working.release()
        return None if self._is_closed else self._ledger.ended(begun, answer)

    def _is_tried_again(self, ended: Ended, attempt: int) -> bool:
        is_own = ended.status == FAILED and not ended.is_elsewhere
        return is_own and attempt <= self.options.retries and ended.facts["kind"] in RETRIED

    def _weight(self, item: Item) -> tuple[bool, int]:
        with suppress(OSError, StyleError):
            files = files_of(item, self._ledger.folder)
            return item.kind != "picture", sum(source.stat().st_size for source, _ in files)
        return False, 0


class _Lane:
    """A worker and the locks of its two threads: one waits for the worker while the other begins the next item."""

    def __init__(self, worker: BatchWorker) -> None:
        self.worker = worker
        self.preparing = threading.Lock()
        self.working = threading.Lock()


@contextmanager
def open_batch(
    folder: Path,
    results: Results,
    options: BatchOptions,
    claims: Claims | None = None,
    workers: Sequence[BatchWorker] = (),
) -> Iterator[Batch]:
    """Open a batch whose paths are relative to `folder`; its workers end with the `with`.

    claims: leases that it shares with machines that do the same items; None: nobody else does them.
    workers: who does the items; none: processes on this machine.
    """
    batch = Batch(Ledger(folder, results, options, claims), options, workers or local_workers(options))
    try:
        yield batch
    finally:
        batch.close()


def local_workers(options: BatchOptions, items: int | None = None) -> list[WorkerProcess]:
    """Worker processes on this machine, between which the cores are divided; each starts when it is first asked.

    items: that are to be done; None: nobody knows.
    """
    count = worker_count(options, items)
    threads = max(1, physical_cores() // count) if count > 1 else None
    how = WorkerOptions(options.device, threads, options.styles_dir)
    return [WorkerProcess(how) for _ in range(count)]


def worker_count(options: BatchOptions, items: int | None = None) -> int:
    """Return how many processes do a batch on this machine; of few items, each gets several cores."""
    wanted = options.workers or min(physical_cores(), WORKERS_MAX)
    return wanted if items is None else max(1, min(wanted, items))
