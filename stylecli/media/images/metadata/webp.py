"""The Exif block of a WebP file (RFC 9649), replaced whole: libvips writes it anew, which breaks maker notes."""

from __future__ import annotations

import struct

HEAD_BYTES = 12  # RIFF, the size of what follows it, WEBP
EXIF = b"EXIF"


def with_exif(webp: bytes, block: bytes) -> bytes:
    """A WebP file with this Exif block (a small TIFF file) in place of the one that it has."""
    chunks, at = b"", HEAD_BYTES
    while at + 8 <= len(webp):
        name, size = struct.unpack_from("<4sI", webp, at)
        end = at + 8 + size + size % 2
        chunks += _written(block) if name == EXIF else webp[at:end]
        at = end
    return webp[:4] + struct.pack("<I", 4 + len(chunks)) + webp[8:HEAD_BYTES] + chunks


def _written(block: bytes) -> bytes:
    return EXIF + struct.pack("<I", len(block)) + block + bytes(len(block) % 2)
