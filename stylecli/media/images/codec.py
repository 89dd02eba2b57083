"""The bytes of a picture file to a Picture and back."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stylecli.core.errors import MediaError, UsageError
from stylecli.core.progress import Notice, unnoticed
from stylecli.media.images.alpha import bleed
from stylecli.media.images.exr import ExrContents, Weight, decode_exr, encode_exr
from stylecli.media.images.formats import (
    EXR,
    JPEG,
    PNG,
    SIGNATURE_BYTES,
    TIFF,
    WRITABLE,
    ExrColor,
    Format,
    format_with_suffix,
    recognize,
)
from stylecli.media.images.losses import lost_in_reading, lost_in_writing
from stylecli.media.images.metadata.exif import orientation_of
from stylecli.media.images.metadata.jpeg import with_segments
from stylecli.media.images.metadata.kept import NOTHING, Metadata, bare_iptc, metadata_of, with_metadata
from stylecli.media.images.metadata.png import KEPT, Chunk, chunks_of, descriptive_chunks, exif_in, with_chunks
from stylecli.media.images.metadata.tiff_exif import add_exif
from stylecli.media.images.profiles import (
    PROFILE_FIELD,
    at_depth,
    from_srgb,
    is_srgb,
    profile_of,
    takes_rgb,
    to_srgb,
    with_profile,
)
from stylecli.media.images.tiff_directories import TiffPlan, plan_of
from stylecli.media.images.told_colors import ToldColors, told_colors
from stylecli.media.pixels import quantize, to_unit
from stylecli.media.resizing import resize

if TYPE_CHECKING:
    import pyvips

PIXELS_MAX = 1_000_000_000  # a file of a few kilobytes can claim more than any memory holds
UNSUPPORTED = re.compile(r"unsupported|not supported|not configured|not implemented|bad labq|unimplemented", re.I)
NO_MEMORY = re.compile(r"out of memory|cannot allocate|unable to allocate|insufficient memory", re.I)
DAMAGED_HINT = "Copy or export it again."
PAPER = 255  # what shows through transparency where a format has none: white, 8 bits
SUPPORTED = "JPEG, PNG, TIFF, WebP, AVIF, GIF and EXR are read"
COLOR_CHANNELS = {"b-w": 1, "grey16": 1, "srgb": 3, "rgb16": 3, "cmyk": 4}  # by libvips's name of the colour space


@dataclass(frozen=True)
class Contents:
    """What a picture's file holds, in the file's own terms.

    samples: (H, W, channels), upright, alpha last if there is one; None once the picture has got other pixels.
    interpretation: libvips's name of their colour space. bits: 8 or 16 a sample.
    """

    samples: NDArray[Any] | None
    interpretation: str
    bits: int
    profile: bytes | None
    metadata: Metadata
    original: NDArray[Any] | None = None  # the samples, once the picture has got other pixels in a part of it
    weight: Weight = 1.0  # of those other pixels
    color: tuple[Chunk, ...] = ()  # chunks of a PNG that tell the profile's space; another PNG tells it so again


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture: sRGB-encoded RGB, upright, and its transparency.

    pixels: (H, W, 3) uint8, uint16 or float32 in 0..1. alpha: (H, W) of any of these types, None for opaque.
    A picture from a file also carries the file's metadata, profile and own samples: written with its pixels not
    replaced, it has the identical samples.
    lost: what the file holds besides, and the picture does not: further frames, a gain map.
    """

    pixels: NDArray[Any]
    alpha: NDArray[Any] | None = None
    contents: Contents | ExrContents | None = field(default=None, repr=False)
    lost: tuple[str, ...] = ()

    def with_pixels(self, pixels: NDArray[Any], *, weight: Weight = 1.0) -> Picture:
        """The picture with other pixels of the same shape and type; all else stays.

        weight: how much of `pixels` is new, 0 to 1, a number or (H, W). Where it is 0, the file's own samples are
        written again; in between, what lies outside of sRGB stays by its share.
        """
        if (pixels.shape, pixels.dtype) != (self.pixels.shape, self.pixels.dtype):
            raise ValueError(f"{pixels.dtype} {pixels.shape} for {self.pixels.dtype} {self.pixels.shape}")
        contents = self.contents and replace(self.contents, samples=None, weight=weight)
        if isinstance(self.contents, Contents) and isinstance(contents, Contents) and np.any(np.less(weight, 1)):
            contents = replace(contents, original=self.contents.samples)
        return replace(self, pixels=pixels, contents=contents)


def picture_from_pixels(pixels: NDArray[Any], alpha: NDArray[Any] | None = None) -> Picture:
    """A picture that comes from no file; shapes and types as in `Picture`. Float is written with 16 bits."""
    return Picture(pixels, alpha)


def find_format(start: bytes, name: str) -> Format:
    """The format of a file by its first bytes; `name` is for messages.

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


def decode(data: bytes, name: str, *, exr_color: ExrColor = "linear", pixels_max: int | None = None) -> Picture:
    """Decode a file's bytes; `name` is for messages. `pixels_max`: how large it may be; None: `PIXELS_MAX`.

    Raises:
        MediaError: as `read_picture`, which also says what the pixels are.
    """
    import pyvips  # a native library that --help does not need

    pixels_max = pixels_max or PIXELS_MAX
    format_ = find_format(data, name)
    if format_ is EXR:
        return Picture(*decode_exr(data, name, color=exr_color, pixels_max=pixels_max))
    try:
        plan = plan_of(data) if format_ is TIFF else TiffPlan()
        _refuse_unreadable(plan, name)
        opened = format_.open(data, **plan.options)
        _refuse_unusual(opened, name, pixels_max)
        told = told_colors(data)
        if told.high_range:
            raise MediaError(
                f"{name}: it is a high dynamic range picture ({told.high_range}), which is not supported",
                hint="Convert it to SDR first: its numbers mean another light.",
            )
        picture = _picture_of(opened, _samples_of(opened, format_, data), metadata_of(opened, data), told)
        return replace(picture, lost=lost_in_reading(opened, data, format_=format_, plan=plan))
    except pyvips.Error as error:
        raise _fault_of(error, format_, name) from error


def encode(picture: Picture, suffix: str, *, quality: int | None, name: str, notice: Notice = unnoticed) -> bytes:
    """Encode a picture as the format of a suffix; `name` is for messages.

    `notice` hears of each thing that the picture's file held and the new one does not.

    Raises:
        UsageError: the suffix names no format that is written, or the quality is not 1 to 100.
        MediaError: the format cannot hold the picture.
    """
    import pyvips  # a native library that --help does not need

    format_ = format_with_suffix(suffix)
    if format_ is None:
        fault = f"{suffix} is no format that can be written" if suffix else "a suffix must name the format"
        raise UsageError(f"{name}: {fault}", hint=f"Use {', '.join(WRITABLE)}.")
    if quality is not None and not 1 <= quality <= 100:
        raise UsageError(f"quality {quality}: out of range", hint="Give 1 to 100.")
    for lost in picture.lost:
        notice(lost)
    if format_ is EXR:
        return _as_exr(picture, name)
    if isinstance(picture.contents, ExrContents):
        notice("light above 1, further channels and attributes of the EXR")
    contents = picture.contents if isinstance(picture.contents, Contents) else _contents_of(picture.pixels)
    exif = contents.metadata.exif
    for lost in lost_in_writing(
        contents.metadata,
        source_bits=contents.bits if picture.contents is contents else 0,
        is_cmyk=contents.interpretation == "cmyk",
        has_alpha=picture.alpha is not None,
        is_native=_is_native(picture, contents, format_),
        format_=format_,
    ):
        notice(lost)
    try:
        image = with_metadata(_file_image(picture, contents, format_), contents.metadata, format_.name)
        encoded = format_.encode(image, quality=quality, keep_exif=exif is not None)
    except pyvips.Error as error:
        raise MediaError(
            f"{name}: the picture does not fit into {format_.name} ({_reason(error)})",
            hint="Choose PNG or TIFF, which hold the largest pictures.",
        ) from error
    if format_ is JPEG and contents.metadata.segments:
        return with_segments(encoded, contents.metadata.segments)
    if format_ is PNG and contents.metadata.chunks:
        return with_chunks(encoded, contents.metadata.chunks, color=contents.color)
    if format_ is PNG and contents.color:
        return with_chunks(encoded, [chunk for chunk in chunks_of(encoded) if chunk[0] in KEPT], color=contents.color)
    if format_ is TIFF:
        return add_exif(encoded, exif or b"", iptc=bare_iptc(contents.metadata))
    return encoded


def _as_exr(picture: Picture, name: str) -> bytes:
    contents = picture.contents if isinstance(picture.contents, ExrContents) else None
    alpha = None if picture.alpha is None else to_unit(picture.alpha)
    return encode_exr(to_unit(picture.pixels), alpha, contents, name)


def _refuse_unreadable(plan: TiffPlan, name: str) -> None:
    if plan.is_raw:
        raise MediaError(
            f"{name}: it is a camera's raw file, which is not supported",
            hint="Develop it first, with darktable or the camera's own program; inside is only a small preview.",
        )
    if not plan.is_whole:
        raise MediaError(f"{name}: it is damaged or truncated (TIFF: its end is missing)", hint=DAMAGED_HINT)


def _refuse_unusual(image: pyvips.Image, name: str, pixels_max: int) -> None:
    """Look at what is known before a sample is decoded."""
    if image.width * image.height > pixels_max:
        raise MediaError(
            f"{name}: {image.width} x {image.height} pixels are too many",
            hint=f"At most {pixels_max // 10**6} megapixels are read: make it smaller.",
        )
    if image.coding != "none" or image.format not in ("uchar", "ushort"):
        raise MediaError(
            f"{name}: its samples are of an unusual type ({image.format})",
            hint="Save it as RGB with 8 or 16 bits a channel.",
        )
    if image.bands - image.hasalpha() != COLOR_CHANNELS.get(image.interpretation):
        raise MediaError(
            f"{name}: it has {image.bands} channels of {image.interpretation}", hint="Save it as grey, RGB or CMYK."
        )


def _samples_of(opened: pyvips.Image, format_: Format, data: bytes) -> NDArray[Any]:
    """Decode all samples: (H, W, channels), upright."""
    told = exif_in(descriptive_chunks(data)) if format_ is PNG else None
    orientation = orientation_of(told) if told else _field(opened, "orientation", default=1)
    samples = _upright(_array(opened), orientation)
    if format_.leaves_low_bits_empty and samples.dtype == np.uint16:
        samples |= samples >> _field(opened, "bits-per-sample", default=16)
    return samples


def _picture_of(opened: pyvips.Image, samples: NDArray[Any], metadata: Metadata, told: ToldColors) -> Picture:
    color_channels = COLOR_CHANNELS[opened.interpretation]
    contents = Contents(
        samples,
        opened.interpretation,
        bits=samples.itemsize * 8,
        profile=(told.profile if color_channels == 3 else None) or profile_of(opened, channels=color_channels),
        metadata=metadata,
        color=told.chunks,
    )
    image = _image(samples, opened.interpretation)
    if color_channels == image.bands:
        rgb = to_srgb(image, contents.profile)
        return Picture(samples if rgb is image else _array(rgb), None, contents)
    rgb = to_srgb(image.extract_band(0, n=color_channels), contents.profile)
    alpha = image[color_channels]
    return Picture(_array(bleed(rgb, alpha)), _array(alpha)[..., 0], contents)


def _upright(samples: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Apply an EXIF orientation, 1 to 8: which way rows and columns are to be shown."""
    if orientation in (5, 6, 7, 8):
        samples = samples.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        samples = samples[:, ::-1]
    if orientation in (3, 4, 7, 8):
        samples = samples[::-1]
    return np.ascontiguousarray(samples)


def _contents_of(pixels: NDArray[Any]) -> Contents:
    """What the file of a picture would hold that comes from none."""
    return Contents(None, "srgb", 8 if pixels.dtype == np.uint8 else 16, profile=None, metadata=NOTHING)


def _is_native(picture: Picture, contents: Contents, format_: Format) -> bool:
    """Whether a format takes the samples that the picture came with, and they are still its own."""
    needs_paper = picture.alpha is not None and not format_.holds_alpha
    fits = contents.interpretation != "cmyk" or (format_.holds_cmyk and not needs_paper)
    return contents.samples is not None and fits


def _file_image(picture: Picture, contents: Contents, format_: Format) -> pyvips.Image:
    """What goes into a file of a format: the samples that the picture came with, if they are still its own."""
    bits = contents.bits if format_.bits > 8 else 8
    needs_paper = picture.alpha is not None and not format_.holds_alpha
    if contents.samples is not None and _is_native(picture, contents, format_):
        native = _image(contents.samples, contents.interpretation)
        image = with_profile(at_depth(native, bits), contents.profile)
    else:
        rgb = _image(picture.pixels, "rgb16" if picture.pixels.dtype == np.uint16 else "srgb")
        image = _with_unpainted(from_srgb(rgb, contents.profile, bits=bits), contents, bits=bits)
        if picture.alpha is not None:
            image = image.bandjoin(at_depth(_image(picture.alpha, "b-w"), bits))
    return image.flatten(background=PAPER) if needs_paper else image


def _with_unpainted(painted: pyvips.Image, contents: Contents, *, bits: int) -> pyvips.Image:
    """Painted colours (H, W, 3), in the space that is written, with the file's own ones where little was painted."""
    if contents.original is None or COLOR_CHANNELS[contents.interpretation] != 3:
        return painted
    own = _image(contents.original, contents.interpretation).extract_band(0, n=3)
    native = _array(at_depth(own, bits))
    weight = np.broadcast_to(np.asarray(contents.weight, np.float32), native.shape[:2])[..., None]
    mixed = _array(painted)
    if contents.profile and takes_rgb(contents.profile) and not is_srgb(contents.profile):
        seen = _array(from_srgb(to_srgb(own, contents.profile), contents.profile, bits=bits))
        outside = (1 - weight) * (native.astype(np.float32) - seen)
        mixed = np.clip(np.rint(mixed + outside), 0, np.iinfo(native.dtype).max).astype(native.dtype)
    kept = _image(np.where(weight == 0, native, mixed), painted.interpretation)
    return with_profile(kept, painted.get(PROFILE_FIELD) if PROFILE_FIELD in painted.get_fields() else None)


def _array(image: pyvips.Image) -> NDArray[Any]:
    """The samples of a pyvips image as (H, W, channels), also where there is but one."""
    samples: NDArray[Any] = image.numpy()
    return samples.reshape(image.height, image.width, image.bands)


def _image(samples: NDArray[Any], interpretation: str) -> pyvips.Image:
    import pyvips  # a native library that --help does not need

    return pyvips.Image.new_from_array(samples, interpretation=interpretation)


def _field(image: pyvips.Image, name: str, *, default: int) -> int:
    value: int = image.get(name) if name in image.get_fields() else default
    return value


def _fault_of(error: pyvips.Error, format_: Format, name: str) -> MediaError:
    """What libvips has against a file, told as what it is: an unsupported kind, too little memory, or damage."""
    reason = _reason(error)
    if UNSUPPORTED.search(reason):
        return MediaError(
            f"{name}: it is a kind of {format_.name} that is not supported ({reason})",
            hint="Save it as RGB with 8 or 16 bits a channel, in a common compression.",
        )
    if NO_MEMORY.search(reason):
        return MediaError(f"{name}: there is too little memory to read it ({reason})", hint="Close other programs.")
    return MediaError(f"{name}: it is damaged or truncated ({format_.name}: {reason})", hint=DAMAGED_HINT)


def _reason(error: pyvips.Error) -> str:
    """The last line of libvips's message: the ones before it repeat it, or say what followed from it."""
    lines = str(error.detail or error.message).split("\n")
    return [line.strip() for line in lines if line.strip()][-1]


def with_pixels_of_any_size(picture: Picture, pixels: NDArray[Any]) -> Picture:
    """The picture with other pixels (H, W, 3); where their size differs, only transparency is kept, resized."""
    if pixels.shape == picture.pixels.shape:
        return picture.with_pixels(pixels)
    if picture.alpha is None:
        return picture_from_pixels(pixels)
    alpha = resize(to_unit(picture.alpha)[..., None], *pixels.shape[:2])[..., 0]
    return picture_from_pixels(pixels, quantize(alpha, picture.alpha.dtype))
