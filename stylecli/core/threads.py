"""Stages beside the caller's own: one thread reads ahead, several work side by side, one writes behind.

Only a few items are in between. Whatever ends the caller's loop (the last item, an error in any stage, ^C), all threads
have ended when the `with` is left, and the first error is the one that the caller sees.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from threading import Condition, Thread
from typing import Generic, TypeVar

Item = TypeVar("Item")

ITEMS_BETWEEN_STAGES = 4  # enough to even out slow frames; four 4K frames are 100 MB


@contextmanager
def reading_ahead(items: Generator[Item, None, None]) -> Iterator[Iterator[Item]]:
    """Run the generator `items` in a thread, a few items ahead; it is closed in that thread, too."""
    belt = _Belt[Item]()

    def read() -> None:
        try:
            with closing(items):
                for item in items:
                    if not belt.put(item):
                        return
            belt.end()
        except BaseException as error:  # carried over to the caller's thread
            belt.end(error)

    thread = Thread(target=read, name="stylecli reading ahead")
    thread.start()
    try:
        yield iter(belt)
    finally:
        belt.stop()
        thread.join()


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
def writing_behind(write: Callable[[Item], None]) -> Iterator[Callable[[Item], None]]:
    """Run `write` in a thread, a few items behind; leaving the `with` waits until the last item is written."""
    belt = _Belt[Item]()

    def drain() -> None:
        try:
            for item in belt:
                write(item)
        except BaseException as error:  # carried over to the caller's thread
            belt.stop(error)

    def put(item: Item) -> None:
        if not belt.put(item):
            belt.raise_error()

    thread = Thread(target=drain, name="stylecli writing behind")
    thread.start()
    try:
        yield put
        belt.end()
        thread.join()  # here, so that ^C while the last items are written stops the thread as well
    except BaseException:
        belt.stop()
        raise
    finally:
        thread.join()
    belt.raise_error()


class _Belt(Generic[Item]):
    """A short queue that either end can stop."""

    def __init__(self) -> None:
        self._items: deque[Item] = deque()
        self._changed = Condition()
        self._ended = False  # nothing is put any more
        self._stopped = False  # nothing is taken any more
        self._error: BaseException | None = None

    def put(self, item: Item) -> bool:
        """Wait for room; False if the other end has stopped."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._items) < ITEMS_BETWEEN_STAGES or self._stopped)
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
                self._changed.wait_for(lambda: self._items or self._ended)
                if not self._items:
                    break
                item = self._items.popleft()
                self._changed.notify_all()
            yield item
        self.raise_error()
