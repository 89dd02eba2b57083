"""Picture files to arrays of sRGB pixels and back; what else a file holds goes along with its picture.

    picture = read_picture(Path("photo.jpg"))
    write_picture(picture.with_pixels(painted), Path("painted.jpg"))

Profiles and depths are in `image_color`, EXIF and the like in `image_metadata`, the formats in `image_formats`.
"""

from __future__ import annotations

import errno
import secrets
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stylecli.errors import MediaError, UsageError
from stylecli.image_color import at_depth, bleed, from_srgb, is_two_way, profile_of, to_srgb, with_profile
from stylecli.image_formats import READABLE, SIGNATURE_BYTES, WRITABLE, Format, format_with_suffix, recognize
from stylecli.image_metadata import NOTHING, Metadata, metadata_of, with_metadata

if TYPE_CHECKING:
    import pyvips

__all__ = [
    "READABLE",
    "WRITABLE",
    "Picture",
    "encode_picture",
    "picture_from_pixels",
    "read_picture",
    "write_picture",
]

PIXELS_MAX = 1_000_000_000  # a file of a few kilobytes can claim more than any memory holds
PAPER = 255  # what shows through transparency where a format has none: white, 8 bits
SUPPORTED = "JPEG, PNG, TIFF, WebP, AVIF and GIF are read"
HINTS = {
    errno.ENOENT: "Create its folder first.",
    errno.ENOTDIR: "Create its folder first.",
    errno.ENOSPC: "Free some space, or choose another disk.",
    errno.EDQUOT: "Free some space, or choose another disk.",
}


@dataclass(frozen=True)
class _Contents:
    """What a picture's file holds, in the file's own terms.

    samples: (H, W, channels), upright, alpha last if there is one; None once the picture has got other pixels.
    interpretation: what libvips calls the kind of samples, such as "cmyk". bits: 8 or 16 a sample.
    """

    samples: NDArray[Any] | None
    interpretation: str
    bits: int
    profile: bytes | None
    metadata: Metadata


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture: sRGB-encoded RGB, upright, and its transparency.

    pixels: (H, W, 3) uint8, uint16 or float32 in 0..1. alpha: (H, W) of any of these types, None for opaque.
    A picture from a file also carries the file's metadata, profile and own samples: written with its pixels not
    replaced, it has the identical samples.
    """

    pixels: NDArray[Any]
    alpha: NDArray[Any] | None = None
    _contents: _Contents | None = field(default=None, repr=False)

    def with_pixels(self, pixels: NDArray[Any]) -> Picture:
        """The picture with other pixels of the same shape and type; all else stays."""
        if (pixels.shape, pixels.dtype) != (self.pixels.shape, self.pixels.dtype):
            raise ValueError(f"{pixels.dtype} {pixels.shape} for {self.pixels.dtype} {self.pixels.shape}")
        contents = self._contents and replace(self._contents, samples=None)
        return replace(self, pixels=pixels, _contents=contents)


def picture_from_pixels(pixels: NDArray[Any], alpha: NDArray[Any] | None = None) -> Picture:
    """A picture that comes from no file; shapes and types as in `Picture`. Float is written with 16 bits."""
    return Picture(pixels, alpha)


def read_picture(source: Path | bytes) -> Picture:
    """Read a picture file, or its bytes. What it is, its content says, not its name; of an animation, the first frame.

    Pixels have the file's depth, or 16 bits where they had to be converted to sRGB. Colour under full transparency is
    that of the surroundings.

    Raises:
        MediaError: it is missing, empty, damaged, no picture, of an unsupported kind, or too large.
    """
    import pyvips  # a native library that --help does not need

    name = "picture" if isinstance(source, bytes) else str(source)
    data, format_ = (source, _recognize(source, name)) if isinstance(source, bytes) else _load(source)
    try:
        return _decode(data, format_, name)
    except pyvips.Error as err:
        raise MediaError(
            f"{name}: it is damaged or truncated ({format_.name}: {_reason(err)})", hint="Copy or export it again."
        ) from err


def write_picture(picture: Picture, path: Path, *, quality: int | None = None, overwrite: bool = False) -> None:
    """Write a picture as the file format that the suffix names: the whole file appears under its name, or nothing.

    `quality` (1 to 100) is for JPEG, WebP and AVIF.

    Raises:
        UsageError: the file exists and `overwrite` is not set, or the suffix names no format that is written.
        MediaError: it cannot be encoded or written.
    """
    if path.is_dir():
        raise MediaError(f"{path}: it is a folder", hint="Give the name of a file.")
    if path.exists() and not overwrite:
        raise UsageError(f"{path}: exists already", hint="Use --overwrite to replace it.")
    _write_beside(path, _encode(picture, path.suffix, quality, str(path)))


def encode_picture(picture: Picture, suffix: str, *, quality: int | None = None) -> bytes:
    """A picture as the bytes of a file with a suffix such as ".png".

    Raises:
        UsageError: the suffix names no format that is written.
        MediaError: the format cannot hold the picture.
    """
    return _encode(picture, suffix, quality, "picture")


def _load(path: Path) -> tuple[bytes, Format]:
    try:
        with path.open("rb") as file:
            format_ = _recognize(file.peek(SIGNATURE_BYTES), str(path))  # before all of a long video is read
            return file.read(), format_
    except FileNotFoundError as err:
        raise MediaError(f"{path}: it does not exist", hint="Check the name.") from err
    except IsADirectoryError as err:
        raise MediaError(f"{path}: it is a folder", hint="Give a picture in it.") from err
    except PermissionError as err:
        raise MediaError(f"{path}: there is no permission to read it", hint="Change its permissions.") from err
    except OSError as err:
        raise MediaError(f"{path}: it cannot be read ({err.strerror})", hint="Check the disk.") from err


def _recognize(start: bytes, name: str) -> Format:
    if not start:
        raise MediaError(f"{name}: it is empty", hint="Copy or export it again.")
    match recognize(start[:SIGNATURE_BYTES]):
        case None:
            raise MediaError(f"{name}: it is not a picture of a known format", hint=f"{SUPPORTED}.")
        case str(other):
            raise MediaError(f"{name}: it is {other}, which is not supported", hint=f"{SUPPORTED}: convert it first.")
        case Format() as format_:
            return format_


def _decode(data: bytes, format_: Format, name: str) -> Picture:
    opened = format_.open(data)
    _refuse_unusual(opened, name)
    samples = _upright(_array(opened), _field(opened, "orientation", 1))
    if samples.dtype == np.uint16 and format_.operation == "heif":
        samples |= samples >> _field(opened, "bits-per-sample", 16)  # libvips leaves the lowest 4 or 6 bits empty
    color_channels = opened.bands - opened.hasalpha()
    contents = _Contents(
        samples,
        opened.interpretation,
        bits=samples.itemsize * 8,
        profile=profile_of(opened, channels=color_channels),
        metadata=metadata_of(opened),
    )

    image = _image(samples, opened.interpretation)
    color = image if color_channels == image.bands else image.extract_band(0, n=color_channels)
    rgb = to_srgb(color, contents.profile)
    if rgb is image:
        return Picture(samples, _contents=contents)
    if color is image:
        return Picture(_array(rgb), _contents=contents)
    alpha = image[color_channels]
    return Picture(_array(bleed(rgb, alpha)), _array(alpha)[..., 0], contents)


def _refuse_unusual(image: pyvips.Image, name: str) -> None:
    if image.width * image.height > PIXELS_MAX:
        raise MediaError(
            f"{name}: {image.width} x {image.height} pixels are too many",
            hint=f"At most {PIXELS_MAX // 10**6} megapixels are read: make it smaller.",
        )
    if image.format not in ("uchar", "ushort"):
        raise MediaError(
            f"{name}: its samples are of type {image.format}", hint="Save it with 8 or 16 bits a channel, not as float."
        )
    if image.bands - image.hasalpha() != {"b-w": 1, "grey16": 1, "cmyk": 4}.get(image.interpretation, 3):
        raise MediaError(f"{name}: it has {image.bands} channels", hint="Save it as grey, RGB or CMYK.")


def _encode(picture: Picture, suffix: str, quality: int | None, name: str) -> bytes:
    import pyvips  # a native library that --help does not need

    format_ = format_with_suffix(suffix)
    if format_ is None:
        raise UsageError(f"{name}: no picture format is called {suffix!r}", hint=f"Use {', '.join(WRITABLE)}.")
    if quality is not None and not 1 <= quality <= 100:
        raise UsageError(f"quality {quality}: out of range", hint="Give 1 to 100.")
    metadata = picture._contents.metadata if picture._contents else NOTHING
    try:
        image = with_metadata(_file_image(picture, format_), metadata)
        return format_.encode(image, quality=quality, keep_exif=metadata.has_exif)
    except pyvips.Error as err:
        raise MediaError(
            f"{name}: the picture cannot be written as {format_.name} ({_reason(err)})",
            hint="PNG and TIFF hold any picture.",
        ) from err


def _file_image(picture: Picture, format_: Format) -> pyvips.Image:
    """What goes into a file of this format: the samples that the picture came with, if it can hold them."""
    contents = picture._contents
    if contents is None:
        image = _painted(picture, None, min(format_.bits, 8 if picture.pixels.dtype == np.uint8 else 16))
    
    return image


def _upright(samples: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Apply an EXIF orientation, 1 to 8: how rows and columns of the samples are to be shown."""
    if orientation in (5, 6, 7, 8):
        samples = samples.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        samples = samples[:, ::-1]
    if orientation in (3, 4, 7, 8):
        samples = samples[::-1]
    return np.ascontiguousarray(samples)


def _array(image: pyvips.Image) -> NDArray[Any]:
    """The samples of a pyvips image as (H, W, channels), also where there is but one."""
    samples: NDArray[Any] = image.numpy()
    return samples.reshape(image.height, image.width, image.bands)


def _image(samples: NDArray[Any], interpretation: str) -> pyvips.Image:
    import pyvips  # a native library that --help does not need

    return pyvips.Image.new_from_array(samples, interpretation=interpretation)
