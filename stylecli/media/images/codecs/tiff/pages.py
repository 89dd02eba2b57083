"""One TIFF file of several, a page for each: pages may differ in size, channels, profile and metadata.

libvips writes pages that are alike in all of that only.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from stylecli.core.errors import MediaError

# Tags whose values are places in the file (TIFF 6.0; Exif 2.32): strips, tiles, directories below.
PLACES = {273, 324, 330, 0x8769, 0x8825, 0xA005}
DIRECTORIES = {330, 0x8769, 0x8825, 0xA005}
TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
ENTRY_BYTES = 12
SHORT, LONG = 3, 4
INLINE_BYTES = 4
SIZE_MAX = (1 << 32) - 1  # places have 32 bits


def joined(tiffs: Sequence[bytes], *, name: str) -> bytes:
    """Join classic TIFF files of one byte order and one page each to one file; `name` is for messages.

    Raises:
        MediaError: they are larger than a TIFF file can be.
    """
    if sum(len(tiff) + 1 for tiff in tiffs) > SIZE_MAX:
        raise MediaError(f"{name}: its pages do not fit into TIFF (4 GB)", hint="Write them one by one, with `page`.")
    order = "<" if tiffs[0][:2] == b"II" else ">"
    whole = bytearray()
    previous = 0  # where the place of the next directory is written
    for tiff in tiffs:
        whole += bytes(len(whole) % 2)  # directories begin at even places
        base = len(whole)
        page = bytearray(tiff)
        (first,) = struct.unpack_from(f"{order}I", page, 4)
        last = _moved(page, order, first, base)
        whole += page
        if previous:
            struct.pack_into(f"{order}I", whole, previous, base + first)
        previous = base + last
    return bytes(whole)


def _moved(page: bytearray, order: str, at: int, base: int) -> int:
    """Add `base` to all places that a directory tells; returns where it tells the place of the next directory."""
    (count,) = struct.unpack_from(f"{order}H", page, at)
    for entry in range(at + 2, at + 2 + count * ENTRY_BYTES, ENTRY_BYTES):
        tag, kind, amount, value = struct.unpack_from(f"{order}HHII", page, entry)
        size = TYPE_BYTES.get(kind, 1) * amount
        if tag in PLACES:
            _move_places(page, order, entry, base)
        elif size > INLINE_BYTES:
            struct.pack_into(f"{order}I", page, entry + 8, value + base)
    return at + 2 + int(count) * ENTRY_BYTES


def _move_places(page: bytearray, order: str, entry: int, base: int) -> None:
    """Add `base` to the places in one entry, as numbers of 32 bits, whatever they were."""
    tag, kind, amount, value = struct.unpack_from(f"{order}HHII", page, entry)
    letter = "H" if kind == SHORT else "I"
    is_inline = TYPE_BYTES[kind] * amount <= INLINE_BYTES
    places = struct.unpack_from(f"{order}{amount}{letter}", page, entry + 8 if is_inline else value)
    for below in places if tag in DIRECTORIES else ():
        _moved(page, order, below, base)
    moved = struct.pack(f"{order}{amount}I", *(place + base for place in places))
    start = entry + 8
    if amount > 1:
        page += bytes(len(page) % 2)
        start = value if kind != SHORT else len(page)
        struct.pack_into(f"{order}HHII", page, entry, tag, LONG, amount, start + base)
        page += bytes(max(0, start + len(moved) - len(page)))
    else:
        struct.pack_into(f"{order}HH", page, entry, tag, LONG)
    page[start : start + len(moved)] = moved
