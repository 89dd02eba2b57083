"""The picture formats: how a file's first bytes tell them, and how each is decoded and encoded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

ExrColor = Literal["linear", "encoded"]  # the numbers of an EXR file: light, or sRGB-encoded already

SIGNATURE_BYTES = 256  # enough to recognise any format


@dataclass(frozen=True)
class Format:
    """A picture format that libvips reads, and writes when it has suffixes; EXR is read and written by OpenEXR.

    bits: of the deepest samples that it can hold; quality: the default, None where there is nothing to choose.
    """

    name: str
    operation: str  # libvips: `{operation}load_buffer`, `{operation}save_buffer`
    suffixes: tuple[str, ...] = ()
    bits: int = 8
    quality: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    holds_alpha: bool = True
    holds_cmyk: bool = False
    # The level from which libvips tells of a file that was cut off. Its TIFF reader calls that a mere warning.
    fail_on: str = "truncated"

    def open(self, data: bytes) -> Any:
        """Open a file's bytes as a pyvips image, from which the samples can be read once. Raises pyvips.Error."""
        import pyvips  # a native library that --help does not need

        return pyvips.Operation.call(f"{self.operation}load_buffer", data, access="sequential", fail_on=self.fail_on)

    def encode(self, image: Any, *, quality: int | None, keep_exif: bool) -> bytes:
        """Encode a pyvips image, with its metadata, as a file's bytes. Raises pyvips.Error."""
        import pyvips  # a native library that --help does not need

        options = dict(self.options)
        if self.quality is not None:
            options["Q"] = quality or self.quality
        if self.operation == "heif":
            options["bitdepth"] = self.bits if image.format == "ushort" else 8
        # Where a picture has no EXIF, libvips makes it up. In JPEG that holds the dots per inch, else nothing.
        options["keep"] = "all" if keep_exif or self.operation == "jpeg" else "xmp|iptc|icc|other"
        encoded: bytes = pyvips.Operation.call(f"{self.operation}save_buffer", image, **options)
        return encoded


# JPEG keeps full colour resolution: painted edges are where half of it shows. AVIF's effort and PNG's filter are the
# fastest that cost about 5 % in size at most.
JPEG = Format(
    "JPEG",
    "jpeg",
    (".jpg", ".jpeg"),
    quality=92,
    options={"subsample_mode": "off", "optimize_coding": True},
    holds_alpha=False,
    holds_cmyk=True,
)
PNG = Format("PNG", "png", (".png",), bits=16, options={"filter": "paeth", "compression": 6})
TIFF = Format(
    "TIFF",
    "tiff",
    (".tif", ".tiff"),
    bits=16,
    options={"compression": "deflate", "predictor": "horizontal"},
    holds_cmyk=True,
    fail_on="warning",
)
WEBP = Format("WebP", "webp", (".webp",), quality=90)
AVIF = Format("AVIF", "heif", (".avif",), bits=12, quality=65, options={"compression": "av1", "effort": 2})
GIF = Format("GIF", "gif")
EXR = Format("EXR", "", (".exr",), bits=16)

WRITTEN = (JPEG, PNG, TIFF, WEBP, AVIF, EXR)
WRITABLE = tuple(suffix for written in WRITTEN for suffix in written.suffixes)
READABLE = (*WRITABLE, ".gif")

SIGNATURES = (
    (b"\xff\xd8\xff", JPEG),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"II*\0", TIFF),
    (b"MM\0*", TIFF),
    (b"II+\0", TIFF),  # BigTIFF
    (b"MM\0+", TIFF),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
    (b"v/1\x01", EXR),
)
OTHER_SIGNATURES = (
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"BM", "BMP"),
    (b"8BPS", "Photoshop (PSD)"),
    (b"%PDF", "PDF"),
)


def format_with_suffix(suffix: str) -> Format | None:
    """The format that is written to files with this suffix, such as ".jpg"; None if there is none."""
    return next((written for written in WRITTEN if suffix.lower() in written.suffixes), None)


def recognize(start: bytes) -> Format | str | None:
    """The format of a file by its first `SIGNATURE_BYTES`.

    The mere name of one that is known but cannot be read, None for anything else.
    """
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return WEBP
    if start[4:8] == b"ftyp":
        return _recognize_iso_media(start[8 : int.from_bytes(start[:4], "big")])
    found = (known for signature, known in (*SIGNATURES, *OTHER_SIGNATURES) if start.startswith(signature))
    return next(found, None)


def _recognize_iso_media(brands: bytes) -> Format | str:
    """AVIF, HEIC and videos share a container; what is in it is told by a list of four-letter brands."""
    found = {brands[at : at + 4] for at in range(0, len(brands), 4)}
    if found & {b"avif", b"avis"}:
        return AVIF
    return "HEIC" if found & {b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1"} else "a video"
