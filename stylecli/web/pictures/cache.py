"""Pictures in memory, by what they are of; the oldest go when there are too many bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any


class Cache:
    """At most `most` bytes of pictures with their alpha. Keys begin with an upload's id. Not thread-safe."""

    def __init__(self, most: int) -> None:
        self._most, self._size = most, 0
        self._items: OrderedDict[tuple[Hashable, ...], tuple[Any, ...]] = OrderedDict()

    def get(self, key: tuple[Hashable, ...], make: Callable[[], tuple[Any, ...]]) -> tuple[Any, ...]:
        """What is kept under a key, or else what `make` makes: pixels and what belongs to them."""
        if key in self._items:
            self._items.move_to_end(key)
            return self._items[key]
        made = make()
        self._items[key] = made
        self._size += _bytes_of(made)
        while self._size > self._most and len(self._items) > 1:
            self._size -= _bytes_of(self._items.popitem(last=False)[1])
        return made

    def forget(self, upload_id: str) -> None:
        """Free what is kept of an upload."""
        for key in [key for key in self._items if key[0] == upload_id]:
            self._size -= _bytes_of(self._items.pop(key))


def _bytes_of(item: tuple[Any, ...]) -> int:
    return sum(part.nbytes for part in item if part is not None)
