"""Picture files read by libvips: JPEG, PNG, TIFF, WebP, AVIF, GIF."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stylecli.core.errors import MediaError
from stylecli.media.images.codecs.apng import Canvas, animation_of, frames_of
from stylecli.media.images.codecs.limits import DAMAGED_HINT, check_page, check_pixels
from stylecli.media.images.codecs.tiff.conversion import Converted, converted_samples, readable_bytes
from stylecli.media.images.codecs.tiff.directories import TiffPlan, plan_of
from stylecli.media.images.declared_colors import DeclaredColors, declared_colors
from stylecli.media.images.formats import JPEG, PNG, TIFF, Format
from stylecli.media.images.lost_content import PROFILE_LOST, end_lost, lost_in_reading
from stylecli.media.images.metadata.exif import orientation_of
from stylecli.media.images.metadata.jpeg import END, has_end
from stylecli.media.images.metadata.kept import metadata_of
from stylecli.media.images.metadata.png import descriptive_chunks, exif_in
from stylecli.media.images.metadata.tiff_private import names_of, without_place
from stylecli.media.images.picture import Animation, Pages, Picture
from stylecli.media.images.profiles import PROFILE_FIELD, profile_of
from stylecli.media.images.samples import COLOR_CHANNELS, Decoded, array_of, picture_of, upright
from stylecli.media.images.settings import Reading

if TYPE_CHECKING:
    import pyvips

UNSUPPORTED = re.compile(
    r"unsupported|not supported|not configured|not implemented|bad labq|unimplemented|samples out of range", re.I
)
NO_MEMORY = re.compile(r"out of memory|cannot allocate|unable to allocate|insufficient memory", re.I)
# What libjpeg says of damaged samples, which libvips calls warnings. Needless bytes before other markers do no harm.
JPEG_DAMAGE = re.compile(r"premature end of data|bad (Huffman|arithmetic) code|instead of RST|before marker 0xd[0-7]")
DAMAGE_TOLD = "damaged places among the samples of the JPEG: decoded as far as possible"
# Photometric interpretations of TIFF (TIFF 6.0, tag 262) that libvips takes for RGB; the first but in JPEG compression.
YCBCR, ITU_LAB = 6, 10
JPEG_COMPRESSIONS = (6, 7)  # of TIFF, the old and the new one
SAMPLE_BITS_MAX = 32  # that libvips reads
DELAY_USUAL = 100  # milliseconds: how long browsers show a frame whose delay is at most 10


def decode(data: bytes, name: str, format_: Format, reading: Reading, *, page: int | None) -> Pages:
    """Read one picture of a file, `page`, or all of them; `name` is for messages.

    Raises:
        MediaError: it is damaged, of an unsupported kind or too large.
        UsageError: there is no such page.
    """
    import pyvips  # a native library that --help does not need

    try:
        if format_ is TIFF:
            return _tiff(data, name, reading, page)
        if format_ is JPEG and not reading.allow_truncated:
            return _jpeg(data, name, reading, page)
        return _pages(data, name, format_, reading, page)
    except pyvips.Error as error:
        raise _fault_of(error, format_, name) from error


def _pages(data: bytes, name: str, format_: Format, reading: Reading, page: int | None) -> Pages:
    opened = _opened(data, format_, reading)
    animation = animation_of(data) if format_ is PNG else _animation(opened)
    total = len(animation.delays) if animation else 1
    check_page(page, total, name)
    check_pixels(opened.width, opened.height * (total if page is None else 1), name, reading)
    if animation and (page is None or page > 0):
        pictures = _frames(data, name, format_, reading, animation, page)
    else:
        pictures = [_read(Converted(opened), data, name, format_, reading)]
    lost = lost_in_reading(data, format_=format_)
    return Pages(tuple(pictures), animation if len(pictures) > 1 else None, lost, total, "frames")


def _jpeg(data: bytes, name: str, reading: Reading, page: int | None) -> Pages:
    """Read a JPEG. Some cameras write no end marker: then it is whole if no sample is missing."""
    import pyvips  # a native library that --help does not need

    whole, lost = (data, ()) if has_end(data) else (data + END, (end_lost(JPEG),))
    try:
        pages = _pages(whole, name, replace(JPEG, fail_on="warning"), reading, page)
    except pyvips.Error as error:
        pages = _pages(data, name, JPEG, reading, page)
        if JPEG_DAMAGE.search(reason_of(error)):
            lost = (*lost, DAMAGE_TOLD)
    return replace(pages, lost=(*pages.lost, *lost))


def _tiff(data: bytes, name: str, reading: Reading, page: int | None) -> Pages:
    plan = plan_of(data)
    check_page(page, plan.pages, name)
    _refuse_unreadable(plan, name, reading, page)
    pictures = []
    pixels = 0
    for directory in plan.pictures if page is None else [plan.pictures[page]]:
        opened = _opened(readable_bytes(data, directory), TIFF, reading, **directory.options)
        pixels += opened.width * opened.height
        check_pixels(opened.width, opened.height, name, reading, before=pixels - opened.width * opened.height)
        picture = _read(converted_samples(opened, directory), data, name, TIFF, reading, at=directory.at)
        pictures.append(replace(picture, lost=(*picture.lost, *directory.dropped)))
    return Pages(tuple(pictures), None, (), plan.pages)


def _opened(data: bytes, format_: Format, reading: Reading, **options: Any) -> pyvips.Image:
    return format_.open(data, **options, **({"fail_on": "none"} if reading.allow_truncated else {}))


def _animation(opened: pyvips.Image) -> Animation | None:
    fields = opened.get_fields()
    count = int(opened.get("n-pages")) if "n-pages" in fields else 1
    if count == 1 or "delay" not in fields:
        return None
    delays = [delay if delay > 10 else DELAY_USUAL for delay in opened.get("delay")]
    return Animation(
        tuple((delays + [DELAY_USUAL] * count)[:count]), int(opened.get("loop")) if "loop" in fields else 0
    )


def _frames(
    data: bytes, name: str, format_: Format, reading: Reading, animation: Animation, page: int | None
) -> list[Picture]:
    if format_ is PNG:
        shown = _frames_of_png(data, name, reading)
        return shown if page is None else shown[page : page + 1]
    if page is not None:
        return [_read(Converted(_opened(data, format_, reading, page=page)), data, name, format_, reading)]
    opened = _opened(data, format_, reading, n=-1)
    head = _head(opened, data, name)
    samples = array_of(opened)
    height = len(samples) // len(animation.delays)
    stacked = samples.reshape(-1, height, *samples.shape[1:])
    return [picture_of(replace(head, samples=np.ascontiguousarray(one)), reading, name) for one in stacked]


def _frames_of_png(data: bytes, name: str, reading: Reading) -> list[Picture]:
    default = _opened(data, PNG, reading)
    head = _head(default, data, name)
    has_alpha = bool(default.hasalpha())
    canvas = Canvas(default.height, default.width)
    pictures = []
    for frame in frames_of(data):
        opened = _opened(frame.png, PNG, reading)
        if frame.left + opened.width > default.width or frame.top + opened.height > default.height:
            raise MediaError(f"{name}: it is damaged (PNG: a frame lies outside)", hint=DAMAGED_HINT)
        shown = canvas.show(frame, array_of(opened), has_alpha=has_alpha)
        pictures.append(picture_of(replace(head, samples=shown), reading, name))
    return pictures


def _read(
    converted: Converted, data: bytes, name: str, format_: Format, reading: Reading, *, at: int | None = None
) -> Picture:
    opened, lost, is_srgb = converted
    head = _head(opened, data, name, at=at, is_srgb=is_srgb)
    if PROFILE_FIELD in opened.get_fields() and not head.profile and not is_srgb:
        lost = (*lost, PROFILE_LOST)
    if _field(opened, "orientation", default=1) != 1 and (placed := head.metadata.private):
        private = without_place(placed)
        lost = (*lost, *names_of(placed.keys() - private.keys()))
        head = replace(head, metadata=replace(head.metadata, private=private))
    picture = picture_of(replace(head, samples=_samples_of(opened, format_, data)), reading, name)
    return replace(picture, lost=(*picture.lost, *lost))


def _head(opened: pyvips.Image, data: bytes, name: str, *, at: int | None = None, is_srgb: bool = False) -> Decoded:
    """Read all of a picture but its samples. is_srgb: they are sRGB, whatever the file says of them."""
    _refuse_unusual(opened, name)
    told = DeclaredColors() if is_srgb else declared_colors(data)
    channels = COLOR_CHANNELS[opened.interpretation]
    profile = None if is_srgb else (told.profile if channels == 3 else None) or profile_of(opened, channels=channels)
    return Decoded(
        NO_SAMPLES, opened.interpretation, metadata_of(opened, data, at=at), profile, told.chunks, told.light
    )


NO_SAMPLES: NDArray[Any] = np.zeros((0, 0, 0), np.uint8)


def _samples_of(opened: pyvips.Image, format_: Format, data: bytes) -> NDArray[Any]:
    """Decode all samples: (H, W, channels), upright."""
    told = exif_in(descriptive_chunks(data)) if format_ is PNG else None
    orientation = orientation_of(told) if told else _field(opened, "orientation", default=1)
    samples = upright(array_of(opened), orientation)
    if format_.leaves_low_bits_empty and samples.dtype == np.uint16:
        samples |= samples >> _field(opened, "bits-per-sample", default=16)
    return samples


def _refuse_unreadable(plan: TiffPlan, name: str, reading: Reading, page: int | None) -> None:
    if plan.is_raw:
        raise MediaError(
            f"{name}: it is a camera's raw file, which is not supported",
            hint="Develop it first, with darktable or the camera's own program; inside is only a small preview.",
        )
    wanted = plan.pictures if page is None else plan.pictures[page : page + 1]
    if any(one.photometric == ITU_LAB for one in wanted):
        raise MediaError(f"{name}: its colours are ITU L*a*b*, which is not supported", hint="Save it as RGB.")
    if any(one.photometric == YCBCR and one.compression not in JPEG_COMPRESSIONS for one in wanted):
        raise MediaError(f"{name}: its colours are YCbCr, which is not supported", hint="Save it as RGB.")
    if (slices := max(one.slices for one in wanted)) > 1:
        raise MediaError(f"{name}: it is a volume of {slices} slices", hint="Save each slice as a page.")
    if (bits := max(one.bits for one in wanted)) > SAMPLE_BITS_MAX:
        raise MediaError(
            f"{name}: its samples have {bits} bits, which is not supported", hint="Save it with 8, 16 or 32 bits."
        )
    if not all(one.is_whole for one in wanted) and not reading.allow_truncated:
        raise MediaError(f"{name}: it is damaged or truncated (TIFF: its end is missing)", hint=DAMAGED_HINT)


def _refuse_unusual(image: pyvips.Image, name: str) -> None:
    """Look at what is known before a sample is decoded."""
    if image.coding != "none" or image.format not in ("uchar", "ushort"):
        raise MediaError(
            f"{name}: its samples are of an unusual type ({image.format})",
            hint="Save it as RGB with 8 or 16 bits a channel.",
        )
    if image.bands - image.hasalpha() != COLOR_CHANNELS.get(image.interpretation):
        raise MediaError(
            f"{name}: it has {image.bands} channels of {image.interpretation}", hint="Save it as grey, RGB or CMYK."
        )


def _field(image: pyvips.Image, name: str, *, default: int) -> int:
    value: int = image.get(name) if name in image.get_fields() else default
    return value


def _fault_of(error: pyvips.Error, format_: Format, name: str) -> MediaError:
    """Return the error for a message of libvips: an unsupported kind, too little memory, or damage."""
    reason = reason_of(error)
    if UNSUPPORTED.search(reason):
        return MediaError(
            f"{name}: it is a kind of {format_.name} that is not supported ({reason})",
            hint="Save it as RGB with 8 or 16 bits a channel, in a common compression.",
        )
    if NO_MEMORY.search(reason):
        return MediaError(f"{name}: there is too little memory to read it ({reason})", hint="Close other programs.")
    return MediaError(f"{name}: it is damaged or truncated ({format_.name}: {reason})", hint=DAMAGED_HINT)


def reason_of(error: pyvips.Error) -> str:
    """Return the last line of libvips's message: the ones before it repeat it, or say what followed from it."""
    lines = str(error.detail or error.message).split("\n")
    return [line.strip() for line in lines if line.strip()][-1]
