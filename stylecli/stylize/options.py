"""How picture files are read and written, and how large a sheet's tiles are. Imports nothing heavy: see `look`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stylecli.media.images.settings import ExrColor

TILE_WIDTH = 480  # pixels, of a tile of a contact sheet


@dataclass(frozen=True)
class PictureOptions:
    """How picture files are read and written.

    quality: 1 to 100, of JPEG, WebP and AVIF; None: the format's default.
    exr_color: what EXR files hold, "linear" light or "encoded" sRGB.
    overwrite: replace files that exist.
    strict: a picture of which something cannot be kept is an error, not a notice.
    """

    quality: int | None = None
    exr_color: ExrColor = "linear"
    overwrite: bool = False
    strict: bool = False
