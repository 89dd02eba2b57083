"""The segments of a JPEG file that describe its picture (ITU-T T.81, annex B), copied whole from file to file.

libvips writes Exif anew, which breaks maker notes, and drops comments and extended XMP.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Sequence

from stylecli.media.images.metadata.exif import painted_exif
from stylecli.media.images.metadata.photoshop import PHOTOSHOP, without_thumbnails
from stylecli.media.images.metadata.xmp import merged_xmp, painted_xmp

Segment = tuple[int, bytes]  # marker, content

START, END = b"\xff\xd8", b"\xff\xd9"
SCAN = 0xDA
APP0, APP1, APP13, COMMENT = 0xE0, 0xE1, 0xED, 0xFE
MOTION_VIDEO, PICTURES_BEHIND = "the video of the motion photo", "further pictures behind the JPEG"
CONTENT_BYTES_MAX = 65_533  # of a segment, behind its length of 2 bytes
WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD8)}
EXIF, XMP, EXTENDED_XMP = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0", b"http://ns.adobe.com/xmp/extension/\0"
GUID_BYTES = 32  # the MD5 of the whole extension, as hexadecimal text, before each of its parts


def segments_of(data: bytes) -> Iterator[tuple[int, bytes, int]]:
    """List the segments before the samples, as far as they are whole: marker, content, offset of the next one."""
    at = len(START)
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker in WITHOUT_LENGTH or marker == 0xFF:
            at += 2 if marker != 0xFF else 1
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        if marker == SCAN or length < 2 or at + 2 + length > len(data):
            return
        yield marker, data[at + 4 : at + 2 + length], at + 2 + length
        at += 2 + length


def descriptive_segments(data: bytes) -> tuple[Segment, ...]:
    """List the segments that describe the picture, in order: Exif, XMP, Photoshop's blocks with IPTC, comments."""
    return tuple((marker, content) for marker, content, _ in segments_of(data) if _is_descriptive(marker, content))


def xmp_in(segments: Sequence[Segment]) -> tuple[bytes | None, bool]:
    """Return the XMP packet, merged with its extension, and whether it is whole: a damaged extension is left out."""
    packet = next((content[len(XMP) :] for marker, content in segments if _is(marker, content, XMP)), None)
    parts = [content[len(EXTENDED_XMP) :] for marker, content in segments if _is(marker, content, EXTENDED_XMP)]
    if packet is None or not parts:
        return packet, not parts
    own = sorted(
        (struct.unpack_from(">I", part, GUID_BYTES + 4)[0], part[GUID_BYTES + 8 :])
        for part in parts
        if len(part) >= GUID_BYTES + 8 and part[:GUID_BYTES] in packet
    )
    extension = b"".join(content for _, content in own)
    is_whole = hashlib.md5(extension, usedforsecurity=False).hexdigest().upper().encode() in packet
    merged = merged_xmp(packet, extension) if is_whole else None
    return merged or packet, merged is not None


def has_density(data: bytes) -> bool:
    """Whether the JFIF segment of a JPEG file tells its dots per inch or per centimetre."""
    jfif = next((content for marker, content, _ in segments_of(data) if marker == APP0), b"")
    return jfif[:5] == b"JFIF\0" and jfif[7:8] in (b"\1", b"\2")


def has_end(data: bytes) -> bool:
    """Whether an end marker stands behind the beginning of the samples."""
    return _end_of(data) >= 0


def behind(data: bytes) -> tuple[str, ...]:
    """Name what phones and cameras append to a JPEG: the video of a motion photo, further pictures (CIPA DC-007)."""
    end = _end_of(data)
    if end < 0:
        return ()
    video = data.find(b"ftyp", end)
    picture = data.find(START + b"\xff", end)
    found = (MOTION_VIDEO,) if video >= 0 else ()
    has_picture = picture >= 0 and (video < 0 or picture < video)  # a video may hold the same bytes
    return (*found, PICTURES_BEHIND) if has_picture else found


def with_segments(
    jpeg: bytes, segments: Sequence[Segment], *, size: tuple[int, int], density: tuple[int, int] | None = None
) -> bytes:
    """Replace the descriptive segments of a JPEG file by `segments`; the picture is upright now.

    size: its width and height now. density: dots per inch across and down, for files without Exif; None: unknown.
    """
    head, at = b"", len(START)
    for marker, content, end in segments_of(jpeg):
        if marker != APP0 and not _is_descriptive(marker, content):
            head += jpeg[at:end]
        at = end
    has_exif = any(marker == APP1 and content.startswith(EXIF) for marker, content in segments)
    jfif = b"" if has_exif else _written(APP0, _jfif(density))
    described = b"".join(_written(marker, _painted(marker, content, size)) for marker, content in segments)
    return START + jfif + described + head + jpeg[at:]


def with_exif(segments: Sequence[Segment], block: bytes) -> tuple[Segment, ...]:
    """Replace the Exif segment by this block (a small TIFF file); one that is too large is left out."""
    others = [segment for segment in segments if not segment[1].startswith(EXIF)]
    own = [(APP1, EXIF + block)] if block and len(EXIF + block) <= CONTENT_BYTES_MAX else []
    return (*own, *others)


def _jfif(density: tuple[int, int] | None) -> bytes:
    """Return the content of segment APP0 (JFIF 1.02): version, unit, density, no thumbnail."""
    unit, (across, down) = (1, density) if density else (0, (1, 1))  # 0: only the shape of a pixel
    return b"JFIF\0\x01\x02" + struct.pack(">BHHBB", unit, across, down, 0, 0)


def _end_of(data: bytes) -> int:
    """Return the offset of the end marker, negative if there is none. Samples never hold its bytes."""
    samples = max((end for _, _, end in segments_of(data)), default=len(START))
    return data.find(END, samples)


def _is(marker: int, content: bytes, kind: bytes) -> bool:
    return marker == APP1 and content.startswith(kind)


def _is_descriptive(marker: int, content: bytes) -> bool:
    if marker == APP1:
        return content.startswith((EXIF, XMP, EXTENDED_XMP))
    return marker == COMMENT or (marker == APP13 and content.startswith(PHOTOSHOP))


def _painted(marker: int, content: bytes, size: tuple[int, int]) -> bytes:
    if marker == APP1 and content.startswith(EXIF):
        return EXIF + painted_exif(content[len(EXIF) :], size)
    if marker == APP1 and content.startswith(XMP):
        return painted_xmp(content, size)
    return without_thumbnails(content) if marker == APP13 else content


def _written(marker: int, content: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content
