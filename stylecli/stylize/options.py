"""How picture files are read and written, and how large a sheet's tiles are. Imports nothing heavy: see `look`."""

from __future__ import annotations

from dataclasses import dataclass

from stylecli.core.errors import UsageError
from stylecli.media.images.settings import Encoding, ExrColor, Reading

TILE_WIDTH = 480  # pixels, of a tile of a contact sheet


@dataclass(frozen=True)
class PictureOptions:
    """How picture files are read and written.

    quality: 1 to 100, of JPEG, WebP and AVIF; None: the format's default.
    lossless: of WebP and AVIF.
    bits: 8, 10, 12 or 16 a sample of the result; None: as many as the source has, as far as the format holds them.
    exr_color: what EXR files hold, "linear" light or "encoded" sRGB.
    layer: of an EXR: the layer, part or view that is painted; empty: the main one, in all of its views.
    page: of several pages or frames in a file the only one that is painted, counted from 1; None: all.
    max_size: pixels, at most, of the longer side; a larger picture is made smaller before it is painted.
    allow_truncated: paint what is there of a picture whose end is missing.
    strip: leave out the metadata, but for the colour profile.
    keep_times: the result gets the times of the source.
    sidecars: an XMP file beside the source is copied beside the result.
    overwrite: replace files that exist.
    strict: a picture of which something cannot be kept is an error, not a notice.

    Raises:
        UsageError: a value is out of its range.
    """

    quality: int | None = None
    exr_color: ExrColor = "linear"
    overwrite: bool = False
    strict: bool = False
    lossless: bool = False
    bits: int | None = None
    layer: str = ""
    page: int | None = None
    max_size: int | None = None
    allow_truncated: bool = False
    strip: bool = False
    keep_times: bool = False
    sidecars: bool = False

    def __post_init__(self) -> None:
        for name in ("page", "max_size"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UsageError(f"{name} {value}: out of range", hint="Give 1 or more.")

    @property
    def reading(self) -> Reading:
        """What of these is about reading."""
        from stylecli.stylize.pictures.high_range import to_sdr  # loads numpy, which --help does not need

        return Reading(self.exr_color, self.layer, self.allow_truncated, to_sdr)

    @property
    def encoding(self) -> Encoding:
        """What of these is about encoding."""
        return Encoding(self.quality, self.lossless, self.bits, self.strip)
