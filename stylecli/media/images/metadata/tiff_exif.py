"""EXIF in TIFF files, which libvips neither reads nor writes there.

An EXIF block is itself a small TIFF file without a picture: directories of tags (TIFF 6.0, section 2; Exif 2.32, 4.6).
In a TIFF file the same tags stand in the picture's own directory, and below it.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylecli.media.images.metadata.tiff_layout import WHOLE_NUMBERS, ByteOrder, Layout, layout_of

Directory = Mapping[int, "NumberList | Directory"]  # by tag

PREFIX = b"Exif\0\0"
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
ENTRIES_MAX = 512  # of a directory; more than real files have is not carried
LONG = 4
ENTRY_BYTES = 12  # tag and type (2 each), count, value or its place (4 each)


@dataclass(frozen=True)
class NumberList:
    """The value of a tag."""

    field_type: int
    numbers: NDArray[Any]


def read_exif(tiff: bytes, at: int | None = None) -> bytes | None:
    """Read the EXIF block from the directories of a TIFF file; None if there is nothing in it.

    at: where the directory begins that is looked at; None: the first one.
    """
    described = _described(tiff, at)
    return PREFIX + b"II*\0\x08\0\0\0" + _serialize(described, 8, "<", []) if described else None


def read_iptc(tiff: bytes, at: int | None = None) -> bytes | None:
    """The IPTC block of a TIFF file, all of it, whatever type its tag has; None if there is none. `at`: see above."""
    found = directory_of(tiff, at).get(IPTC)
    return found.numbers.tobytes() if isinstance(found, NumberList) else None


def directory_of(tiff: bytes, at: int | None = None) -> Directory:
    """Read a directory of a TIFF file, with those below it; empty if it is damaged. `at`: as in `read_exif`."""
    layout = layout_of(tiff)
    try:
        return _parse(tiff, at or layout.number(tiff, layout.first), layout) if layout else {}
    except (ValueError, struct.error):  # a place outside the file
        return {}


def add_exif(
    tiff: bytes, block: bytes, *, iptc: bytes | None = None, private: Mapping[int, NumberList] | None = None
) -> bytes:
    """Give a classic TIFF file a new first directory, at its end, with EXIF, IPTC and private tags."""
    layout = layout_of(tiff)
    described = {**_described(block.removeprefix(PREFIX)), **(private or {})}
    if iptc:
        described[IPTC] = NumberList(UNDEFINED, np.frombuffer(iptc, np.uint8))
    if layout is None or not described:
        return tiff
    places = layout.entries(tiff, layout.number(tiff, layout.first))
    own = [tiff[at : at + ENTRY_BYTES] for at in places if layout.entry(tiff, at)[0] not in described]
    padded = tiff + bytes(len(tiff) % 2)  # directories begin at even places
    place = struct.pack(layout.order + "I", len(padded))
    return padded[:4] + place + padded[8:] + _serialize(described, len(padded), layout.order, own)


def _described(data: bytes, at: int | None = None) -> Directory:
    """Return the part of a file's directories that describes the picture; nothing if they are damaged."""
    return {tag: value for tag, value in directory_of(data, at).items() if tag in DESCRIPTIVE | SUBDIRECTORIES}


def _parse(data: bytes, start: int, layout: Layout, *, depth: int = DEPTH) -> Directory:
    directory: dict[int, NumberList | Directory] = {}
    left = len(data)  # many tags may claim the same large value: together they are not larger than the file
    for at in islice(layout.entries(data, start), ENTRIES_MAX):
        tag, field_type, count, value_at = layout.entry(data, at)
        if tag in SUBDIRECTORIES:
            place = layout.number(data, value_at, WHOLE_NUMBERS.get(field_type))
            directory[tag] = _parse(data, place, layout, depth=depth - 1) if depth else {}
        elif field_type in FIELD_TYPES and tag not in STORED_SIZE:
            kind, numbers = FIELD_TYPES[field_type]
            size = np.dtype(kind).itemsize * numbers * count
            if size <= left:
                left -= size
                place = value_at if size <= layout.place_bytes else layout.number(data, value_at)
                found = np.frombuffer(data, layout.order + kind, numbers * count, place)
                directory[tag] = NumberList(field_type, found)
    return directory


def _serialize(directory: Directory, start: int, order: ByteOrder, entries: list[bytes]) -> bytes:
    """Serialize a directory for the offset `start`, its values after it; `entries` are ready-made ones for it."""
    values = bytearray()
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
