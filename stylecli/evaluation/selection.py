"""Which of many are taken where all would be too many: photos, samples."""

from __future__ import annotations


def spread(count: int, wanted: int) -> list[int]:
    """Indices of `wanted` of `count` things, evenly spread, the first and the last among them."""
    if count <= wanted:
        return list(range(count))
    return [round(place * (count - 1) / (wanted - 1)) for place in range(wanted)]
