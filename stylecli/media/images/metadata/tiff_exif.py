"""EXIF in TIFF files, which libvips neither reads nor writes there.

An EXIF block is itself a small TIFF file without a picture: directories of tags (TIFF 6.0, section 2; Exif 2.32, 4.6).
In a TIFF file the same tags stand in the picture's own directory, and below it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

ByteOrder = Literal["<", ">"]
Directory = Mapping[int, "NumberList | Directory"]  # by tag

PREFIX = b"Exif\0\0"
BYTE_ORDERS: Mapping[bytes, ByteOrder] = {b"II*\0": "<", b"MM\0*": ">"}  # classic TIFF, not BigTIFF
SUBDIRECTORIES = {0x8769, 0x8825, 0xA005}  # Exif, GPS, interoperability
# Of the first directory: names of document and page, description, make, model, software, date, artist, host, rating,
# copyright, Windows's own.
# The other tags there say how the picture is stored.
DESCRIPTIVE = {269, 285, 270, 271, 272, 305, 306, 315, 316, 18246, 33432, *range(0x9C9B, 0x9CA0)}
IPTC, UNDEFINED = 33723, 7
STORED_SIZE = {0xA002, 0xA003}  # width and height, said by the picture's own tags
# TIFF field type -> type of its numbers, how many make one value (a rational is two).
FIELD_TYPES = {
    1: ("u1", 1),
    2: ("u1", 1),
    3: ("u2", 1),
    4: ("u4", 1),
    5: ("u4", 2),
    6: ("i1", 1),
    7: ("u1", 1),
    8: ("i2", 1),
    9: ("i4", 1),
    10: ("i4", 2),
    11: ("f4", 1),
    12: ("f8", 1),
}
DEPTH = 2  # interoperability is below Exif is below the first; a file may claim that a directory is in itself
# Many tags may claim the same large value: more than real files have is not carried.
ENTRIES_MAX = 512
VALUE_BYTES_MAX = 1 << 20
LONG = 4
ENTRY_BYTES = 12  # tag and type (2 each), count, value or its place (4 each)


@dataclass(frozen=True)
class NumberList:
    """The value of a tag."""

    field_type: int
    numbers: NDArray[Any]


def read_exif(tiff: bytes, at: int | None = None) -> bytes | None:
    """The EXIF block that a TIFF file holds in its directories; None if there is nothing in it.

    at: where the directory begins that is looked at; None: the first one.
    """
    described = _described(tiff, at)
    return PREFIX + b"II*\0\x08\0\0\0" + _serialize(described, 8, "<", []) if described else None


def read_iptc(tiff: bytes, at: int | None = None) -> bytes | None:
    """The IPTC block of a TIFF file, all of it, whatever type its tag has; None if there is none. `at`: see above."""
    found = directory_of(tiff, at).get(IPTC)
    return found.numbers.tobytes() if isinstance(found, NumberList) else None


def directory_of(tiff: bytes, at: int | None = None) -> Directory:
    """A directory of a classic TIFF file, with those below it; empty if it is damaged. `at`: as in `read_exif`."""
    order = BYTE_ORDERS.get(tiff[:4])
    try:
        return _parse(tiff, at or _number(tiff, 4, "u4", order), order) if order else {}
    except ValueError:  # a place outside the file
        return {}


def add_exif(
    tiff: bytes, block: bytes, *, iptc: bytes | None = None, private: Mapping[int, NumberList] | None = None
) -> bytes:
    """A TIFF file with the tags of an EXIF block, IPTC and private tags in a new first directory at its end."""
    order = BYTE_ORDERS.get(tiff[:4])
    described = {**_described(block.removeprefix(PREFIX)), **(private or {})}
    if iptc:
        described[IPTC] = NumberList(UNDEFINED, np.frombuffer(iptc, np.uint8))
    if order is None or not described:
        return tiff
    places = _entries(tiff, _number(tiff, 4, "u4", order), order)
    own = [tiff[at : at + ENTRY_BYTES] for at in places if _number(tiff, at, "u2", order) not in described]
    padded = tiff + bytes(len(tiff) % 2)  # directories begin at even places
    place = np.array(len(padded), order + "u4").tobytes()
    return padded[:4] + place + padded[8:] + _serialize(described, len(padded), order, own)


def _described(data: bytes, at: int | None = None) -> Directory:
    """The part of a file's directories that describes the picture; nothing if they are damaged."""
    return {tag: value for tag, value in directory_of(data, at).items() if tag in DESCRIPTIVE | SUBDIRECTORIES}


def _parse(data: bytes, start: int, order: ByteOrder, *, depth: int = DEPTH) -> Directory:
    directory: dict[int, NumberList | Directory] = {}
    for at in _entries(data, start, order):
        tag, field_type = (_number(data, at + shift, "u2", order) for shift in (0, 2))
        count, place = (_number(data, at + shift, "u4", order) for shift in (4, 8))
        if tag in SUBDIRECTORIES:
            directory[tag] = _parse(data, place, order, depth=depth - 1) if depth else {}
        elif field_type in FIELD_TYPES and tag not in STORED_SIZE:
            kind, numbers = FIELD_TYPES[field_type]
            size = np.dtype(kind).itemsize * numbers * count
            if size <= VALUE_BYTES_MAX:
                found = np.frombuffer(data, order + kind, numbers * count, at + 8 if size <= LONG else place)
                directory[tag] = NumberList(field_type, found)
    return directory


def _entries(data: bytes, start: int, order: ByteOrder) -> range:
    """The places of a directory's entries."""
    first = start + 2
    count = min(_number(data, start, "u2", order), ENTRIES_MAX)
    return range(first, first + count * ENTRY_BYTES, ENTRY_BYTES)


def _serialize(directory: Directory, start: int, order: ByteOrder, entries: list[bytes]) -> bytes:
    """A directory that will stand at `start`, its values after it; `entries` are ready-made ones that go into it."""
    values = b""
    values_start = start + 2 + (len(directory) + len(entries)) * ENTRY_BYTES + LONG
    for tag, value in directory.items():
        field_type, count, stored = _stored(value, values_start + len(values), order)
        if isinstance(value, NumberList) and len(stored) <= LONG:
            inline = stored.ljust(LONG, b"\0")
        else:
            inline = np.array(values_start + len(values), order + "u4").tobytes()
            values += stored + bytes(len(stored) % 2)
        head = np.array([tag, field_type], order + "u2").tobytes() + np.array(count, order + "u4").tobytes()
        entries = [*entries, head + inline]
    in_order = sorted(entries, key=lambda entry: int(np.frombuffer(entry, order + "u2", 1)[0]))
    return np.array(len(entries), order + "u2").tobytes() + b"".join(in_order) + bytes(LONG) + values


def _stored(value: NumberList | Directory, place: int, order: ByteOrder) -> tuple[int, int, bytes]:
    """Field type, count and bytes of a tag's value."""
    if not isinstance(value, NumberList):
        return 4, 1, _serialize(value, place, order, [])
    kind, numbers = FIELD_TYPES[value.field_type]
    return value.field_type, len(value.numbers) // numbers, value.numbers.astype(order + kind).tobytes()


def _number(data: bytes, at: int, kind: str, order: ByteOrder) -> int:
    return int(np.frombuffer(data, order + kind, 1, at)[0])
