"""The queue of a batch: items that wait to be done, with the number of their attempt."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

from stylecli.stylize.batch.manifests.rows import Item

LOOK_AGAIN = 0.5  # seconds between two looks at an item that another worker has


class WorkQueue:
    """A queue that several threads take from; it ends when all items are finished, or when it is closed."""

    def __init__(self, items: Sequence[Item]) -> None:
        self._waiting = deque((item, 1, 0.0) for item in items)  # and when it may be taken, by the monotonic clock
        self._left = len(items)
        self._changed = threading.Condition()

    def take(self) -> tuple[Item, int] | None:
        """Wait for an item, and take it with the number of its attempt; None when the queue has ended."""
        with self._changed:
            while self._left > 0:
                wait = self._waiting[0][2] - time.monotonic() if self._waiting else None
                if wait is not None and wait <= 0:
                    return self._waiting.popleft()[:2]
                self._changed.wait(wait)
            return None

    def retry(self, item: Item, attempt: int) -> None:
        """Try an item again after all others."""
        self._put(item, attempt, 0.0)

    def defer(self, item: Item, attempt: int) -> None:
        """Offer an item again after LOOK_AGAIN seconds: another worker has it now."""
        self._put(item, attempt, time.monotonic() + LOOK_AGAIN)

    def _put(self, *entry: Any) -> None:
        with self._changed:
            self._waiting.append(entry)
            self._changed.notify()

    def task_done(self) -> None:
        """Count an item that was taken as finished."""
        with self._changed:
            self._left -= 1
            self._changed.notify_all()

    def close(self) -> None:
        """End the queue: nobody gets an item any more."""
        with self._changed:
            self._left = 0
            self._changed.notify_all()

    @property
    def is_closed(self) -> bool:
        """Whether the queue has ended."""
        with self._changed:
            return self._left <= 0
