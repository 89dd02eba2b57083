"""The bytes of a picture file to pictures and back: finds the format, and hands over to its library's codec."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import ModuleType

from stylecli.core.errors import MediaError, UsageError
from stylecli.core.progress import Notice, unnoticed
from stylecli.media.images.codecs import exr, heif, jpeg_xl, libav, pnm, vips_reading, vips_writing
from stylecli.media.images.formats import (
    SIGNATURE_BYTES,
    WRITABLE,
    Format,
    Library,
    format_with_suffix,
    recognize,
)
from stylecli.media.images.lost_content import others_lost
from stylecli.media.images.picture import Contents, Pages, Picture, SourceFile
from stylecli.media.images.settings import BITS, Encoding, Reading

SUPPORTED = "JPEG, PNG, TIFF, WebP, AVIF, GIF, EXR, HEIC, JPEG XL, BMP, PPM and PFM are read"

# A module with `decode(data, name, format_, reading, page=...)` for each library, and one with `encode(pages, format_,
# encoding, name=..., notice=...)` for each that writes.
DECODERS: Mapping[Library, ModuleType] = {
    "libvips": vips_reading,
    "OpenEXR": exr,
    "libav": libav,
    "libheif": heif,
    "libjxl": jpeg_xl,
    "numpy": pnm,
}
ENCODERS: Mapping[Library, ModuleType] = {"libvips": vips_writing, "OpenEXR": exr}


def find_format(start: bytes, name: str) -> Format:
    """Recognise the format of a file by its first bytes; `name` is for messages.

    Raises:
        MediaError: it is empty, or of no format that is read.
    """
    if not start:
        raise MediaError(f"{name}: it is empty", hint="Copy or export it again.")
    match recognize(start[:SIGNATURE_BYTES]):
        case Format() as format_:
            return format_
        case str(other):
            raise MediaError(f"{name}: it is {other}, which is not supported", hint=f"{SUPPORTED}: convert it first.")
        case _:
            raise MediaError(f"{name}: it is not a picture of a known format", hint=f"{SUPPORTED}.")


def decode(data: bytes, name: str, *, reading: Reading) -> Picture:
    """Decode a file's bytes, of several pictures the first; `name` is for messages.

    Raises:
        MediaError: as `read_picture`, which also says what the pixels are.
    """
    pages = decode_pages(data, name, reading=reading, page=0)
    first = pages.pictures[0]
    return replace(first, lost=(*others_lost(pages.total, pages.kind), *first.lost, *pages.lost))


def decode_pages(data: bytes, name: str, *, reading: Reading, page: int | None = None) -> Pages:
    """Decode all pictures of a file's bytes, or one of them; pages are counted from 0.

    Raises:
        MediaError: as `read_pages`.
        UsageError: there is no such page.
    """
    format_ = find_format(data, name)
    pages: Pages = DECODERS[format_.library].decode(data, name, format_, reading, page=page)
    if reading.allow_truncated or len(pages.pictures) < pages.total:
        return pages
    return replace(pages, source=SourceFile(data, format_, pages.pictures))


def encode(pages: Pages, suffix: str, *, encoding: Encoding, name: str, notice: Notice = unnoticed) -> bytes:
    """Encode pictures as one file in the format of a suffix; `name` is for messages.

    Pictures that are as they were read, in their own format and without an option, are their file, byte for byte.
    `notice` hears of each thing that the pictures' file held and the new one does not.

    Raises:
        UsageError: the suffix names no format that is written, or an option makes no sense for it.
        MediaError: the format cannot hold the pictures.
    """
    format_ = writable_format(suffix, name)
    check_encoding(encoding, format_)
    if encoding == Encoding() and (unchanged := pages.unchanged_file(format_)) is not None:
        return unchanged
    for lost in pages.lost:
        notice(lost)
    if format_.library != "OpenEXR" and any(_is_exr(picture) for picture in pages.pictures):
        notice("light above 1, further channels and attributes of the EXR")
    encoded: bytes = ENCODERS[format_.library].encode(pages, format_, encoding, name=name, notice=notice)
    return encoded


def writable_format(suffix: str, name: str) -> Format:
    """Return the format that is written to files with a suffix; `name` is for messages.

    Raises:
        UsageError: there is none.
    """
    format_ = format_with_suffix(suffix)
    if format_ is None:
        fault = f"{suffix} is no format that can be written" if suffix else "a suffix must name the format"
        raise UsageError(f"{name}: {fault}", hint=f"Use {', '.join(WRITABLE)}.")
    return format_


def check_encoding(encoding: Encoding, format_: Format) -> None:
    """Refuse options that make no sense.

    Raises:
        UsageError: a value is out of its range, or the format has no such option.
    """
    if encoding.quality is not None and not 1 <= encoding.quality <= 100:
        raise UsageError(f"quality {encoding.quality}: out of range", hint="Give 1 to 100.")
    if encoding.bits is not None and encoding.bits not in BITS:
        raise UsageError(f"bits {encoding.bits}: not a depth of pictures", hint=f"Give {', '.join(map(str, BITS))}.")
    if encoding.bits is not None and encoding.bits > format_.bits:
        raise UsageError(f"bits {encoding.bits}: {format_.name} holds {format_.bits}", hint="Choose another format.")
    if encoding.lossless and format_.quality is not None and not format_.can_be_lossless:
        raise UsageError(f"{format_.name} is never lossless", hint="Choose PNG, TIFF, WebP or AVIF.")


def check_size(width: int, height: int, format_: Format, name: str) -> None:
    """Refuse a size that a format cannot hold, before anything is painted.

    Raises:
        MediaError: a side is too long.
    """
    if max(width, height) > format_.side_max:
        raise MediaError(
            f"{name}: the picture does not fit into {format_.name} "
            f"({width} x {height} pixels, at most {format_.side_max} a side)",
            hint="Choose PNG or TIFF, which hold the largest pictures.",
        )


def _is_exr(picture: Picture) -> bool:
    return picture.contents is not None and not isinstance(picture.contents, Contents)
