"""What a picture file says about its picture: EXIF, XMP, IPTC, comments, dots per inch.

libvips takes EXIF apart when it loads a file, into one field a tag, and puts it together again from the fields when it
saves: tags are carried over as these fields.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from stylecli.tiff_exif import read_exif

MILLIMETRES_PER_INCH = 25.4
UNKNOWN_RESOLUTION = 1.0  # pixels per millimetre: what libvips says when a file says nothing
DEFAULT_RESOLUTION = 72 / MILLIMETRES_PER_INCH  # written instead: what programs assume

EXIF = "exif-data"
SEGMENT_BYTES = 65_533  # of metadata in a JPEG file, at most
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


def metadata_of(image: Any, data: bytes) -> Metadata:
    """What a pyvips image carries that was opened from a file's `data`, less what is wrong once it is upright."""
    fields = _fields_of(image)
    exif = read_exif(data)
    if exif and len(exif) <= SEGMENT_BYTES:
        fields += _fields_of(_image_with_exif(exif))
    x, y = (DEFAULT_RESOLUTION if side == UNKNOWN_RESOLUTION else side for side in (image.xres, image.yres))
    return Metadata(fields, (x, y))


def with_metadata(image: Any, metadata: Metadata) -> Any:
    """The same pyvips image with metadata that its file will get."""
    x, y = metadata.resolution
    described = image.copy(xres=x, yres=y)
    for name, kind, value in metadata.fields:
        described.set_type(kind, name, value)
    return described


def exif_block(metadata: Metadata) -> bytes:
    """The EXIF of a picture in one piece, as libvips puts it into files."""
    import pyvips  # a native library that --help does not need

    jpeg = with_metadata(pyvips.Image.black(1, 1), metadata).jpegsave_buffer()
    block: bytes = pyvips.Image.jpegload_buffer(jpeg).get(EXIF)
    return block


def _image_with_exif(block: bytes) -> Any:
    """A picture of one pixel with EXIF: libvips takes it apart only while it loads a file."""
    import pyvips  # a native library that --help does not need

    jpeg = pyvips.Image.black(1, 1).jpegsave_buffer(keep="none")
    segment = b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block
    return pyvips.Image.jpegload_buffer(jpeg[:2] + segment + jpeg[2:])


def _fields_of(image: Any) -> tuple[tuple[str, int, Any], ...]:
    names = [name for name in image.get_fields() if KEPT.fullmatch(name) and not OUTDATED.fullmatch(name)]
    return tuple((name, image.get_typeof(name), _upright(name, image.get(name))) for name in names)


def _upright(name: str, value: Any) -> Any:
    return XMP_ORIENTATION.sub(rb"\g<1>1", value) if name == "xmp-data" else value
