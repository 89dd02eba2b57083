"""The messages on what is lost when a picture file is read or written, for all formats."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stylecli.media.images.metadata.credentials import CREDENTIALS, has_credentials
from stylecli.media.images.metadata.gif import has_comment
from stylecli.media.images.metadata.jpeg import APP13, COMMENT, PICTURES_BEHIND, behind, xmp_in
from stylecli.media.images.metadata.kept import bare_iptc
from stylecli.media.images.metadata.photoshop import has_more_than_iptc
from stylecli.media.images.metadata.png import has_end as png_has_end
from stylecli.media.images.metadata.png import has_still, other_kinds, text_keys
from stylecli.media.images.metadata.tiff_private import names_of
from stylecli.media.images.metadata.xmp import GAIN_MAP

if TYPE_CHECKING:
    from stylecli.media.images.formats import Format
    from stylecli.media.images.metadata.kept import Metadata
    from stylecli.media.images.picture import Pages

FLOATS_LOST = "floats: it becomes sRGB with 16 bits"
PROFILE_LOST = "the ICC profile, which is damaged or for other kinds of colours"
GAIN_MAP_SIGNS = (GAIN_MAP, b"urn:iso:std:iso:ts:21496:-1")  # Ultra HDR, ISO 21496-1
JPEG_HEAD_BYTES = 1 << 18
EXIF_BYTES_MAX = {"JPEG": 65_533 - 2}  # of one segment
IPTC_FORMATS = ("JPEG", "TIFF")  # that libvips writes IPTC to


def lost_in_reading(data: bytes, *, format_: Format) -> tuple[str, ...]:
    """Name the content of a file that its pictures, once read, do not hold: a gain map, a comment, a still."""
    lost = (CREDENTIALS,) if has_credentials(data) else ()
    if format_.name == "JPEG" and any(sign in data[:JPEG_HEAD_BYTES] for sign in GAIN_MAP_SIGNS):
        return (*lost, "the gain map for HDR screens", *(one for one in behind(data) if one != PICTURES_BEHIND))
    if format_.name == "JPEG":
        return (*lost, *behind(data))
    if format_.name == "GIF" and has_comment(data):
        return ("GIF comments",)
    if format_.name == "PNG" and has_still(data):
        lost = (*lost, "the still picture of the animation, which is none of its frames")
    if format_.name == "PNG" and not png_has_end(data):
        lost = (*lost, end_lost(format_))
    return lost


def end_lost(format_: Format) -> str:
    """Describe a file that lacks nothing but its end marker."""
    return f"the end marker of the {format_.name}, which its file lacks: the samples are all there"


def light_lost(brightest: float) -> tuple[str, ...]:
    """Name what linear light up to `brightest` loses when it becomes sRGB, whose white is 1."""
    return ("light above 1: it becomes white",) if brightest > 1 else ()


def others_lost(total: int, kind: str) -> tuple[str, ...]:
    """Name the pictures that were not read, if only the first of `total` was."""
    return (f"{total - 1} of {total} {kind}: only the first is read",) if total > 1 else ()


def pages_lost(pages: Pages, format_: Format) -> tuple[str, ...]:
    """Name what a format cannot hold of several pictures: pages, frames, or only the times of the frames."""
    count = len(pages.pictures)
    if count == 1 or format_.several == pages.kind:
        return ()
    if format_.several == "pages":
        return (f"delays of {count} frames: {format_.name} holds pages",) if pages.kind == "frames" else ()
    holds = "frames of animations only" if format_.several == "frames" else "one picture"
    return (f"{count - 1} of {count} {pages.kind}: {format_.name} holds {holds}",)


def lost_in_writing(
    metadata: Metadata,
    *,
    source_bits: int,
    bits: int,
    is_cmyk: bool,
    has_alpha: bool,
    is_native: bool,
    keeps_profile: bool,
    format_: Format,
) -> tuple[str, ...]:
    """Name what a format cannot hold of a picture.

    is_native: the file's own samples are written, not painted ones. keeps_profile: in the space of the file.
    """
    lost = []
    if has_alpha and not format_.holds_alpha:
        lost.append(f"transparency: {format_.name} has none, white shows through")
    if source_bits > bits and format_.bits == 8:
        lost.append(f"{source_bits} bits a sample: {format_.name} holds 8")
    if is_cmyk and not is_native:
        lost.append("CMYK: it becomes sRGB")
    elif not keeps_profile:
        lost.append("the ICC profile, into which no RGB can be converted: it becomes sRGB")
    if format_.name != "PNG" and (keys := text_keys(metadata.chunks)):
        lost.append(f"PNG texts: {', '.join(sorted(set(keys)))}")
    if format_.name != "PNG" and (kinds := other_kinds(metadata.chunks)):
        lost.append(f"PNG chunks: {', '.join(kinds)}")
    most = EXIF_BYTES_MAX.get(format_.name)
    if most and metadata.exif and len(metadata.exif) > most:
        lost.append(f"Exif of {len(metadata.exif):,} bytes: {format_.name} holds {most:,}")
    if format_.name != "TIFF":
        lost += names_of(metadata.private)
    if format_.name not in IPTC_FORMATS and bare_iptc(metadata):
        lost.append(f"IPTC: {format_.name} holds none")
    if format_.name != "JPEG":
        lost += _segments_lost(metadata, format_)
    return tuple(lost)


def _segments_lost(metadata: Metadata, format_: Format) -> list[str]:
    """Name the segments of a JPEG that another format cannot hold."""
    lost = []
    if any(marker == COMMENT for marker, _ in metadata.segments):
        lost.append(f"JPEG comments: {format_.name} holds none")
    if not xmp_in(metadata.segments)[1]:
        lost.append("extended XMP, which is damaged: only the main packet is kept")
    if any(marker == APP13 and has_more_than_iptc(content) for marker, content in metadata.segments):
        lost.append("Photoshop's image resources")
    return lost
