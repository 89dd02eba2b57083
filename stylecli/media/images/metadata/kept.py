"""What a picture file says about its picture: EXIF, XMP, IPTC, comments, dots per inch."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from stylecli.media.images.metadata.jpeg import START, Segment, descriptive_segments, has_density
from stylecli.media.images.metadata.jpeg import xmp_in as jpeg_xmp_in
from stylecli.media.images.metadata.photoshop import iptc_for
from stylecli.media.images.metadata.png import DENSITY, SIGNATURE, Chunk, descriptive_chunks, exif_in, xmp_in
from stylecli.media.images.metadata.tiff_exif import PREFIX, read_exif, read_iptc
from stylecli.media.images.metadata.tiff_private import PrivateTags, read_private
from stylecli.media.images.metadata.xmp import painted_xmp

EXIF = "exif-data"
XMP = "xmp-data"
IPTC = "iptc-data"
KEPT = re.compile(rf"{EXIF}|{XMP}|{IPTC}|png-comment-.*")
# Samples are kept upright, and the thumbnail (in EXIF's directory 1) shows the picture as it was.
OUTDATED = re.compile(r"exif-ifd0-Orientation|exif-ifd1-.*|jpeg-thumbnail-data")

MILLIMETRES_PER_INCH = 25.4
UNKNOWN_RESOLUTION = 1.0  # pixels per millimetre: what libvips says when a file says nothing
DEFAULT_RESOLUTION = 72 / MILLIMETRES_PER_INCH  # written to TIFF, which must say something: what programs assume


@dataclass(frozen=True)
class Metadata:
    """Fields of a pyvips image, as (name, GType, value), and pixels per millimetre across and down (None: unknown).

    chunks: what a PNG file says, which another PNG says again. segments: the same of a JPEG file. private: of a TIFF.
    """

    fields: tuple[tuple[str, int, Any], ...]
    resolution: tuple[float, float] | None = None
    chunks: tuple[Chunk, ...] = ()
    segments: tuple[Segment, ...] = ()
    private: PrivateTags = field(default_factory=dict)

    @property
    def exif(self) -> bytes | None:
        """The EXIF block as it was in the file."""
        return next((value for name, _, value in self.fields if name == EXIF), None)

    @property
    def density(self) -> tuple[int, int] | None:
        """Dots per inch across and down; None where the file does not tell."""
        if self.resolution is None:
            return None
        across, down = (round(side * MILLIMETRES_PER_INCH) for side in self.resolution)
        return across, down


def bare_iptc(metadata: Metadata) -> bytes | None:
    """Return the IPTC block, as TIFF files hold it."""
    value = next((value for name, _, value in metadata.fields if name == IPTC), None)
    return iptc_for("TIFF", value) if value else None


NOTHING = Metadata(())


def metadata_from(exif: bytes | None, xmp: bytes | None) -> Metadata:
    """Make the metadata of a file that another library than libvips has read: an Exif block and an XMP packet."""
    import pyvips  # a native library that --help does not need

    fields = []
    if exif:
        fields.append((EXIF, pyvips.GValue.blob_type, PREFIX + exif.removeprefix(PREFIX)))
    if xmp:
        fields.append((XMP, pyvips.GValue.blob_type, xmp))
    return Metadata(tuple(fields))


def metadata_of(image: Any, data: bytes, *, at: int | None = None) -> Metadata:
    """Read the metadata of a pyvips image that was opened from a file's `data`.

    at: where the directory of its page begins in a TIFF file; None: the first one.
    """
    import pyvips  # a native library that --help does not need

    names = [name for name in image.get_fields() if KEPT.fullmatch(name)]
    fields = [(name, image.get_typeof(name), image.get(name)) for name in names]
    if iptc := read_iptc(data, at):  # libvips cuts it
        fields = [field for field in fields if field[0] != IPTC]
        fields.append((IPTC, pyvips.GValue.blob_type, iptc))
    chunks = descriptive_chunks(data) if data.startswith(SIGNATURE) else ()
    exif = exif_in(chunks)
    if EXIF not in names and (found := PREFIX + exif if exif else read_exif(data, at)):
        fields.append((EXIF, pyvips.GValue.blob_type, found))
    if XMP not in names and (xmp := xmp_in(chunks)):
        fields.append((XMP, pyvips.GValue.blob_type, xmp))
    segments = descriptive_segments(data) if data.startswith(START) else ()
    packet, _ = jpeg_xmp_in(segments)
    if packet:  # libvips mixes it up with its extension
        fields = [field for field in fields if field[0] != XMP]
        fields.append((XMP, pyvips.GValue.blob_type, packet))
    return Metadata(tuple(fields), _resolution_of(image, data, chunks), chunks, segments, read_private(data, at))


def _resolution_of(image: Any, data: bytes, chunks: Sequence[Chunk]) -> tuple[float, float] | None:
    """Return the density in a file; None for the two values that libvips gives for files without one."""
    is_told = has_density(data) if data.startswith(START) else any(kind == DENSITY for kind, _ in chunks)
    assumed = {UNKNOWN_RESOLUTION, round(DEFAULT_RESOLUTION, 2)}
    is_assumed = {round(image.xres, 2), round(image.yres, 2)} <= assumed
    return None if is_assumed and not is_told else (image.xres, image.yres)


def with_metadata(image: Any, metadata: Metadata, format_name: str) -> Any:
    """A pyvips image with the metadata that libvips will write to a format, less what is wrong now it is upright."""
    import pyvips  # a native library that --help does not need

    described = image.copy()
    for name, kind, value in metadata.fields:
        upright = painted_xmp(value, (image.width, image.height)) if name == XMP else value
        if name == IPTC:
            upright = None if format_name == "TIFF" else iptc_for(format_name, value)  # `add_exif` writes it there
        if upright is not None:
            described.set_type(kind, name, upright)
    # EXIF has also set the resolution and a field for each of its tags; these fields are what will be saved.
    for name in filter(OUTDATED.fullmatch, described.get_fields()):
        described.remove(name)
    described.set_type(pyvips.GValue.gint_type, "orientation", 1)
    x, y = metadata.resolution or (DEFAULT_RESOLUTION, DEFAULT_RESOLUTION)
    return described.copy(xres=x, yres=y)
