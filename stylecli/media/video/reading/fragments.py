"""Fragmented MP4 files, of which nothing but the boxes tells that their end is missing."""

from __future__ import annotations

import struct
from pathlib import Path

_HEAD_BYTES = 8  # the length and the type of a box (ISO/IEC 14496-12, 4.2)
_LONG = 1  # a length that says that the length stands behind the type, with 64 bits
_FRAGMENT, _SAMPLES = b"moof", b"mdat"


def ends_in_a_fragment(path: Path) -> bool:
    """Whether the file ends inside one of its fragments."""
    size = path.stat().st_size
    at, kind, is_fragmented = 0, b"", False
    with path.open("rb") as file:
        while at + _HEAD_BYTES <= size:
            file.seek(at)
            head = file.read(2 * _HEAD_BYTES)
            length, kind = struct.unpack_from(">I4s", head)
            if length == _LONG:
                length = int.from_bytes(head[_HEAD_BYTES:], "big")
            if length < _HEAD_BYTES:  # up to the end of the file, or no box at all
                return False
            is_fragmented |= kind == _FRAGMENT
            at += length
    return is_fragmented and at > size and kind in (_FRAGMENT, _SAMPLES)
