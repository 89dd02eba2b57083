"""Exif of a picture that was turned upright or resized: edited in place, so that every offset inside stays right.

Maker notes hold offsets into their block; whoever writes the block anew breaks them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

ORIENTATION = 0x0112
THUMBNAIL, THUMBNAIL_LENGTH = 0x0201, 0x0202
EXIF_DIRECTORY = 0x8769
SIZES = ((0x0100, 0x0101), (0xA002, 0xA003))  # width and height, in the first directory and in that of Exif
SHORT, LONG = 3, 4  # types of fields
SHORT_MAX = 65_535
ENTRY_BYTES = 12
BYTE_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}


def painted_exif(block: bytes, size: tuple[int, int]) -> bytes:
    """Edit an Exif block (a small TIFF file) for a picture that is upright now; size: its width and height now.

    Without the thumbnail, which shows the old picture. What the block does not tell is not added to it.
    """
    edited = bytearray(block)
    order = BYTE_ORDERS.get(block[:4])
    _write_size(edited, size)
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
    """Read the orientation from an Exif block, 1 to 8; 1 where there is none."""
    order = BYTE_ORDERS.get(block[:4])
    for at in _orientation_entries(block):
        (value,) = struct.unpack_from(f"{order}H", block, at + 8)
        return value if 1 <= value <= 8 else 1
    return 1


def _orientation_entries(block: bytes) -> Iterator[int]:
    """Return the offsets of the entries for the orientation in the first directory."""
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


def _write_size(block: bytearray, size: tuple[int, int]) -> None:
    order = BYTE_ORDERS.get(bytes(block[:4]))
    if order is None or len(block) < 8:
        return
    (first,) = struct.unpack_from(f"{order}I", block, 4)
    below = [struct.unpack_from(f"{order}I", block, at + 8)[0] for at in _entries(block, order, first, EXIF_DIRECTORY)]
    for directory in (first, *below):
        for tags in SIZES:
            for tag, side in zip(tags, size, strict=True):
                for at in _entries(block, order, directory, tag):
                    _write_number(block, order, at, side)


def _write_number(block: bytearray, order: str, at: int, number: int) -> None:
    """Let the entry at a place hold one whole number."""
    (kind,) = struct.unpack_from(f"{order}H", block, at + 2)
    if kind == SHORT and number <= SHORT_MAX:
        struct.pack_into(f"{order}HIHH", block, at + 2, SHORT, 1, number, 0)
    else:
        struct.pack_into(f"{order}HII", block, at + 2, LONG, 1, number)


def _entries(block: bytes | bytearray, order: str, directory: int, tag: int) -> Iterator[int]:
    """Return the offsets of the entries of a tag in a directory."""
    for at in range(directory + 2, _end_of(block, order, directory), ENTRY_BYTES):
        if struct.unpack_from(f"{order}H", block, at) == (tag,):
            yield at


def _end_of(block: bytes | bytearray, order: str, directory: int) -> int:
    """Return the end of a directory's entries, 0 if it is not whole."""
    if directory + 2 > len(block):
        return 0
    (count,) = struct.unpack_from(f"{order}H", block, directory)
    end: int = directory + 2 + count * ENTRY_BYTES
    return end if end <= len(block) else 0
