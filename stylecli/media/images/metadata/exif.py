"""Exif of a picture that was turned upright: edited in place, so that every offset inside stays right.

Maker notes hold offsets into their block; whoever writes the block anew breaks them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

ORIENTATION = 0x0112
THUMBNAIL, THUMBNAIL_LENGTH = 0x0201, 0x0202
SIDEWAYS = (5, 6, 7, 8)  # orientations that exchange width and height
EXIF_DIRECTORY = 0x8769
WIDTH, HEIGHT = 0xA002, 0xA003  # in that directory
ENTRY_BYTES = 12
BYTE_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}


def upright_exif(block: bytes) -> bytes:
    """An Exif block (a small TIFF file) with orientation 1 and without the thumbnail, which shows the old picture."""
    edited = bytearray(block)
    order = BYTE_ORDERS.get(block[:4])
    if orientation_of(block) in SIDEWAYS:
        _swap_sides(edited)
    for at in _orientation_entries(block):
        struct.pack_into(f"{order}H", edited, at + 8, 1)
    first = struct.unpack_from(f"{order}I", block, 4)[0] if order and len(block) >= 8 else 0
    if order and first and (end := _end_of(block, order, first)) and end + 4 <= len(block):
        (thumbnail,) = struct.unpack_from(f"{order}I", block, end)
        if thumbnail:
            _erase_thumbnail(edited, order, thumbnail)
            edited[end : end + 4] = bytes(4)
    return bytes(edited)


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
    if order is not None and len(block) >= 8:
        (first,) = struct.unpack_from(f"{order}I", block, 4)
        yield from _entries(block, order, first, ORIENTATION)


def _erase_thumbnail(block: bytearray, order: str, directory: int) -> None:
    """Overwrite the picture's thumbnail with zeros; its place stays, so that nothing moves."""
    starts, lengths = (list(_entries(block, order, directory, tag)) for tag in (THUMBNAIL, THUMBNAIL_LENGTH))
    for start, length in zip(starts, lengths, strict=False):
        (at,), (size,) = (struct.unpack_from(f"{order}I", block, entry + 8) for entry in (start, length))
        if at + size <= len(block):
            block[at : at + size] = bytes(size)


def _swap_sides(block: bytearray) -> None:
    order = BYTE_ORDERS[bytes(block[:4])]
    (first,) = struct.unpack_from(f"{order}I", block, 4)
    for pointer in _entries(block, order, first, EXIF_DIRECTORY):
        (directory,) = struct.unpack_from(f"{order}I", block, pointer + 8)
        widths = list(_entries(block, order, directory, WIDTH))
        heights = list(_entries(block, order, directory, HEIGHT))
        for width, height in zip(widths, heights, strict=False):
            one, other = slice(width + 2, width + ENTRY_BYTES), slice(height + 2, height + ENTRY_BYTES)
            block[one], block[other] = block[other], block[one]


def _entries(block: bytes | bytearray, order: str, directory: int, tag: int) -> Iterator[int]:
    """Where the entries of a tag stand in a directory."""
    for at in range(directory + 2, _end_of(block, order, directory), ENTRY_BYTES):
        if struct.unpack_from(f"{order}H", block, at) == (tag,):
            yield at


def _end_of(block: bytes | bytearray, order: str, directory: int) -> int:
    """The end of a directory's entries, 0 if it is not whole."""
    if directory + 2 > len(block):
        return 0
    (count,) = struct.unpack_from(f"{order}H", block, directory)
    end: int = directory + 2 + count * ENTRY_BYTES
    return end if end <= len(block) else 0
