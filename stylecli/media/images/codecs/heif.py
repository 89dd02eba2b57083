"""HEIC and HEIF pictures, as phones write them, read by libheif (the package pi-heif)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylecli.core.errors import MediaError
from stylecli.media.images.cicp import HDR_TRANSFERS, icc_of_codes
from stylecli.media.images.codecs.limits import DAMAGED_HINT, check_page, check_pixels
from stylecli.media.images.formats import Format
from stylecli.media.images.lost_content import lost_in_reading
from stylecli.media.images.metadata.kept import metadata_from
from stylecli.media.images.picture import Pages, Picture
from stylecli.media.images.profiles import usable_profile
from stylecli.media.images.samples import decoded_rgb, picture_of
from stylecli.media.images.settings import Reading

GAIN_MAP = "hdrgainmap"  # in the name of an auxiliary picture


def decode(data: bytes, name: str, format_: Format, reading: Reading, *, page: int | None) -> Pages:
    """Read the primary picture first, then the others of a burst; upright, since libheif turns them.

    Raises:
        MediaError: it is damaged, too large, or pi-heif is not installed.
        UsageError: there is no such page.
    """
    try:
        import pi_heif  # a native library that --help does not need
    except ImportError as error:
        raise MediaError(
            f"{name}: it is HEIC, which needs the package pi-heif", hint="Install it: pip install pi-heif"
        ) from error
    try:
        file = pi_heif.open_heif(data, convert_hdr_to_8bit=False)
        images = sorted(file, key=lambda image: not image.info["primary"])
        check_page(page, len(images), name)
        wanted = images if page is None else [images[page]]
        for at, image in enumerate(wanted):
            before = sum(one.size[0] * one.size[1] for one in wanted[:at])
            check_pixels(image.size[0], image.size[1], name, reading, before=before)
        lost = lost_in_reading(data, format_=format_)
        return Pages(tuple(_picture_of(image, name, reading) for image in wanted), None, lost, len(images))
    except (ValueError, RuntimeError, EOFError, OSError, SyntaxError) as error:  # whatever libheif's faults become
        reason = str(error).strip()
        if "memory" in reason.lower():
            raise MediaError(f"{name}: there is too little memory to read it", hint="Close other programs.") from error
        raise MediaError(f"{name}: it is damaged or truncated (HEIC: {reason})", hint=DAMAGED_HINT) from error


def _picture_of(image: Any, name: str, reading: Reading) -> Picture:
    info = image.info
    samples = _samples_of(image, int(info.get("bit_depth") or 8))
    channels = 1 if samples.shape[2] < 3 else 3
    profile = usable_profile(info.get("icc_profile"), channels=channels)
    light = None
    if profile is None and (told := info.get("nclx_profile")):
        codes = int(told["color_primaries"]), int(told["transfer_characteristics"])
        light = codes if codes[1] in HDR_TRANSFERS else None
        profile = None if light else icc_of_codes(*codes)
    decoded = decoded_rgb(samples, metadata_from(info.get("exif"), info.get("xmp")), profile)
    picture = picture_of(replace(decoded, light=light), reading, name)
    return replace(picture, lost=(*picture.lost, *_lost(info)))


def _samples_of(image: Any, depth: int) -> NDArray[Any]:
    samples: NDArray[Any] = np.ascontiguousarray(np.asarray(image))
    if samples.ndim == 2:
        samples = samples[..., None]
    if samples.dtype == np.uint16 and depth < 16:  # shifted up, so white is not 65535
        samples = samples | samples >> depth
    if image.mode.startswith(("RGBa", "La")):  # premultiplied
        most = np.iinfo(samples.dtype).max
        alpha = samples[..., -1:].astype(np.float64)
        color = np.divide(
            samples[..., :-1] * float(most), alpha, out=np.zeros(samples[..., :-1].shape), where=alpha > 0
        )
        samples = np.concatenate([np.rint(color).clip(0, most).astype(samples.dtype), samples[..., -1:]], axis=2)
    return samples


def _lost(info: dict[str, Any]) -> list[str]:
    lost = []
    if any(GAIN_MAP in str(kind) for kind in info.get("aux", {})):
        lost.append("the gain map for HDR screens")
    if info.get("depth_images"):
        lost.append("the depth map")
    return lost
