"""The directories of a TIFF file (TIFF 6.0, section 2; BigTIFF): which one is the picture, what the others are."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace

from stylecli.media.images.metadata.tiff_exif import DESCRIPTIVE
from stylecli.media.images.metadata.tiff_exif import SUBDIRECTORIES as SUBDIRECTORIES_OF_EXIF
from stylecli.media.images.metadata.tiff_private import PHOTOSHOP_LAYERS, names_of

WIDTH, HEIGHT, COMPRESSION, PHOTOMETRIC = 256, 257, 259, 262
SUBFILE_TYPE, OLD_SUBFILE_TYPE, SUBDIRECTORIES, DNG_VERSION = 254, 255, 330, 50706
OFFSETS, COUNTS = (273, 324), (279, 325)  # of strips and of tiles
REDUCED, MASK = 1, 4  # bits of the subfile type
OLD_REDUCED = 2
SENSOR_DATA = (32803, 34892)  # photometric: a colour filter array, linear raw
NUMBERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}  # field type -> struct's letter
BIG_TIFF = (b"+\0", b"\0+")
BIG_DESCRIPTION = DESCRIPTIVE | SUBDIRECTORIES_OF_EXIF
BIG_LOSS = "Exif and description of a BigTIFF"
DIRECTORIES_MAX = 4096
VALUES_MAX = 1 << 22


@dataclass(frozen=True)
class Directory:
    """One picture in a TIFF file: where libvips finds it, and what it is.

    at: where the directory begins. subdirectory: its number below the page's own directory; None for that one.
    is_whole: all of its samples are there. dropped: what it says besides, and nobody here writes.
    """

    at: int
    page: int
    subdirectory: int | None
    width: int
    height: int
    is_reduced: bool
    is_mask: bool
    is_sensor_data: bool
    is_whole: bool
    dropped: tuple[str, ...] = ()

    @property
    def options(self) -> dict[str, int]:
        """Options for libvips's loader, which then reads this picture."""
        options = {"page": self.page} if self.page else {}
        return options if self.subdirectory is None else options | {"subifd": self.subdirectory}


UNKNOWN = Directory(0, 0, None, 0, 0, is_reduced=False, is_mask=False, is_sensor_data=False, is_whole=True)


@dataclass(frozen=True)
class TiffPlan:
    """What is read of a TIFF file.

    pictures: those of full size, in order. is_raw: a camera's raw file, of which libvips would read a preview.
    """

    pictures: tuple[Directory, ...] = (UNKNOWN,)
    is_raw: bool = False

    @property
    def pages(self) -> int:
        """How many pictures there are."""
        return len(self.pictures)


def plan_of(data: bytes) -> TiffPlan:
    """The pictures of a TIFF file that are no previews; the largest comes first, where the first one is a preview."""
    try:
        found, is_dng = _directories(data)
    except (struct.error, ValueError):  # damaged: libvips tells more
        return TiffPlan()
    pictures = [one for one in found if not one.is_reduced and not one.is_mask]
    is_raw = is_dng or any(one.is_sensor_data for one in found)
    if not pictures or is_raw:
        return TiffPlan(tuple(found[:1]) or (UNKNOWN,), is_raw)
    first = found[0] if found[0] in pictures else max(pictures, key=lambda one: one.width * one.height)
    others = [one for one in pictures if one.subdirectory is None and one is not first]
    return TiffPlan((first, *others), is_raw)


def _directories(data: bytes) -> tuple[list[Directory], bool]:
    order = "<" if data[:2] == b"II" else ">"
    is_big = data[2:4] in BIG_TIFF
    (at,) = struct.unpack_from(f"{order}{'Q' if is_big else 'I'}", data, 8 if is_big else 4)
    found: list[Directory] = []
    is_dng, seen = False, set()
    page = 0
    while at and at not in seen and page < DIRECTORIES_MAX:
        seen.add(at)
        tags, following = _tags(data, at, order, is_big=is_big)
        whole = _directory(tags, at, page, None, len(data), is_big=is_big)
        is_described = is_big and not BIG_DESCRIPTION.isdisjoint(tags)
        found.append(replace(whole, dropped=(*whole.dropped, BIG_LOSS)) if is_described else whole)
        is_dng |= DNG_VERSION in tags
        for number, below in enumerate(tags.get(SUBDIRECTORIES, ())):
            inner, _ = _tags(data, below, order, is_big=is_big)
            found.append(_directory(inner, below, page, number, len(data), is_big=is_big))
        at, page = following, page + 1
    return found, is_dng


def _directory(
    tags: dict[int, tuple[int, ...]], at: int, page: int, subdirectory: int | None, size: int, *, is_big: bool
) -> Directory:
    def one(tag: int, otherwise: int = 0) -> int:
        values = tags.get(tag)
        return values[0] if values else otherwise

    places = next((tags[tag] for tag in OFFSETS if tag in tags), ())
    lengths = next((tags[tag] for tag in COUNTS if tag in tags), ())
    return Directory(
        at,
        page,
        subdirectory,
        one(WIDTH),
        one(HEIGHT),
        is_reduced=bool(one(SUBFILE_TYPE) & REDUCED) or one(OLD_SUBFILE_TYPE) == OLD_REDUCED,
        is_mask=bool(one(SUBFILE_TYPE) & MASK),
        is_sensor_data=one(PHOTOMETRIC) in SENSOR_DATA,
        is_whole=all(place + length <= size for place, length in zip(places, lengths, strict=False)),
        dropped=names_of(tags if is_big else tags.keys() & {PHOTOSHOP_LAYERS}),
    )


def _tags(data: bytes, at: int, order: str, *, is_big: bool) -> tuple[dict[int, tuple[int, ...]], int]:
    """The whole numbers of a directory by tag, and where the next directory stands. Raises struct.error."""
    count_form, entry_bytes, count_bytes = ("Q", 20, 8) if is_big else ("H", 12, 2)
    offset_form, inline = ("Q", 8) if is_big else ("I", 4)
    (count,) = struct.unpack_from(f"{order}{count_form}", data, at)
    start = at + count_bytes
    end = start + count * entry_bytes
    tags: dict[int, tuple[int, ...]] = {}
    for entry in range(start, end, entry_bytes):
        tag, kind = struct.unpack_from(f"{order}HH", data, entry)
        (amount,) = struct.unpack_from(f"{order}{offset_form}", data, entry + 4)
        tags[tag] = ()  # texts and fractions: only that they are there
        if letter := NUMBERS.get(kind):
            tags[tag] = tuple(_values(data, entry + entry_bytes - inline, amount, letter, order, inline, offset_form))
    (following,) = struct.unpack_from(f"{order}{offset_form}", data, end)
    return tags, following


def _values(data: bytes, at: int, amount: int, letter: str, order: str, inline: int, offset_form: str) -> Iterator[int]:
    if amount > VALUES_MAX:
        raise ValueError("more values than any file has")
    if amount * struct.calcsize(letter) > inline:
        (at,) = struct.unpack_from(f"{order}{offset_form}", data, at)
    yield from struct.unpack_from(f"{order}{amount}{letter}", data, at)
