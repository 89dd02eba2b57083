"""The chunks of a PNG file that describe its picture (PNG 3rd edition, section 11.3), copied whole from file to file.

libvips reads no chunk behind the pixels, cuts keys at a space and takes UTF-8 for Latin-1.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence

from stylecli.media.images.metadata.exif import painted_exif
from stylecli.media.images.metadata.xmp import painted_xmp

Chunk = tuple[bytes, bytes]  # type, content

SIGNATURE = b"\x89PNG\r\n\x1a\n"
TEXT = (b"tEXt", b"zTXt", b"iTXt")
COLOR = (b"cICP", b"gAMA", b"cHRM", b"sRGB", b"iCCP")
DENSITY = b"pHYs"
KEPT = (*TEXT, b"eXIf", b"tIME", DENSITY)
XMP_KEY = b"XML:com.adobe.xmp"
RAW_EXIF_KEY = b"Raw profile type exif"  # ImageMagick's form from before the chunk eXIf: hexadecimal text
HEADER_BYTES = 12 + 13  # of IHDR, the first chunk


def chunks_of(data: bytes) -> Iterator[Chunk]:
    """List all chunks of a PNG file, as far as they are whole."""
    at = len(SIGNATURE)
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        if at + 12 + length > len(data):
            return
        yield data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        at += 12 + length


def descriptive_chunks(data: bytes) -> tuple[Chunk, ...]:
    """List the chunks that describe the picture, in order; Exif as a chunk eXIf, in whatever form it was."""
    kept = [chunk for chunk in chunks_of(data) if _is_kept(chunk[0])]
    has_exif = any(kind == b"eXIf" for kind, _ in kept)
    chunks: list[Chunk] = []
    for kind, content in kept:
        raw = _raw_exif(kind, content)
        if raw is None:
            chunks.append((kind, content))
        elif not has_exif:
            chunks.append((b"eXIf", raw))
    return tuple(chunks)


def exif_in(chunks: Iterable[Chunk]) -> bytes | None:
    """Return the Exif block (a small TIFF file) among the chunks."""
    return next((content for kind, content in chunks if kind == b"eXIf"), None)


def xmp_in(chunks: Iterable[Chunk]) -> bytes | None:
    """Return the XMP packet among the chunks."""
    for kind, content in chunks:
        if kind == b"iTXt" and content.startswith(XMP_KEY + b"\0"):
            is_compressed, rest = content[len(XMP_KEY) + 1] == 1, content[len(XMP_KEY) + 3 :]
            text = rest.split(b"\0", 2)[-1]  # behind the language and the translated key
            return _inflated(text) if is_compressed else text
    return None


def with_exif(chunks: Iterable[Chunk], block: bytes) -> tuple[Chunk, ...]:
    """Replace the Exif chunk by this block (a small TIFF file)."""
    return tuple((kind, block if kind == b"eXIf" else content) for kind, content in chunks)


def has_still(data: bytes) -> bool:
    """Whether a PNG file is an animation whose pixels for other programs are none of its frames."""
    kinds: set[bytes] = set()
    for kind, _ in chunks_of(data):
        if kind == b"IDAT":
            return b"acTL" in kinds and b"fcTL" not in kinds
        kinds.add(kind)
    return False


def has_end(data: bytes) -> bool:
    """Whether the last chunk of a PNG file is there."""
    return any(kind == b"IEND" for kind, _ in chunks_of(data))


def other_kinds(chunks: Iterable[Chunk]) -> list[str]:
    """The types of the chunks that are neither texts nor told to other formats in their own way."""
    return sorted({kind.decode("latin-1") for kind, _ in chunks if kind not in KEPT})


def text_keys(chunks: Iterable[Chunk]) -> list[str]:
    """List the keys of the texts, but for XMP."""
    keys = [content.split(b"\0", 1)[0] for kind, content in chunks if kind in TEXT]
    return [key.decode("latin-1") for key in keys if key != XMP_KEY]


def with_chunks(png: bytes, chunks: Sequence[Chunk], *, size: tuple[int, int], color: Sequence[Chunk] = ()) -> bytes:
    """Replace the descriptive chunks of a PNG file by `chunks`; the picture is upright now.

    size: its width and height now. color: replaces its profile.
    """
    replaced = COLOR if color else ()
    start = len(SIGNATURE) + HEADER_BYTES
    own = [chunk for chunk in chunks_of(png) if not _is_kept(chunk[0]) and chunk[0] not in replaced]
    described = [_painted(chunk, size) for chunk in chunks]
    return png[:start] + b"".join(map(_written, [*color, *described, *own[1:]]))


def _is_kept(kind: bytes) -> bool:
    """Whether a chunk is copied: those that are known, and others that say they outlast a change of the samples.

    The case of the letters says so (PNG 3rd edition, section 5.4): the first is small in chunks that decoders may
    overlook, the last in those that editors may copy.
    """
    return kind in KEPT or (kind not in COLOR and kind[:1].islower() and kind[3:].islower())


def _painted(chunk: Chunk, size: tuple[int, int]) -> Chunk:
    kind, content = chunk
    if kind == b"eXIf":
        return kind, painted_exif(content, size)
    if kind == b"iTXt" and content.startswith(XMP_KEY + b"\0") and content[len(XMP_KEY) + 1] == 0:
        return kind, painted_xmp(content, size)
    return chunk


def _raw_exif(kind: bytes, content: bytes) -> bytes | None:
    """Return the Exif block in a text of ImageMagick's; None for any other chunk."""
    if kind not in (b"tEXt", b"zTXt") or not content.startswith(RAW_EXIF_KEY + b"\0"):
        return None
    text = content[len(RAW_EXIF_KEY) + 1 :]
    if kind == b"zTXt":
        text = _inflated(text[1:]) or b""
    try:
        block = bytes.fromhex(b"".join(text.split()[2:]).decode("ascii"))  # behind its name and its length
    except ValueError:
        return None
    return block.removeprefix(b"Exif\0\0")


def _inflated(data: bytes) -> bytes | None:
    try:
        return zlib.decompressobj().decompress(data, 1 << 24)
    except zlib.error:
        return None


def _written(chunk: Chunk) -> bytes:
    kind, content = chunk
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
