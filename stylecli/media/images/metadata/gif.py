"""Whether a GIF file holds comments (GIF89a, section 24), which libvips does not read."""

from __future__ import annotations

EXTENSION, IMAGE, COMMENT = 0x21, 0x2C, 0xFE
HAS_TABLE = 0x80  # flag: a table of colours follows, whose size the low three bits tell
HEAD_BYTES, IMAGE_BYTES = 13, 10


def has_comment(data: bytes) -> bool:
    """Walk over the blocks of a GIF file, as far as they are whole."""
    try:
        at = HEAD_BYTES + _table_bytes(data[HEAD_BYTES - 3])
        while data[at] in (EXTENSION, IMAGE):
            if data[at] == EXTENSION and data[at + 1] == COMMENT:
                return True
            # Behind an image's head and table stands one byte, the size of its codes.
            at += 2 if data[at] == EXTENSION else IMAGE_BYTES + _table_bytes(data[at + IMAGE_BYTES - 1]) + 1
            while data[at]:  # pieces, each with its length; 0 ends them
                at += 1 + data[at]
            at += 1
    except IndexError:
        pass
    return False


def _table_bytes(flags: int) -> int:
    return 3 * (2 << (flags & 7)) if flags & HAS_TABLE else 0
