"""How picture files are read and encoded, as a caller chooses it. Imports nothing heavy: --help reads the defaults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

ExrColor = Literal["linear", "encoded"]  # the numbers of an EXR file: light, or sRGB-encoded already


@dataclass(frozen=True)
class Reading:
    """How a picture file is read.

    exr_color: what EXR files hold, "linear" light or "encoded" sRGB.
    layer: of an EXR: the layer, part or view that holds R, G and B, such as "diffuse"; empty: the main one, all views.
    allow_truncated: read what is there of a file whose end is missing; the rest is grey or black.
    to_sdr: what makes sRGB of R'G'B' (H, W, 3), uint16, in PQ or HLG; it gets the H.273 code points of primaries and
        transfer. None: such pictures are refused.
    pixels_max: pixels of all pages together that are read at most; None: as many as the program ever reads.
    """

    exr_color: ExrColor = "linear"
    layer: str = ""
    allow_truncated: bool = False
    to_sdr: Callable[[NDArray[Any], int, int], NDArray[Any]] | None = None
    pixels_max: int | None = None


@dataclass(frozen=True)
class Encoding:
    """How a picture file is encoded.

    quality: 1 to 100, of JPEG, WebP and AVIF; None: the format's default.
    lossless: of WebP and AVIF, which else save bytes by small changes. The other formats but JPEG always are.
    bits: 8, 10, 12 or 16 a sample; None: as many as the source has, as far as the format holds them.
    strip: leave out the metadata, but for the colour profile.
    """

    quality: int | None = None
    lossless: bool = False
    bits: int | None = None
    strip: bool = False


BITS = (8, 10, 12, 16)
