"""Exif and XMP of a picture that was turned upright: edited in place, so that every offset inside stays right.

Maker notes hold offsets into their block; whoever writes the block anew breaks them.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

ORIENTATION = 0x0112
ENTRY_BYTES = 12
BYTE_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
XMP_ORIENTATION = re.compile(rb"(tiff:Orientation\s*(?:=\s*[\"']|>)\s*)[2-8]")


def upright_exif(block: bytes) -> bytes:
    """An Exif block (a small TIFF file) with orientation 1 and without the thumbnail, which shows the old picture."""
    edited = bytearray(block)
    order = BYTE_ORDERS.get(block[:4])
    for at in _orientation_entries(block):
        struct.pack_into(f"{order}H", edited, at + 8, 1)
    if order and (end := _end_of_first(block, order)) and end + 4 <= len(block):
        (thumbnail,) = struct.unpack_from(f"{order}I", block, end)
        if thumbnail:
            edited[end : end + 4] = bytes(4)
    return bytes(edited)


def upright_xmp(packet: bytes) -> bytes:
    """An XMP packet with orientation 1; its length stays."""
    return XMP_ORIENTATION.sub(rb"\g<1>1", packet)


def orientation_of(block: bytes) -> int:
    """The orientation that an Exif block tells, 1 to 8; 1 where it tells none."""
    order = BYTE_ORDERS.get(block[:4])
    for at in _orientation_entries(block):
        (value,) = struct.unpack_from(f"{order}H", block, at + 8)
        return value if 1 <= value <= 8 else 1
    return 1


def _orientation_entries(block: bytes) -> Iterator[int]:
    """Where the entries for the orientation stand in the first directory."""
    order = BYTE_ORDERS.get(block[:4])
    if order is None or len(block) < 8:
        return
    (first,) = struct.unpack_from(f"{order}I", block, 4)
    end = _end_of_first(block, order)
    for at in range(first + 2, end, ENTRY_BYTES):
        if struct.unpack_from(f"{order}H", block, at) == (ORIENTATION,):
            yield at


def _end_of_first(block: bytes, order: str) -> int:
    """The end of the first directory's entries, 0 if it is not whole."""
    (first,) = struct.unpack_from(f"{order}I", block, 4)
    if first + 2 > len(block):
        return 0
    (count,) = struct.unpack_from(f"{order}H", block, first)
    end: int = first + 2 + count * ENTRY_BYTES
    return end if end <= len(block) else 0
