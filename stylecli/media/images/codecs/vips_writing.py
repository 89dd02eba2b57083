"""Picture files written by libvips: JPEG, PNG, TIFF, WebP, AVIF."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from stylecli.core.errors import MediaError
from stylecli.core.progress import Notice
from stylecli.media.images.codecs.apng import animated
from stylecli.media.images.codecs.tiff.pages import joined
from stylecli.media.images.codecs.vips_reading import reason_of
from stylecli.media.images.formats import AVIF, JPEG, PNG, TIFF, WEBP, Format
from stylecli.media.images.lost_content import lost_in_writing, pages_lost
from stylecli.media.images.metadata import avif, jpeg, png, webp
from stylecli.media.images.metadata.exif import painted_exif
from stylecli.media.images.metadata.kept import NOTHING, Metadata, bare_iptc, with_metadata
from stylecli.media.images.metadata.tiff_exif import PREFIX, add_exif
from stylecli.media.images.picture import Animation, Contents, Pages, Picture, contents_of_pixels
from stylecli.media.images.samples import array_of, file_image, image_of, is_native, keeps_profile
from stylecli.media.images.settings import Encoding

if TYPE_CHECKING:
    import pyvips


def encode(pages: Pages, format_: Format, encoding: Encoding, *, name: str, notice: Notice) -> bytes:
    """Encode the pictures as one file; where the format holds but one, the first. `name` is for messages.

    Raises:
        MediaError: the format cannot hold them.
    """
    import pyvips  # a native library that --help does not need

    for lost in pages_lost(pages, format_):
        notice(lost)
    pictures = pages.pictures
    told: set[str] = set()

    def notice_once(lost: str) -> None:
        if lost not in told:
            told.add(lost)
            notice(lost)

    try:
        if format_.several is None or len(pictures) == 1 or (format_.several == "frames" and not pages.animation):
            return _encoded(pictures[0], format_, encoding, notice=notice_once)
        if format_ is TIFF:
            return joined([_encoded(one, format_, encoding, notice=notice_once) for one in pictures], name=name)
        assert pages.animation
        alike = _alike(pictures, format_)
        if format_ is PNG:
            pngs = [_encoded(one, format_, encoding, notice=notice_once) for one in alike]
            return animated(pngs, pages.animation)
        return _stacked(alike, pages.animation, format_, encoding, notice=notice_once)
    except pyvips.Error as error:
        raise MediaError(
            f"{name}: the picture does not fit into {format_.name} ({reason_of(error)})",
            hint="Choose PNG or TIFF, which hold the largest pictures.",
        ) from error


def _encoded(picture: Picture, format_: Format, encoding: Encoding, *, notice: Notice) -> bytes:
    contents, image = _described(picture, format_, encoding, notice=notice)
    saved = _saved(image, contents.metadata, format_, encoding)
    return _with_metadata(saved, contents, format_, size=(image.width, image.height))


def _with_metadata(encoded: bytes, contents: Contents, format_: Format, *, size: tuple[int, int]) -> bytes:
    """Put metadata that libvips writes wrongly or not at all into an encoded file. size: width and height."""
    metadata = contents.metadata
    exif = painted_exif((metadata.exif or b"").removeprefix(PREFIX), size)
    if format_ is JPEG:
        segments = metadata.segments or jpeg.with_exif(jpeg.descriptive_segments(encoded), exif)
        return jpeg.with_segments(encoded, segments, size=size, density=metadata.density)
    if format_ is PNG:
        chunks = metadata.chunks or png.with_exif(png.descriptive_chunks(encoded), exif)
        known = [chunk for chunk in chunks if chunk[0] != png.DENSITY or metadata.density]
        return png.with_chunks(encoded, known, size=size, color=contents.color)
    if format_ in (WEBP, AVIF):
        with_exif = webp.with_exif if format_ is WEBP else avif.with_exif
        return with_exif(encoded, exif) if exif else encoded
    if format_ is TIFF:
        return add_exif(encoded, metadata.exif or b"", iptc=bare_iptc(metadata), private=metadata.private)
    return encoded


def _described(
    picture: Picture, format_: Format, encoding: Encoding, *, notice: Notice
) -> tuple[Contents, pyvips.Image]:
    """Return a picture's contents as far as they are written, and the image with metadata that libvips writes."""
    own = picture.contents if isinstance(picture.contents, Contents) else None
    contents = own or contents_of_pixels(picture.pixels)
    if encoding.strip:
        contents = replace(contents, metadata=replace(NOTHING, resolution=contents.metadata.resolution))
    most = format_.bits if encoding.bits is None else min(encoding.bits, format_.bits)
    bits = (contents.bits if encoding.bits is None else 16) if most > 8 else 8
    for lost in (
        *picture.lost,
        *lost_in_writing(
            contents.metadata,
            source_bits=contents.bits if own else 0,
            bits=bits,
            is_cmyk=contents.interpretation == "cmyk",
            has_alpha=picture.alpha is not None,
            is_native=is_native(picture, contents, format_),
            keeps_profile=keeps_profile(picture, contents, format_),
            format_=format_,
        ),
    ):
        notice(lost)
    return contents, with_metadata(file_image(picture, contents, format_, bits=bits), contents.metadata, format_.name)


def _saved(image: pyvips.Image, metadata: Metadata, format_: Format, encoding: Encoding) -> bytes:
    more: dict[str, Any] = {}
    if encoding.lossless and format_.can_be_lossless:
        more["lossless"] = True
    if format_.has_bit_depth and encoding.bits and image.format == "ushort":
        more["bitdepth"] = min(encoding.bits, format_.bits)
    return format_.encode(image, quality=encoding.quality, keep_exif=metadata.exif is not None, **more)


def _alike(pictures: Sequence[Picture], format_: Format) -> list[Picture]:
    """Bring the frames of an animation to the same channels, painted or not: RGB, and all with alpha or none."""
    are_native = [
        one.contents is not None and isinstance(one.contents, Contents) and is_native(one, one.contents, format_)
        for one in pictures
    ]
    if all(are_native):
        return list(pictures)
    opaque = any(one.alpha is not None for one in pictures)
    rgb = [replace(one, contents=_painted(one)) for one in pictures]
    return [
        replace(one, alpha=np.full(one.pixels.shape[:2], np.iinfo(np.uint8).max, np.uint8))
        if opaque and one.alpha is None
        else one
        for one in rgb
    ]


def _painted(picture: Picture) -> Contents | None:
    return replace(picture.contents, samples=None) if isinstance(picture.contents, Contents) else None


def _stacked(
    pictures: Sequence[Picture], animation: Animation, format_: Format, encoding: Encoding, *, notice: Notice
) -> bytes:
    """Libvips takes the frames of an animation one above the other."""
    import pyvips  # a native library that --help does not need

    described = [_described(one, format_, encoding, notice=notice) for one in pictures]
    first = described[0][1]
    tall = np.concatenate([array_of(image) for _, image in described])
    image = image_of(tall, first.interpretation).copy(xres=first.xres, yres=first.yres)
    for field in first.get_fields():
        if field.endswith("-data"):
            image.set_type(first.get_typeof(field), field, first.get(field))
    image.set_type(pyvips.GValue.gint_type, "page-height", first.height)
    image.set_type(pyvips.GValue.array_int_type, "delay", list(animation.delays))
    image.set_type(pyvips.GValue.gint_type, "loop", animation.loops)
    contents = described[0][0]
    saved = _saved(image, contents.metadata, format_, encoding)
    return _with_metadata(saved, contents, format_, size=(first.width, first.height))
