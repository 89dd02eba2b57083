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
    bits: 8, 10, 12 or 16 bits per sample of the result; None: as the source, if the format allows.
    exr_color: what EXR files hold, "linear" light or "encoded" sRGB.
    layer: the layer, part or view of an EXR to paint; empty: the main one, in all of its views.
    page: the only page or frame to paint, counted from 1; None: all.
    max_size: largest longer side in pixels; a larger picture is shrunk before it is painted.
    allow_truncated: paint what can be read of a truncated picture.
    strip: write no metadata except the colour profile.
    keep_times: give the result the file times of the source.
    sidecars: copy the XMP file beside the source to the result.
    overwrite: replace existing files.
    strict: fail if something cannot be kept, instead of a notice.
    makes_folders: make the folder of a result; False: it must be there.

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
    makes_folders: bool = True

    def __post_init__(self) -> None:
        for name in ("page", "max_size"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UsageError(f"{name} {value}: out of range", hint="Give 1 or more.")

    @property
    def reading(self) -> Reading:
        """The options of reading."""
        from stylecli.stylize.pictures.high_range import to_sdr  # loads numpy, which --help does not need

        return Reading(self.exr_color, self.layer, self.allow_truncated, to_sdr)

    @property
    def encoding(self) -> Encoding:
        """The options of encoding."""
        return Encoding(self.quality, self.lossless, self.bits, self.strip)
