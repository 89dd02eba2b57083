"""The Exif block of an AVIF file, replaced whole: libvips writes it anew, which breaks maker notes.

An AVIF file is made of boxes (ISO/IEC 14496-12); its Exif is an item, and the box "iloc" tells where an item stands.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

HEAD_BYTES = 8  # size and type of a box
FULL_BYTES = 4  # version and flags of many boxes
OFFSET_TO_TIFF = bytes(4)  # ISO/IEC 23008-12, A.2.1: how many bytes stand before the TIFF header of the block


def with_exif(avif: bytes, block: bytes) -> bytes:
    """Replace the Exif block of an AVIF file by this one (a small TIFF file).

    The block comes behind the end, so that nothing else moves. A file without Exif stays as it is.
    """
    meta = next((box for kind, box in _boxes(avif, 0, len(avif)) if kind == b"meta"), None)
    if meta is None:
        return avif
    inside = dict(_boxes(avif, meta[0] + FULL_BYTES, meta[1]))
    item = _exif_item(avif, *inside[b"iinf"]) if b"iinf" in inside else None
    place = _place_of(avif, *inside[b"iloc"], item) if item is not None and b"iloc" in inside else None
    if place is None:
        return avif
    at, base_bytes, offset_bytes, length_bytes = place
    content = OFFSET_TO_TIFF + block
    edited = bytearray(avif)
    # Base offset, count of extents, offset and length of the only one.
    numbers = [(0, base_bytes), (1, 2), (len(avif) + HEAD_BYTES, offset_bytes), (len(content), length_bytes)]
    written = b"".join(number.to_bytes(size, "big") for number, size in numbers)
    edited[at : at + len(written)] = written
    return bytes(edited) + struct.pack(">I4s", HEAD_BYTES + len(content), b"mdat") + content


def _boxes(data: bytes, at: int, end: int) -> Iterator[tuple[bytes, tuple[int, int]]]:
    """Type, and begin and end of the content, of each box; as far as they are whole."""
    while at + HEAD_BYTES <= end:
        size, kind = struct.unpack_from(">I4s", data, at)
        if not HEAD_BYTES <= size <= end - at:
            return
        yield kind, (at + HEAD_BYTES, at + size)
        at += size


def _exif_item(data: bytes, start: int, end: int) -> int | None:
    """Return the number of the item that holds Exif, from the box "iinf"."""
    count_bytes = 2 if data[start] == 0 else 4
    for kind, (at, _) in _boxes(data, start + FULL_BYTES + count_bytes, end):
        number_bytes = 2 if data[at] == 2 else 4  # by the version
        number = int.from_bytes(data[at + FULL_BYTES : at + FULL_BYTES + number_bytes], "big")
        type_at = at + FULL_BYTES + number_bytes + 2  # behind its protection
        if kind == b"infe" and data[at] >= 2 and data[type_at : type_at + 4] == b"Exif":
            return number
    return None


def _place_of(data: bytes, start: int, _: int, item: int) -> tuple[int, int, int, int] | None:
    """Where "iloc" tells the base offset of an item of one extent; the bytes of base offset, offset and length."""
    version, sizes, more = data[start], data[start + FULL_BYTES], data[start + FULL_BYTES + 1]
    offset_bytes, length_bytes, base_bytes = sizes >> 4, sizes & 15, more >> 4
    index_bytes = more & 15 if version else 0
    number_bytes = 2 if version < 2 else 4
    at = start + FULL_BYTES + 2
    count = int.from_bytes(data[at : at + number_bytes], "big")
    at += number_bytes
    for _ in range(count):
        number = int.from_bytes(data[at : at + number_bytes], "big")
        at += number_bytes + (2 if version else 0) + 2  # behind the method and the file
        extents = int.from_bytes(data[at + base_bytes : at + base_bytes + 2], "big")
        if number == item:
            is_simple = extents == 1 and not index_bytes and offset_bytes and length_bytes
            return (at, base_bytes, offset_bytes, length_bytes) if is_simple else None
        at += base_bytes + 2 + extents * (index_bytes + offset_bytes + length_bytes)
    return None
