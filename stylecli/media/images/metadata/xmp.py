"""XMP packets of pictures that were turned upright, resized and painted: what is no longer true is mended."""

from __future__ import annotations

import re
from xml.etree import ElementTree

ORIENTATION = re.compile(rb"(tiff:Orientation\s*(?:=\s*[\"']|>)\s*)[2-8]")
SIZES = tuple(
    re.compile(rb"((?:exif:Pixel" + exif + rb"Dimension|tiff:Image" + tiff + rb")\s*(?:=\s*[\"']|>)\s*)\d+")
    for exif, tiff in ((b"X", b"Width"), (b"Y", b"Length"))
)
GAIN_MAP = b"http://ns.adobe.com/hdr-gain-map/1.0/"
# Attributes and elements of the gain map, and the list of the further pictures behind the JPEG (Ultra HDR 1.0).
GAIN_MAP_PARTS = (
    re.compile(rb"\s+hdrgm:\w+\s*=\s*(\"[^\"]*\"|'[^']*')"),
    re.compile(rb"<hdrgm:(\w+)[^>]*?(/>|>.*?</hdrgm:\1>)", re.DOTALL),
    re.compile(rb"<(Container|GContainer):Directory\b.*?</\1:Directory>", re.DOTALL),
)
# The same of the video of a motion photo (Motion Photo 1.0, and Micro Video before it).
MOTION = (b"MotionPhoto", b"MicroVideo")
MOTION_PARTS = (
    re.compile(rb"\s+GCamera:(?:MotionPhoto|MicroVideo)\w*\s*=\s*(\"[^\"]*\"|'[^']*')"),
    re.compile(rb"<GCamera:((?:MotionPhoto|MicroVideo)\w*)[^>]*?(/>|>.*?</GCamera:\1>)", re.DOTALL),
    GAIN_MAP_PARTS[-1],
)
RDF = re.compile(rb"(<rdf:RDF\b[^>]*>)(.*)(</rdf:RDF>)", re.DOTALL)
EXTENSION_NOTE = re.compile(
    rb"\s+xmpNote:HasExtendedXMP\s*=\s*(\"[^\"]*\"|'[^']*')|<(xmpNote:HasExtendedXMP)\b.*?</\2>", re.DOTALL
)


def merged_xmp(packet: bytes, extension: bytes) -> bytes | None:
    """Merge a main packet and its extension (XMP part 3, 1.1.3.1); None if they do not belong together."""
    main, more = RDF.search(packet), RDF.search(extension)
    if main is None or more is None or b"<!" in packet + extension:
        return None
    merged = EXTENSION_NOTE.sub(b"", packet[: main.end(2)]) + more[2] + packet[main.end(2) :]
    try:
        ElementTree.fromstring(merged)
    except ElementTree.ParseError:  # such as prefixes that only the extension's root explains
        return None
    return merged


def painted_xmp(packet: bytes, size: tuple[int, int] | None = None) -> bytes:
    """Edit a packet for a picture that is upright now: without a gain map and the video of a motion photo.

    size: its width and height now, if known.
    """
    upright = ORIENTATION.sub(rb"\g<1>1", packet)
    for told, side in zip(SIZES, size or (), strict=False):
        upright = told.sub(rb"\g<1>%d" % side, upright)
    has_motion = any(sign in upright for sign in MOTION)
    for part in (*(GAIN_MAP_PARTS if GAIN_MAP in upright else ()), *(MOTION_PARTS if has_motion else ())):
        upright = part.sub(b"", upright)
    return upright
