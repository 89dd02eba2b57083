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
from stylecli.stylize.batch.ledger import ItemOutcome, Ledger, StartedItem
from stylecli.stylize.batch.machines.claims import Claims
from stylecli.stylize.batch.manifests.files import files_of
from stylecli.stylize.batch.manifests.rows import Item
from stylecli.stylize.batch.options import BatchOptions
from stylecli.stylize.batch.results import FAILED, Results
from stylecli.stylize.batch.work_queue import WorkQueue
from stylecli.stylize.batch.workers.processes import BatchWorker, WorkerOptions, WorkerProcess

WORKERS_MAX = 4  # by default; each holds its own networks and pictures
THREADS_A_WORKER = 2  # one item in work, one started: the worker does not wait for hashes and records
READY_SECONDS = 1.0  # between two looks whether the batch has ended, while a worker starts
RETRIED = {"MediaError", "Timeout", "Died", "DeviceError", "Changed"}  # the rest fails again in the same way

Report = Callable[[ItemOutcome], None]


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
    ) -> list[ItemOutcome]:
        """Do the items, the longest first; returns their outcomes, in the order of `items`.

        report: called in this thread with each, as soon as it ended.

        Raises:
            MediaError: the records cannot be written.
        """
        own = [item for item in items if is_in_shard(item, self.options.shard)]
        work_queue = WorkQueue(sorted(own, key=self._weight, reverse=True))
        ended: list[ItemOutcome] = []
        failures = 0
        progress(Step(0, len(own), "items"))
        with closing(self._each_ended(work_queue)) as each:
            for one in each:
                self._ledger.record(one)
                ended.append(one)
                report(one)
                progress(Step(len(ended), len(own), "items", one.item.id))
                failures += one.status == FAILED
                if self.options.max_failures and failures >= self.options.max_failures:
                    work_queue.close()
        places = {item.output: place for place, item in enumerate(own)}
        return sorted(ended, key=lambda one: places[one.item.output])

    def _each_ended(self, work_queue: WorkQueue) -> Generator[ItemOutcome, None, None]:
        """Let the workers do all items; yield each outcome, in this thread, until all ended or `work_queue` is closed.

        Items that are in work when `work_queue` is closed come, too; when the caller fails, they are given up.
        """
        found: queue.SimpleQueue[ItemOutcome | BaseException | None] = queue.SimpleQueue()
        threads = [
            threading.Thread(target=self._serve, args=(lane, work_queue, found), daemon=True)
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
                    case ItemOutcome() as one:
                        yield one
                    case error:
                        raise error
        except BaseException:
            self.close()
            raise
        finally:
            work_queue.close()
            for thread in threads:
                thread.join()

    def _serve(
        self, lane: _Lane, work_queue: WorkQueue, found: queue.SimpleQueue[ItemOutcome | BaseException | None]
    ) -> None:
        """Do items, one after the other, in a thread; put outcomes, an exception, and at last None into `found`."""
        try:
            while (taken := self._next(lane, work_queue)) is not None:
                item, attempt, started = taken
                ended = self._done(lane, work_queue, started) if isinstance(started, StartedItem) else started
                if ended is None:
                    work_queue.defer(item, attempt)
                elif self._is_tried_again(ended, attempt):
                    work_queue.retry(item, attempt + 1)
                else:
                    work_queue.task_done()
                    found.put(ended)
        except BaseException as error:  # carried over to the caller's thread
            work_queue.close()
            found.put(error)
        finally:
            found.put(None)

    def _next(self, lane: _Lane, work_queue: WorkQueue) -> tuple[Item, int, StartedItem | ItemOutcome | None] | None:
        """Take and start the next item; reserve the worker if the item needs it. None at the end of the queue."""
        with lane.preparing:
            while not lane.worker.is_ready(READY_SECONDS):
                if work_queue.is_closed:
                    return None
            taken = work_queue.take()
            if taken is None:
                return None
            started = self._ledger.begin(*taken)
            if isinstance(started, StartedItem):
                lane.working.acquire()
            return *taken, started

    def _done(self, lane: _Lane, work_queue: WorkQueue, started: StartedItem) -> ItemOutcome | None:
        """Let the lane's worker do an item; None if the result does not count: all is closed, or others took over."""
        try:
            if work_queue.is_closed or self._is_closed or not lane.worker.is_ready(READY_SECONDS):
                return None
            answer = lane.worker.ask(started.request, timeout=self.options.timeout)
        finally:
            lane.working.release()
        return None if self._is_closed else self._ledger.finish(started, answer)

    def _is_tried_again(self, ended: ItemOutcome, attempt: int) -> bool:
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
    """Make the worker processes of this machine, which share its cores; each starts when it is first asked.

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
