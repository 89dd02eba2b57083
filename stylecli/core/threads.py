"""Stages beside the caller's own: one thread reads ahead, several work side by side, one writes behind.

Only a few items are in between. Whatever ends the caller's loop (the last item, an error in any stage, ^C), all threads
have ended when the `with` is left, and the first error is the one that the caller sees.
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
POLL_SECONDS = 0.5  # between two looks at a watched thread
STOP_SECONDS = 5.0  # without a look: the process was stopped, or nobody waited for the thread


class Watch:
    """Tells whether a thread has been inside native code for too long without a step forward.

    Native code cannot be interrupted from outside: such a thread is left alone, and `fault` is raised in the caller's.
    It is a daemon, so that the process can end. Only time in which somebody looks counts: a process that was stopped
    (^Z) for an hour is not stuck.
    """

    def __init__(self, seconds: float, fault: Exception) -> None:
        self.fault = fault
        self._seconds = seconds
        self._moved: float | None = None  # the time of the last step; None while it waits for another thread
        self._looked = self._watched_since = float("-inf")

    def beat(self) -> None:
        """Tell that the thread is at work and has just gone a step forward."""
        self._moved = time.monotonic()

    def rest(self) -> None:
        """Tell that the thread waits for others."""
        self._moved = None

    def is_overdue(self) -> bool:
        """Whether the last step is too long ago."""
        now, moved = time.monotonic(), self._moved
        if now - self._looked > STOP_SECONDS:
            self._watched_since = now
        self._looked = now
        return moved is not None and now - max(moved, self._watched_since) > self._seconds


@contextmanager
def reading_ahead(items: Generator[Item, None, None], watch: Watch | None = None) -> Iterator[Iterator[Item]]:
    """Run the generator `items` in a thread, a few items ahead; it is closed in that thread, too.

    With a `watch`, an item that takes too long raises its fault; `items` may call `watch.beat` in between.
    """
    belt = _Belt[Item](watch)

    def read() -> None:
        try:
            with closing(items):
                belt.beat()
                for item in items:
                    belt.rest()
                    if not belt.put(item):
                        return
                    belt.beat()
            belt.end()
        except BaseException as error:  # carried over to the caller's thread
            belt.end(error)
        finally:
            belt.rest()

    thread = Thread(target=read, name="stylecli reading ahead", daemon=True)
    thread.start()
    try:
        yield iter(belt)
    finally:
        belt.stop()
        _join(thread, watch)


def side_by_side(
    jobs: Iterable[Callable[[], Item]], at_once: int, *, waits: bool = True
) -> Generator[Item, None, None]:
    """The results of `jobs`, in their order, `at_once` of which run at a time; close it to leave early.

    waits: leaving early waits for the jobs that run. False is for a caller whose process then ends.

    Jobs are taken in the caller's thread, as many ahead as run, so that none of the threads waits for the next one.
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
    belt = _Belt[Item](watch)

    def drain() -> None:
        try:
            for item in belt:
                belt.beat()
                write(item)
                belt.rest()
        except BaseException as error:  # carried over to the caller's thread
            belt.stop(error)
        finally:
            belt.rest()

    def put(item: Item) -> None:
        if not belt.put(item):
            belt.raise_error()

    thread = Thread(target=drain, name="stylecli writing behind", daemon=True)
    thread.start()
    try:
        yield put
        belt.end()
        _join(thread, watch)  # here, so that ^C while the last items are written stops the thread as well
        if thread.is_alive() and watch:
            raise watch.fault
    except BaseException:
        belt.stop()
        raise
    finally:
        _join(thread, watch)
    belt.raise_error()


def _join(thread: Thread, watch: Watch | None) -> None:
    """Wait for the end of a thread, but not of one that is stuck."""
    while thread.is_alive() and not (watch and watch.is_overdue()):
        thread.join(POLL_SECONDS if watch else None)


class _Belt(Generic[Item]):
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
        """Throw away what is left and turn both ends loose."""
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
        """Wait while the other end works; raise the watch's fault where it is stuck."""
        while not self._changed.wait_for(condition, POLL_SECONDS if self._watch else None):
            if self._watch and self._watch.is_overdue():
                raise self._watch.fault
