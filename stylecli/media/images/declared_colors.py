"""The colour space that a file declares without an ICC profile: cICP, gAMA and cHRM in PNG, nclx in AVIF."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from stylecli.media.images.cicp import (
    D65,
    HDR_TRANSFERS,
    SRGB_CURVE,
    SRGB_PRIMARIES,
    ColorSpace,
    icc_of,
    space_of_codes,
)
from stylecli.media.images.metadata.png import SIGNATURE, Chunk, chunks_of

GAMMA_TOLERANCE = 0.02  # 1 / 2.2 is what sRGB files say; their curve is sRGB's
CHROMATICITY_TOLERANCE = 0.002
AVIF_HEAD_BYTES = 1 << 16  # in which the properties of a picture stand


@dataclass(frozen=True)
class DeclaredColors:
    """The declared colour space.

    profile: an ICC profile of the same space, None for sRGB. chunks: of a PNG, to be copied to another. light: for PQ
    and HLG, the H.273 code points of primaries and transfer.
    """

    profile: bytes | None = None
    chunks: tuple[Chunk, ...] = ()
    light: tuple[int, int] | None = None


def declared_colors(data: bytes) -> DeclaredColors:
    """Read the colour space that the bytes of a PNG or AVIF file declare; sRGB if they declare none."""
    if data.startswith(SIGNATURE):
        return _of_png(data)
    at = data.find(b"colrnclx", 0, AVIF_HEAD_BYTES) if data[4:8] == b"ftyp" else -1
    if at < 0 or at + 12 > len(data):
        return DeclaredColors()
    return _of_codes(*struct.unpack_from(">HH", data, at + 8))


def _of_png(data: bytes) -> DeclaredColors:
    """Read the chunks of a PNG by their precedence: cICP, iCCP (which libvips reads), sRGB, gAMA with cHRM."""
    found = dict(chunk for chunk in chunks_of(data) if chunk[0] in (b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM"))
    if len(code := found.get(b"cICP", b"")) == 4:
        declared = _of_codes(code[0], code[1])
        return DeclaredColors(declared.profile, ((b"cICP", code),), declared.light)
    if b"iCCP" in found or b"sRGB" in found or not {b"gAMA", b"cHRM"} & found.keys():
        return DeclaredColors()
    points, white = SRGB_PRIMARIES, D65
    if len(found.get(b"cHRM", b"")) == 32:
        numbers = [number / 100_000 for number in struct.unpack(">8I", found[b"cHRM"])]
        points_found = [(numbers[at], numbers[at + 1]) for at in range(0, 8, 2)]
        if all(y > 0 for _, y in points_found):
            white, points = points_found[0], (points_found[1], points_found[2], points_found[3])
    own = zip((white, *points), (D65, *SRGB_PRIMARIES), strict=True)
    is_srgb = all(abs(a - b) < CHROMATICITY_TOLERANCE for one, other in own for a, b in zip(one, other, strict=True))
    gamma = int.from_bytes(found.get(b"gAMA", b"")[:4], "big") / 100_000
    is_usual = gamma <= 0 or abs(gamma - 1 / 2.2) < GAMMA_TOLERANCE
    if is_srgb and is_usual:
        return DeclaredColors()
    curve: tuple[float, ...] = SRGB_CURVE if gamma <= 0 else (1 / gamma,)
    chunks = tuple((kind, found[kind]) for kind in (b"gAMA", b"cHRM") if kind in found)
    return DeclaredColors(icc_of(ColorSpace(points, curve, white)), chunks)


def _of_codes(primaries: int, transfer: int) -> DeclaredColors:
    if transfer in HDR_TRANSFERS:
        return DeclaredColors(light=(primaries, transfer))
    space = space_of_codes(primaries, transfer)
    return DeclaredColors(icc_of(space) if space else None)
