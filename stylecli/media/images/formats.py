"""The picture formats: each entry of FORMATS owns its suffixes, its signature and the settings of its encoder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, Literal

Library = Literal["libvips", "OpenEXR", "libav", "libheif", "libjxl", "numpy"]

SIGNATURE_BYTES = 256  # enough to recognise any format


@dataclass(frozen=True)
class Format:
    """A picture format that `library` reads and, if `is_written`, writes.

    is_start: whether the first `SIGNATURE_BYTES` of a file are those of this format. bits: of the deepest samples that
    it can hold. quality: the default, None where there is nothing to choose. options: of libvips's encoder. several:
    whether it holds the frames of an animation, the pages of a document, or the views of a stereo picture. side_max:
    pixels, of the longer side.
    """

    name: str
    operation: str  # libvips: `{operation}load_buffer`, `{operation}save_buffer`
    suffixes: tuple[str, ...]
    is_start: Callable[[bytes], bool]
    is_written: bool = True
    bits: int = 8
    quality: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    holds_alpha: bool = True
    holds_cmyk: bool = False
    library: Library = "libvips"
    several: Literal["frames", "pages", "views"] | None = None
    side_max: int = 10_000_000  # libvips's own limit
    can_be_lossless: bool = False  # where the encoder is asked to; PNG and TIFF always are
    # The level from which libvips tells of a file that was cut off. Its TIFF reader calls that a warning, as it calls
    # many harmless things: `tiff.directories` finds what was cut off.
    fail_on: str = "truncated"
    has_bit_depth: bool = False  # the encoder must be told how many bits a sample has
    leaves_low_bits_empty: bool = False  # the decoder shifts samples of 10 and 12 bits up to 16, so white is not 65535

    def holds(self, kind: Literal["frames", "pages", "views"]) -> bool:
        """Whether it holds several pictures of a kind; pages may be anything."""
        return self.several in (kind, "pages")

    def open(self, data: bytes, **options: Any) -> Any:
        """Open a file's bytes as a pyvips image, from which the samples can be read once. Raises pyvips.Error.

        options: of libvips's loader, such as the page.
        """
        import pyvips  # a native library that --help does not need

        how = {"access": "sequential", "fail_on": self.fail_on, **options}
        return pyvips.Operation.call(f"{self.operation}load_buffer", data, **how)

    def encode(self, image: Any, *, quality: int | None, keep_exif: bool, **more: Any) -> bytes:
        """Encode a pyvips image, with its metadata, as a file's bytes. Raises pyvips.Error.

        more: options of libvips's encoder, which replace the format's own.
        """
        import pyvips  # a native library that --help does not need

        options = dict(self.options)
        if self.quality is not None:
            options["Q"] = quality or self.quality
        if self.has_bit_depth:
            options["bitdepth"] = self.bits if image.format == "ushort" else 8
        options["keep"] = "all" if keep_exif else "xmp|iptc|icc|other"  # libvips makes EXIF up where there is none
        encoded: bytes = pyvips.Operation.call(f"{self.operation}save_buffer", image, **options | more)
        return encoded


def starting_with(*signatures: bytes) -> Callable[[bytes], bool]:
    """Recognise files that begin with one of these signatures."""
    return lambda start: start.startswith(signatures)


def with_brand(*brands: bytes) -> Callable[[bytes], bool]:
    """Recognise ISO media files (ISO/IEC 14496-12) that list one of these brands."""
    return lambda start: not brands_of(start).isdisjoint(brands)


def brands_of(start: bytes) -> frozenset[bytes]:
    """Return the four-letter brands of an ISO media file (AVIF, HEIC, MP4) by its first bytes; none for others."""
    if start[4:8] != b"ftyp":
        return frozenset()
    listed = start[8 : int.from_bytes(start[:4], "big")]
    return frozenset(listed[at : at + 4] for at in range(0, len(listed), 4))


# JPEG keeps full colour resolution: painted edges are where half of it shows. AVIF's effort and PNG's filter are the
# fastest that cost about 5 % in size at most.
JPEG = Format(
    "JPEG",
    "jpeg",
    (".jpg", ".jpeg", ".jfif"),
    starting_with(b"\xff\xd8\xff"),
    quality=92,
    options={"subsample_mode": "off", "optimize_coding": True},
    holds_alpha=False,
    holds_cmyk=True,
    side_max=65_500,
)
PNG = Format(
    "PNG",
    "png",
    (".png",),
    starting_with(b"\x89PNG\r\n\x1a\n"),
    bits=16,
    options={"filter": "paeth", "compression": 6},
    several="frames",  # APNG
)
TIFF = Format(
    "TIFF",
    "tiff",
    (".tif", ".tiff"),
    starting_with(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),  # the last two are BigTIFF
    bits=16,
    options={"compression": "deflate", "predictor": "horizontal"},
    holds_cmyk=True,
    several="pages",
    fail_on="error",
)
WEBP = Format(
    "WebP",
    "webp",
    (".webp",),
    lambda start: start[:4] == b"RIFF" and start[8:12] == b"WEBP",
    quality=90,
    several="frames",
    side_max=16_383,
    can_be_lossless=True,
)
AVIF = Format(
    "AVIF",
    "heif",
    (".avif",),
    with_brand(b"avif", b"avis"),
    bits=12,
    quality=65,
    options={"compression": "av1", "effort": 2},
    has_bit_depth=True,
    leaves_low_bits_empty=True,
    side_max=16_384,
    can_be_lossless=True,
)
# The frames of an AVIF sequence are a video track, which libvips does not read.
AVIF_SEQUENCE = Format("AVIF sequence", "heif", (), with_brand(b"avis"), is_written=False, bits=12, library="libav")
GIF = Format("GIF", "gif", (".gif",), starting_with(b"GIF87a", b"GIF89a"), is_written=False)
EXR = Format("EXR", "", (".exr",), starting_with(b"v/1\x01"), bits=16, library="OpenEXR", several="views")
HEIC = Format(
    "HEIC",
    "",
    (".heic", ".heif", ".hif"),
    with_brand(b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"),
    is_written=False,
    bits=12,
    library="libheif",
)
JPEG_XL = Format(
    "JPEG XL", "", (".jxl",), starting_with(b"\xff\x0a", b"\0\0\0\x0cJXL "), is_written=False, library="libjxl"
)
BMP = Format("BMP", "bmp", (".bmp", ".dib"), starting_with(b"BM"), is_written=False, library="libav")
PNM = Format(
    "PNM",  # PBM, PGM, PPM, PAM and PFM; libvips's wheel has no loader for them
    "pnm",
    (".ppm", ".pgm", ".pbm", ".pnm", ".pam", ".pfm"),
    lambda start: start[:1] == b"P" and start[1:2] in b"1234567fF" and start[2:3].isspace(),
    is_written=False,
    bits=16,
    library="numpy",
)

FORMATS = (JPEG, PNG, TIFF, WEBP, AVIF_SEQUENCE, AVIF, EXR, GIF, HEIC, JPEG_XL, BMP, PNM)
WRITABLE = tuple(suffix for known in FORMATS if known.is_written for suffix in known.suffixes)
READABLE = tuple(suffix for known in FORMATS for suffix in known.suffixes)

# Formats that are known but not read, by name.
OTHERS: Mapping[str, Callable[[bytes], bool]] = {
    "JPEG 2000": starting_with(b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51"),
    "Photoshop (PSD)": starting_with(b"8BPS"),
    "PDF": starting_with(b"%PDF"),
    "a raw file of a Fujifilm camera": starting_with(b"FUJIFILMCCD-RAW"),
    "a raw file of a Canon camera": with_brand(b"crx "),
    "SVG": lambda start: b"<svg" in start,
    "an ICO icon": starting_with(b"\0\0\1\0"),
    "QOI": starting_with(b"qoif"),
    "Radiance HDR": starting_with(b"#?RADIANCE", b"#?RGBE"),
    "DirectDraw Surface (DDS)": starting_with(b"DDS "),
    "FITS": starting_with(b"SIMPLE  ="),
    "a video": lambda start: start[4:8] == b"ftyp",
}


def format_with_suffix(suffix: str) -> Format | None:
    """Return the format that is written to files with this suffix, such as ".jpg"; None if there is none."""
    return next((known for known in FORMATS if known.is_written and suffix.lower() in known.suffixes), None)


def has_picture_suffix(name: str) -> bool:
    """Whether a file's name ends as those of pictures that can be read. `._x.jpg`, which macOS writes, is none."""
    return not name.startswith("._") and any(PurePath(name).suffix.lower() in known.suffixes for known in FORMATS)


def recognize(start: bytes) -> Format | str | None:
    """The format of a file by its first `SIGNATURE_BYTES`.

    The mere name of one that is known but cannot be read, None for anything else.
    """
    if found := next((known for known in FORMATS if known.is_start(start)), None):
        return found
    return next((name for name, is_start in OTHERS.items() if is_start(start)), None)
