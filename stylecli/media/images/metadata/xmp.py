"""XMP packets of pictures that were turned upright and painted: what is no longer true is taken out of them."""

from __future__ import annotations

import re

ORIENTATION = re.compile(rb"(tiff:Orientation\s*(?:=\s*[\"']|>)\s*)[2-8]")
GAIN_MAP = b"http://ns.adobe.com/hdr-gain-map/1.0/"
# Attributes and elements of the gain map, and the list of the further pictures behind the JPEG (Ultra HDR 1.0).
GAIN_MAP_PARTS = (
    re.compile(rb"\s+hdrgm:\w+\s*=\s*(\"[^\"]*\"|'[^']*')"),
    re.compile(rb"<hdrgm:(\w+)[^>]*?(/>|>.*?</hdrgm:\1>)", re.DOTALL),
    re.compile(rb"<(Container|GContainer):Directory\b.*?</\1:Directory>", re.DOTALL),
)


def painted_xmp(packet: bytes) -> bytes:
    """The packet with orientation 1, and without the promise of a gain map, which a painted picture does not have."""
    upright = ORIENTATION.sub(rb"\g<1>1", packet)
    if GAIN_MAP in upright:
        for part in GAIN_MAP_PARTS:
            upright = part.sub(b"", upright)
    return upright
