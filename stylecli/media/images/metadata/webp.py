"""The chunks of a WebP file (RFC 9649). Exif is replaced whole: libvips writes it anew, which breaks maker notes."""

from __future__ import annotations

import struct
from collections.abc import Iterator

HEAD_BYTES = 12  # RIFF, the size of what follows it, WEBP
EXIF = b"EXIF"


def chunks_of(webp: bytes) -> Iterator[tuple[bytes, bytes]]:
    """List the name of each chunk, and the chunk with its name and length."""
    at = HEAD_BYTES
    while at + 8 <= len(webp):
        name, size = struct.unpack_from("<4sI", webp, at)
        end = at + 8 + size + size % 2
        yield name, webp[at:end]
        at = end


def with_exif(webp: bytes, block: bytes) -> bytes:
    """Replace the Exif block of a WebP file by this one (a small TIFF file)."""
    chunks = b"".join(_written(block) if name == EXIF else whole for name, whole in chunks_of(webp))
    return webp[:4] + struct.pack("<I", 4 + len(chunks)) + webp[8:HEAD_BYTES] + chunks


def _written(block: bytes) -> bytes:
    return EXIF + struct.pack("<I", len(block)) + block + bytes(len(block) % 2)
