"""Private tags of a TIFF file, such as those of GeoTIFF and GDAL: copied to another TIFF, named where they are lost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from stylecli.media.images.metadata.credentials import CREDENTIALS
from stylecli.media.images.metadata.photoshop import PHOTOSHOP, without_thumbnails
from stylecli.media.images.metadata.tiff_exif import IPTC, SUBDIRECTORIES, UNDEFINED, NumberList, directory_of

PrivateTags = Mapping[int, NumberList]

FIRST_PRIVATE = 32_768  # TIFF 6.0, section 2
ICC_PROFILE, PHOTOSHOP_RESOURCES, PHOTOSHOP_LAYERS, C2PA = 34_675, 34_377, 37_724, 52_545
OUTDATED = {PHOTOSHOP_LAYERS, C2PA}  # which are of the picture as it was
# How samples are stored: of libtiff and SGI (matte, type, depth), Pixar, CCITT, LERC; and what others here carry.
STORAGE = {*range(32_995, 32_999), *range(33_300, 33_306), *range(34_908, 34_911), 50_674}
CARRIED = {*range(0x9C9B, 0x9CA0), 33_432, IPTC, ICC_PROFILE, *SUBDIRECTORIES}
PLACE_ON_THE_MAP = {33_550, 33_922, 34_264, *range(34_735, 34_738)}
NAMES = {
    "the position on the map (GeoTIFF)": PLACE_ON_THE_MAP,
    "GDAL's metadata": {42_112, 42_113},
    "Photoshop's image resources": {PHOTOSHOP_RESOURCES},
    "Photoshop's layers": {PHOTOSHOP_LAYERS},
    CREDENTIALS: {C2PA},
}


def is_private(tag: int) -> bool:
    """Whether a tag belongs to a program of its own, and to nothing that is carried by another way."""
    return tag >= FIRST_PRIVATE and tag not in STORAGE | CARRIED


def read_private(tiff: bytes, at: int | None = None) -> PrivateTags:
    """Read the private tags of a TIFF file, without those of the picture as it was and Photoshop's thumbnails.

    at: where the directory begins that is looked at; None: the first one.
    """
    found = {tag: value for tag, value in directory_of(tiff, at).items() if is_private(tag)}
    private = {tag: value for tag, value in found.items() if isinstance(value, NumberList) and tag not in OUTDATED}
    if resources := private.get(PHOTOSHOP_RESOURCES):
        kept = without_thumbnails(PHOTOSHOP + resources.numbers.tobytes()).removeprefix(PHOTOSHOP)
        private[PHOTOSHOP_RESOURCES] = NumberList(UNDEFINED, np.frombuffer(kept, np.uint8))
    return private


def names_of(tags: Iterable[int]) -> tuple[str, ...]:
    """Describe private tags in words."""
    private = set(filter(is_private, tags))
    names = [name for name, known in NAMES.items() if known & private]
    unknown = sorted(private.difference(*NAMES.values()))
    return (*names, f"private tags of the TIFF: {', '.join(map(str, unknown))}") if unknown else tuple(names)


def without_place(private: PrivateTags) -> PrivateTags:
    """Leave out the georeference, for a picture that was turned or resized: its pixels are no longer where it says."""
    return {tag: value for tag, value in private.items() if tag not in PLACE_ON_THE_MAP}
