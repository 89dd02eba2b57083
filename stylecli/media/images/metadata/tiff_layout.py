"""The layout of directories in classic TIFF (TIFF 6.0, section 2) and BigTIFF files, of both byte orders."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Literal

ByteOrder = Literal["<", ">"]

WHOLE_NUMBERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}  # field type -> struct's letter


@dataclass(frozen=True)
class Layout:
    """The layout of one file. Letters are those of `struct`; places count from the beginning of the file."""

    order: ByteOrder
    first: int  # where the place of the first directory stands
    amount: str  # the type of the number of entries
    place: str  # the type of places, and of the numbers of values
    entry_bytes: int  # tag and field type (2 each), number of values, value or its place

    @property
    def place_bytes(self) -> int:
        """The size of a place, and the most bytes of a value that stand in its entry."""
        return struct.calcsize(self.place)

    def number(self, data: bytes, at: int, letter: str | None = None) -> int:
        """Read the number at `at`: an offset, or of the type `letter`. Raises struct.error outside the file."""
        return int(struct.unpack_from(self.order + (letter or self.place), data, at)[0])

    def entries(self, data: bytes, directory: int) -> range:
        """Return the offsets of a directory's entries; behind the last one stands the offset of the next directory."""
        count = self.number(data, directory, self.amount)
        start = directory + struct.calcsize(self.order + self.amount)
        return range(start, start + count * self.entry_bytes, self.entry_bytes)

    def entry(self, data: bytes, at: int) -> tuple[int, int, int, int]:
        """Tag, field type and number of values of an entry, and where its value or the value's place stands."""
        tag, field_type = (self.number(data, at + shift, "H") for shift in (0, 2))
        return tag, field_type, self.number(data, at + 4), at + 4 + self.place_bytes


def layout_of(data: bytes) -> Layout | None:
    """Read the layout of a TIFF file from its first bytes; None for any other file."""
    orders: tuple[tuple[bytes, ByteOrder], ...] = ((b"II", "<"), (b"MM", ">"))
    for mark, order in orders:
        if data[:4] == mark + struct.pack(order + "H", 42):
            return Layout(order, first=4, amount="H", place="I", entry_bytes=12)
        if data[:4] == mark + struct.pack(order + "H", 43):
            return Layout(order, first=8, amount="Q", place="Q", entry_bytes=20)
    return None
