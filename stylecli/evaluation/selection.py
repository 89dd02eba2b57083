"""Choose some of many, evenly spread."""

from __future__ import annotations


def spread(count: int, wanted: int) -> list[int]:
    """Return the indices of `wanted` of `count` items, evenly spread, with the first and the last."""
    if count <= wanted:
        return list(range(count))
    return [round(place * (count - 1) / (wanted - 1)) for place in range(wanted)]
