"""Photoshop's image resource blocks in JPEG files: IPTC stands in one of them, thumbnails in others.

TIFF holds the IPTC block bare, so it is taken out of the blocks and put into them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

PHOTOSHOP = b"Photoshop 3.0\0"
BLOCK = b"8BIM"
IPTC = 0x0404
THUMBNAILS = {0x0409, 0x040C}  # they show the picture as it was


def without_thumbnails(segment: bytes) -> bytes:
    """Return the content of a segment APP13 without the blocks that show the picture."""
    kept = b"".join(block for number, _, block in _blocks(segment) if number not in THUMBNAILS)
    return PHOTOSHOP + kept if kept or segment == PHOTOSHOP else segment


def iptc_for(format_name: str, value: bytes) -> bytes | None:
    """IPTC as a format wants it: in Photoshop's blocks for JPEG, bare for TIFF; None if there is none in it."""
    is_wrapped = value.startswith(PHOTOSHOP)
    if format_name == "JPEG":
        return without_thumbnails(value) if is_wrapped else PHOTOSHOP + _block(IPTC, value)
    if not is_wrapped:
        return value
    return next((content for number, content, _ in _blocks(value) if number == IPTC), None)


def has_more_than_iptc(segment: bytes) -> bool:
    """Whether the content of a segment APP13 says anything besides IPTC and thumbnails."""
    return any(number not in {IPTC, *THUMBNAILS} for number, _, _ in _blocks(segment))


def _blocks(segment: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Number, content and all bytes of each block, as far as they are whole."""
    at = len(PHOTOSHOP)
    while segment[at : at + 4] == BLOCK and at + 7 <= len(segment):
        (number,) = struct.unpack_from(">H", segment, at + 4)
        named = at + 6 + _even(1 + segment[at + 6])
        if named + 4 > len(segment):
            return
        (length,) = struct.unpack_from(">I", segment, named)
        end = named + 4 + _even(length)
        if named + 4 + length > len(segment):
            return
        yield number, segment[named + 4 : named + 4 + length], segment[at:end]
        at = end


def _block(number: int, content: bytes) -> bytes:
    return BLOCK + struct.pack(">HHI", number, 0, len(content)) + content + bytes(len(content) % 2)


def _even(length: int) -> int:
    return length + length % 2
