"""Stages of a pipeline in threads: one reads ahead, several work side by side, one writes behind.

Short queues stand between the stages. Whatever ends the caller's loop (the last item, an error in any stage, ^C), all
threads have ended when the `with` is left, and the caller sees the first error.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from threading import Condition, Thread
from typing import Generic, TypeVar

Item = TypeVar("Item")

ITEMS_BETWEEN_STAGES = 4  # enough to even out slow frames; four 4K frames are 100 MB
POLL_SECONDS = 0.5  # between two checks of a watched thread
STOP_SECONDS = 5.0  # a longer gap between checks: the process was stopped, or nobody waited for the thread


class Watch:
    """Tells whether a thread hangs in native code: no beat for too many seconds.

    Native code cannot be interrupted from outside. So a thread that hangs is abandoned, and `fault` is raised in the
    caller's thread; all threads are daemons, so that the process can end. Only time between frequent checks counts: a
    process that was stopped (^Z) for an hour does not hang.
    """

    def __init__(self, seconds: float, fault: Exception) -> None:
        self.fault = fault
        self._seconds = seconds
        self._moved: float | None = None  # the time of the last beat; None while it waits for another thread
        self._checked = self._watched_since = float("-inf")

    def beat(self) -> None:
        """Tell that the thread works and has just made progress."""
        self._moved = time.monotonic()

    def rest(self) -> None:
        """Tell that the thread waits for others."""
        self._moved = None

    def is_overdue(self) -> bool:
        """Whether the last beat is too long ago."""
        now, moved = time.monotonic(), self._moved
        if now - self._checked > STOP_SECONDS:
            self._watched_since = now
        self._checked = now
        return moved is not None and now - max(moved, self._watched_since) > self._seconds


@contextmanager
def reading_ahead(items: Generator[Item, None, None], watch: Watch | None = None) -> Iterator[Iterator[Item]]:
    """Run the generator `items` in a thread, a few items ahead; that thread closes it, too.

    With a `watch`, an item that takes too long raises its fault; `items` may call `watch.beat` in between.
    """
    queue = _Queue[Item](watch)

    def read() -> None:
        try:
            with closing(items):
                queue.beat()
                for item in items:
                    queue.rest()
                    if not queue.put(item):
                        return
                    queue.beat()
            queue.end()
        except BaseException as error:  # carried over to the caller's thread
            queue.end(error)
        finally:
            queue.rest()

    thread = Thread(target=read, name="stylecli reading ahead", daemon=True)
    thread.start()
    try:
        yield iter(queue)
    finally:
        queue.stop()
        _join(thread, watch)


def side_by_side(
    jobs: Iterable[Callable[[], Item]], at_once: int, *, waits: bool = True
) -> Generator[Item, None, None]:
    """Run `jobs` in `at_once` threads and yield their results in order; close the generator to leave early.

    waits: whether leaving early waits for the jobs that run. False is for a caller whose process then ends.

    The caller's thread takes jobs from the iterable, more than run at a time, so that no thread waits for its next job.
    """
    threads = ThreadPoolExecutor(at_once, "stylecli working")
    waiting: deque[Future[Item]] = deque()
    is_done = False
    try:
        for job in jobs:
            waiting.append(threads.submit(job))
            if len(waiting) == 3 * at_once:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
        is_done = True
    finally:
        threads.shutdown(wait=waits or is_done, cancel_futures=True)


@contextmanager
def writing_behind(write: Callable[[Item], None], watch: Watch | None = None) -> Iterator[Callable[[Item], None]]:
    """Run `write` in a thread, a few items behind; leaving the `with` waits until the last item is written.

    With a `watch`, an item that takes too long raises its fault.
    """
    queue = _Queue[Item](watch)

    def drain() -> None:
        try:
            for item in queue:
                queue.beat()
                write(item)
                queue.rest()
        except BaseException as error:  # carried over to the caller's thread
            queue.stop(error)
        finally:
            queue.rest()

    def put(item: Item) -> None:
        if not queue.put(item):
            queue.raise_error()

    thread = Thread(target=drain, name="stylecli writing behind", daemon=True)
    thread.start()
    try:
        yield put
        queue.end()
        _join(thread, watch)  # here, so that ^C while the last items are written stops the thread as well
        if thread.is_alive() and watch:
            raise watch.fault
    except BaseException:
        queue.stop()
        raise
    finally:
        _join(thread, watch)
    queue.raise_error()


def _join(thread: Thread, watch: Watch | None) -> None:
    """Wait for the end of a thread, but not of one that hangs."""
    while thread.is_alive() and not (watch and watch.is_overdue()):
        thread.join(POLL_SECONDS if watch else None)


class _Queue(Generic[Item]):
    """A short queue that either end can stop; a `watch` is kept on the thread at one end."""

    def __init__(self, watch: Watch | None) -> None:
        self._watch = watch
        self._items: deque[Item] = deque()
        self._changed = Condition()
        self._ended = False  # nothing is put any more
        self._stopped = False  # nothing is taken any more
        self._error: BaseException | None = None

    def beat(self) -> None:
        """Tell that the watched thread works."""
        if self._watch:
            self._watch.beat()

    def rest(self) -> None:
        """Tell that the watched thread waits."""
        if self._watch:
            self._watch.rest()

    def put(self, item: Item) -> bool:
        """Wait for room; False if the other end has stopped."""
        with self._changed:
            self._wait_for(lambda: len(self._items) < ITEMS_BETWEEN_STAGES or self._stopped)
            if self._stopped:
                return False
            self._items.append(item)
            self._changed.notify_all()
            return True

    def end(self, error: BaseException | None = None) -> None:
        """Let the other end take what is left, and then see `error`."""
        with self._changed:
            self._ended = True
            self._error = self._error or error
            self._changed.notify_all()

    def stop(self, error: BaseException | None = None) -> None:
        """Discard what is left and release both ends."""
        with self._changed:
            self._ended = self._stopped = True
            self._error = self._error or error
            self._items.clear()
            self._changed.notify_all()

    def raise_error(self) -> None:
        """Raise the error of the other end, if it had one."""
        if self._error is not None:
            raise self._error

    def __iter__(self) -> Iterator[Item]:
        while True:
            with self._changed:
                self._wait_for(lambda: bool(self._items) or self._ended)
                if not self._items:
                    break
                item = self._items.popleft()
                self._changed.notify_all()
            yield item
        self.raise_error()

    def _wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait while the other end works; raise the watch's fault if it hangs."""
        while not self._changed.wait_for(condition, POLL_SECONDS if self._watch else None):
            if self._watch and self._watch.is_overdue():
                raise self._watch.fault
