"""Samples as a file holds them to pixels that are sRGB, and back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stylecli.core.errors import MediaError
from stylecli.media.images.alpha import bleed
from stylecli.media.images.cicp import HDR_TRANSFERS, icc_of_codes
from stylecli.media.images.metadata.kept import Metadata
from stylecli.media.images.picture import Contents, Picture
from stylecli.media.images.profiles import (
    PROFILE_FIELD,
    at_depth,
    from_srgb,
    is_srgb,
    takes_rgb,
    to_srgb,
    with_profile,
)

if TYPE_CHECKING:
    import pyvips

    from stylecli.media.images.formats import Format
    from stylecli.media.images.metadata.png import Chunk
    from stylecli.media.images.settings import Reading

COLOR_CHANNELS = {"b-w": 1, "grey16": 1, "srgb": 3, "rgb16": 3, "cmyk": 4}  # by libvips's name of the colour space
NAMES = {(1, 1): "b-w", (1, 2): "grey16", (3, 1): "srgb", (3, 2): "rgb16"}  # by channels of colour, bytes a sample
BT2020, SRGB_TRANSFER = 9, 13  # H.273 code points
PAPER = 255  # what shows through transparency where a format has none: white, 8 bits


@dataclass(frozen=True, eq=False)
class Decoded:
    """One picture of a file before its colours are looked at.

    samples: (H, W, channels), uint8 or uint16, upright, alpha last if there is one. interpretation: libvips's name of
    their colour space. profile: the ICC profile that they are in, None for sRGB. color: chunks of a PNG that tell it.
    """

    samples: NDArray[Any]
    interpretation: str
    metadata: Metadata
    profile: bytes | None = None
    color: tuple[Chunk, ...] = ()
    light: tuple[int, int] | None = None  # of PQ and HLG: the H.273 code points of primaries and transfer


def decoded_rgb(samples: NDArray[Any], metadata: Metadata, profile: bytes | None = None) -> Decoded:
    """Describe samples (H, W, 1 to 4) that are grey or RGB, with or without alpha."""
    channels = samples.shape[2]
    name = NAMES[channels - (channels in (2, 4)), samples.itemsize]
    return Decoded(samples, name, metadata, profile)


def picture_of(decoded: Decoded, reading: Reading, name: str) -> Picture:
    """Make the picture of decoded samples: sRGB, and alpha.

    Raises:
        MediaError: it is of high dynamic range, and nothing was given to convert it; `name` is for the message.
    """
    if decoded.light:
        return _picture_of_light(decoded, decoded.light, reading, name)
    channels, samples = COLOR_CHANNELS[decoded.interpretation], decoded.samples
    contents = Contents(
        samples,
        decoded.interpretation,
        bits=samples.itemsize * 8,
        profile=decoded.profile,
        metadata=decoded.metadata,
        color=decoded.color,
    )
    image = image_of(samples, decoded.interpretation)
    if channels == image.bands:
        rgb = to_srgb(image, contents.profile)
        return Picture(samples if rgb is image else array_of(rgb), None, contents)
    rgb = to_srgb(image.extract_band(0, n=channels), contents.profile)
    alpha = image[channels]
    return Picture(array_of(bleed(rgb, alpha)), array_of(alpha)[..., 0], contents)


def _picture_of_light(decoded: Decoded, light: tuple[int, int], reading: Reading, name: str) -> Picture:
    """Convert PQ or HLG samples to an SDR picture of 16 bits."""
    kind = HDR_TRANSFERS[light[1]]
    channels = COLOR_CHANNELS[decoded.interpretation]
    if reading.to_sdr is None or channels not in (1, 3):
        raise MediaError(
            f"{name}: it is a high dynamic range picture ({kind}), which is not supported",
            hint="Convert it to SDR first: its numbers mean another light.",
        )
    deep = array_of(at_depth(image_of(decoded.samples, decoded.interpretation), 16))
    color = np.ascontiguousarray(np.broadcast_to(deep[..., :channels], (*deep.shape[:2], 3)))
    primaries = light[0]
    sdr = np.concatenate([reading.to_sdr(color, *light), deep[..., channels:]], axis=2)
    profile = None if primaries == BT2020 else icc_of_codes(primaries, SRGB_TRANSFER)
    converted = Decoded(np.ascontiguousarray(sdr), "rgb16", decoded.metadata, profile)
    lost = (f"high dynamic range ({kind}): it becomes SDR",)
    return replace(picture_of(converted, reading, name), lost=lost)


def upright(samples: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Apply an EXIF orientation, 1 to 8: which way rows and columns are to be shown."""
    if orientation in (5, 6, 7, 8):
        samples = samples.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        samples = samples[:, ::-1]
    if orientation in (3, 4, 7, 8):
        samples = samples[::-1]
    return np.ascontiguousarray(samples)


def is_native(picture: Picture, contents: Contents, format_: Format) -> bool:
    """Whether a format takes the samples that the picture came with, and they are still its own."""
    needs_paper = picture.alpha is not None and not format_.holds_alpha
    fits = contents.interpretation != "cmyk" or (format_.holds_cmyk and not needs_paper)
    return contents.samples is not None and fits


def keeps_profile(picture: Picture, contents: Contents, format_: Format) -> bool:
    """Whether what is written stays in the space of the file's profile, if it has one."""
    return not contents.profile or is_native(picture, contents, format_) or takes_rgb(contents.profile)


def file_image(picture: Picture, contents: Contents, format_: Format, *, bits: int) -> pyvips.Image:
    """Make the image that is written: the samples that the picture came with if they are still its own, or new ones."""
    needs_paper = picture.alpha is not None and not format_.holds_alpha
    if contents.samples is not None and is_native(picture, contents, format_):
        native = image_of(contents.samples, contents.interpretation)
        image = with_profile(at_depth(native, bits), contents.profile)
    else:
        rgb = image_of(picture.pixels, "rgb16" if picture.pixels.dtype == np.uint16 else "srgb")
        image = _with_unpainted(from_srgb(rgb, contents.profile, bits=bits), contents, bits=bits)
        if picture.alpha is not None:
            image = image.bandjoin(at_depth(image_of(picture.alpha, "b-w"), bits))
    return image.flatten(background=PAPER) if needs_paper else image


def array_of(image: pyvips.Image) -> NDArray[Any]:
    """Return the samples of a pyvips image as (H, W, channels), also if there is one channel."""
    samples: NDArray[Any] = image.numpy()
    return samples.reshape(image.height, image.width, image.bands)


def image_of(samples: NDArray[Any], interpretation: str) -> pyvips.Image:
    """Make a pyvips image of samples (H, W) or (H, W, channels)."""
    import pyvips  # a native library that --help does not need

    return pyvips.Image.new_from_array(samples, interpretation=interpretation)


def _with_unpainted(painted: pyvips.Image, contents: Contents, *, bits: int) -> pyvips.Image:
    """Mix painted colours (H, W, 3), in the space that is written, with the file's own where little was painted."""
    if contents.original is None or COLOR_CHANNELS[contents.interpretation] != 3:
        return painted
    own = image_of(contents.original, contents.interpretation).extract_band(0, n=3)
    native = array_of(at_depth(own, bits))
    weight = np.broadcast_to(np.asarray(contents.weight, np.float32), native.shape[:2])[..., None]
    mixed = array_of(painted)
    if contents.profile and takes_rgb(contents.profile) and not is_srgb(contents.profile):
        seen = array_of(from_srgb(to_srgb(own, contents.profile), contents.profile, bits=bits))
        outside = (1 - weight) * (native.astype(np.float32) - seen)
        mixed = np.clip(np.rint(mixed + outside), 0, np.iinfo(native.dtype).max).astype(native.dtype)
    kept = image_of(np.where(weight == 0, native, mixed), painted.interpretation)
    return with_profile(kept, painted.get(PROFILE_FIELD) if PROFILE_FIELD in painted.get_fields() else None)
