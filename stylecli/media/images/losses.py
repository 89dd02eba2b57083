"""What a reader or a writer of a picture file cannot keep, in words: one channel for all formats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stylecli.media.images.formats import SIGNATURE_BYTES, Format, brands_of
from stylecli.media.images.metadata.png import SIGNATURE, chunks_of, text_keys

if TYPE_CHECKING:
    from stylecli.media.images.metadata.kept import Metadata
    from stylecli.media.images.tiff_directories import TiffPlan

GAIN_MAP_SIGNS = (b"http://ns.adobe.com/hdr-gain-map/1.0/", b"urn:iso:std:iso:ts:21496:-1")  # Ultra HDR, ISO 21496-1
JPEG_HEAD_BYTES = 1 << 18
EXIF_BYTES_MAX = {"JPEG": 65_533 - 2}  # of one segment
IPTC_FORMATS = ("JPEG", "TIFF")  # that libvips writes IPTC to


def lost_in_reading(opened: Any, data: bytes, *, format_: Format, plan: TiffPlan) -> tuple[str, ...]:
    """What of a file's bytes is not in the picture that was read: further frames and pages, a gain map.

    opened: the pyvips image. plan: what is read of a TIFF.
    """
    lost = [*plan.dropped]
    if format_.name == "TIFF":
        if plan.pages > 1:
            lost.append(f"{plan.pages - 1} of {plan.pages} pages: only the first is read")
    elif b"avis" in brands_of(data[:SIGNATURE_BYTES]):
        lost.append("further frames: only the first is read")
    elif (frames := _frames(opened, data)) > 1:
        lost.append(f"{frames - 1} of {frames} frames: only the first is read")
    if format_.name == "JPEG" and any(sign in data[:JPEG_HEAD_BYTES] for sign in GAIN_MAP_SIGNS):
        lost.append("the gain map for HDR screens")
    return tuple(lost)


def lost_in_writing(
    metadata: Metadata, *, source_bits: int, is_cmyk: bool, has_alpha: bool, is_native: bool, format_: Format
) -> tuple[str, ...]:
    """What a format cannot hold of a picture. is_native: the file's own samples are written, not painted ones."""
    lost = []
    if has_alpha and not format_.holds_alpha:
        lost.append(f"transparency: {format_.name} has none, white shows through")
    if source_bits > 8 and format_.bits == 8:
        lost.append(f"{source_bits} bits a sample: {format_.name} holds 8")
    if is_cmyk and not is_native:
        lost.append("CMYK: it becomes sRGB")
    if format_.name != "PNG" and (keys := text_keys(metadata.chunks)):
        lost.append(f"PNG texts: {', '.join(sorted(set(keys)))}")
    most = EXIF_BYTES_MAX.get(format_.name)
    if most and metadata.exif and len(metadata.exif) > most:
        lost.append(f"Exif of {len(metadata.exif):,} bytes: {format_.name} holds {most:,}")
    if format_.name not in IPTC_FORMATS and any(name == "iptc-data" for name, _, _ in metadata.fields):
        lost.append(f"IPTC: {format_.name} holds none")
    return tuple(lost)


def _frames(opened: Any, data: bytes) -> int:
    if data.startswith(SIGNATURE):
        animation = next((content for kind, content in chunks_of(data) if kind == b"acTL"), b"")
        return int.from_bytes(animation[:4], "big")
    return int(opened.get("n-pages")) if "n-pages" in opened.get_fields() else 1
