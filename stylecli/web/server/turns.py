"""One picture is painted at a time; a large one, which somebody looks at, goes before the small ones."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turns:
    """A lock with two queues."""

    def __init__(self) -> None:
        self._is_taken = False
        self._urgent: deque[asyncio.Future[None]] = deque()
        self._others: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def turn(self, *, is_urgent: bool) -> AsyncIterator[None]:
        """Wait for a turn and hold it; urgent work comes next, the rest in the order of its arrival."""
        if self._is_taken:
            place = asyncio.get_running_loop().create_future()
            (self._urgent if is_urgent else self._others).append(place)
            try:
                await place
            except asyncio.CancelledError:
                if place.done() and not place.cancelled():
                    self._pass_on()
                raise
        self._is_taken = True
        try:
            yield
        finally:
            self._pass_on()

    def _pass_on(self) -> None:
        for waiting in (self._urgent, self._others):
            while waiting:
                place = waiting.popleft()
                if not place.done():
                    place.set_result(None)  # the turn stays taken: nobody slips in before it wakes
                    return
        self._is_taken = False
