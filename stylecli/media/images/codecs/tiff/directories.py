"""The directories of a TIFF file (TIFF 6.0, section 2; BigTIFF): which one is the picture, what the others are."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from stylecli.media.images.metadata.tiff_exif import FIELD_TYPES
from stylecli.media.images.metadata.tiff_layout import WHOLE_NUMBERS, Layout, layout_of
from stylecli.media.images.metadata.tiff_private import OUTDATED, names_of

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, DEPTH = 256, 257, 258, 259, 262, 32997
SUBFILE_TYPE, OLD_SUBFILE_TYPE, SUBDIRECTORIES, DNG_VERSION = 254, 255, 330, 50706
OFFSETS, COUNTS = (273, 324), (279, 325)  # of strips and of tiles
REDUCED, MASK = 1, 4  # bits of the subfile type
OLD_REDUCED = 2
SENSOR_DATA = (32803, 34892)  # photometric: a colour filter array, linear raw
DIRECTORIES_MAX = 4096
VALUES_MAX = 1 << 22


@dataclass(frozen=True)
class Directory:
    """One picture in a TIFF file: where libvips finds it, and what it is.

    at: where the directory begins. subdirectory: its number below the page's own directory; None for that one.
    bits: of its first sample. photometric: what the samples are (TIFF 6.0, tag 262); None where it does not tell.
    compression: by its number (tag 259). slices: of a volume, 1 of a picture.
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
    bits: int = 1
    photometric: int | None = None
    compression: int = 1
    slices: int = 1
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
    """List the pictures of a TIFF file that are no previews. If the first one is a preview, the largest comes first."""
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


def with_photometric(data: bytes, at: int, meaning: int) -> bytes:
    """Return the bytes of a TIFF file in which the directory at `at` gives another meaning to its samples."""
    layout = layout_of(data)
    if layout is None:
        return data
    changed = bytearray(data)
    for entry in layout.entries(data, at):
        tag, _, _, value_at = layout.entry(data, entry)
        if tag == PHOTOMETRIC:
            struct.pack_into(f"{layout.order}H", changed, value_at, meaning)
    return bytes(changed)


def _directories(data: bytes) -> tuple[list[Directory], bool]:
    layout = layout_of(data)
    if layout is None:
        raise ValueError("no TIFF file")
    at = layout.number(data, layout.first)
    found: list[Directory] = []
    is_dng, seen = False, set()
    page = 0
    while at and at not in seen and page < DIRECTORIES_MAX:
        seen.add(at)
        tags = _tags(data, at, layout)
        found.append(_directory(tags, at, page, None, len(data)))
        is_dng |= DNG_VERSION in tags.numbers
        for number, below in enumerate(tags.numbers.get(SUBDIRECTORIES, ())):
            found.append(_directory(_tags(data, below, layout), below, page, number, len(data)))
        at, page = tags.following, page + 1
    return found, is_dng


def _directory(tags: _Tags, at: int, page: int, subdirectory: int | None, size: int) -> Directory:
    def one(tag: int, otherwise: int = 0) -> int:
        values = tags.numbers.get(tag)
        return values[0] if values else otherwise

    places = next((tags.numbers[tag] for tag in OFFSETS if tag in tags.numbers), ())
    lengths = next((tags.numbers[tag] for tag in COUNTS if tag in tags.numbers), ())
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
        bits=one(BITS, 1),
        photometric=one(PHOTOMETRIC) if PHOTOMETRIC in tags.numbers else None,
        compression=one(COMPRESSION, 1),
        slices=one(DEPTH, 1),
        dropped=names_of(tags.uncopied | (tags.numbers.keys() & OUTDATED)),
    )


@dataclass(frozen=True)
class _Tags:
    """What a directory says. numbers: the whole numbers of each tag; of texts and fractions only that they are there.

    uncopied: tags of types that no other file can hold, such as places. following: where the next directory begins.
    """

    numbers: dict[int, tuple[int, ...]]
    uncopied: set[int]
    following: int


def _tags(data: bytes, at: int, layout: Layout) -> _Tags:
    """Read a directory. Raises struct.error."""
    numbers: dict[int, tuple[int, ...]] = {}
    uncopied: set[int] = set()
    entries = layout.entries(data, at)
    for entry in entries:
        tag, field_type, amount, value_at = layout.entry(data, entry)
        numbers[tag] = ()
        if field_type not in FIELD_TYPES:
            uncopied.add(tag)
        if letter := WHOLE_NUMBERS.get(field_type):
            numbers[tag] = _values(data, value_at, amount, letter, layout)
    return _Tags(numbers, uncopied, layout.number(data, entries.stop))


def _values(data: bytes, at: int, amount: int, letter: str, layout: Layout) -> tuple[int, ...]:
    if amount > VALUES_MAX:
        raise ValueError("more values than any file has")
    if amount * struct.calcsize(letter) > layout.place_bytes:
        at = layout.number(data, at)
    return struct.unpack_from(f"{layout.order}{amount}{letter}", data, at)
