"""Content credentials (C2PA 2.1, appendix A): signed for a picture as it was, so no painted one takes them over."""

from __future__ import annotations

from stylecli.media.images.metadata.jpeg import START, segments_of
from stylecli.media.images.metadata.png import SIGNATURE, chunks_of
from stylecli.media.images.metadata.webp import chunks_of as chunks_of_webp

CREDENTIALS = "the content credentials (C2PA), which are signed for the picture as it was"
APP11 = 0xEB
ISO_MEDIA_BOX = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
HEAD_BYTES = 1 << 16  # in which that box stands


def has_credentials(data: bytes) -> bool:
    """Whether the bytes of a JPEG, PNG, WebP, AVIF or HEIC file hold them."""
    if data.startswith(START):
        return any(marker == APP11 and b"c2pa" in content[:64] for marker, content, _ in segments_of(data))
    if data.startswith(SIGNATURE):
        return any(kind == b"caBX" for kind, _ in chunks_of(data))
    if data[:4] == b"RIFF":
        return any(name == b"C2PA" for name, _ in chunks_of_webp(data))
    return data[4:8] == b"ftyp" and ISO_MEDIA_BOX in data[:HEAD_BYTES]
