"""What a picture file says about its picture: EXIF, XMP, IPTC, comments, dots per inch.

libvips takes EXIF apart when it loads a file, into one field a tag, and puts it together again from the fields when it
saves: tags are carried over as these fields.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

MILLIMETRES_PER_INCH = 25.4
UNKNOWN_RESOLUTION = 1.0  # pixels per millimetre: what libvips says when a file says nothing
DEFAULT_RESOLUTION = 72 / MILLIMETRES_PER_INCH  # written instead: what programs assume

EXIF = "exif-data"
KEPT = re.compile(r"exif-data|xmp-data|iptc-data|exif-ifd[0-4]-.*|png-comment-.*")
# Samples are kept upright, and the thumbnail (which is in IFD 1) shows the picture as it was.
OUTDATED = re.compile(r"exif-ifd1-.*|exif-ifd0-Orientation")
XMP_ORIENTATION = re.compile(rb"(tiff:Orientation\s*(?:=\s*[\"']|>)\s*)[2-8]")


@dataclass(frozen=True)
class Metadata:
    """Fields of a pyvips image, as (name, GType, value), and pixels per millimetre across and down."""

    fields: tuple[tuple[str, int, Any], ...]
    resolution: tuple[float, float]

    @property
    def has_exif(self) -> bool:
        """Whether the file had EXIF."""
        return any(name == EXIF for name, _, _ in self.fields)


NOTHING = Metadata((), (DEFAULT_RESOLUTION, DEFAULT_RESOLUTION))


def metadata_of(image: Any) -> Metadata:
    """What a pyvips image that was opened from a file carries, less what is wrong once it is upright."""
    names = [name for name in image.get_fields() if KEPT.fullmatch(name) and not OUTDATED.fullmatch(name)]
    fields = tuple((name, image.get_typeof(name), _upright(name, image.get(name))) for name in names)
    x, y = (DEFAULT_RESOLUTION if side == UNKNOWN_RESOLUTION else side for side in (image.xres, image.yres))
    return Metadata(fields, (x, y))


def with_metadata(image: Any, metadata: Metadata) -> Any:
    """The same pyvips image with metadata that its file will get."""
    x, y = metadata.resolution
    described = image.copy(xres=x, yres=y)
    for field in metadata.fields:
        name, kind, value = field
        described.set_type(kind, name, value)
    return described


def _upright(name: str, value: Any) -> Any:
    return XMP_ORIENTATION.sub(rb"\g<1>1", value) if name == "xmp-data" else value
