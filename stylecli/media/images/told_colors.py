"""Colours that a file tells otherwise than by an ICC profile: cICP, gAMA and cHRM in PNG, nclx in AVIF."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from stylecli.media.images.coding_points import (
    D65,
    HIGH_RANGE,
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
class ToldColors:
    """profile: an ICC profile of the same space, None for sRGB. chunks: of a PNG, to be copied to another.

    light: where the numbers are PQ or HLG, the H.273 code points of primaries and transfer.
    """

    profile: bytes | None = None
    chunks: tuple[Chunk, ...] = ()
    light: tuple[int, int] | None = None


def told_colors(data: bytes) -> ToldColors:
    """What the bytes of a PNG or AVIF file tell of their colours; sRGB where they tell nothing."""
    if data.startswith(SIGNATURE):
        return _of_png(data)
    at = data.find(b"colrnclx", 0, AVIF_HEAD_BYTES) if data[4:8] == b"ftyp" else -1
    if at < 0 or at + 12 > len(data):
        return ToldColors()
    return _of_codes(*struct.unpack_from(">HH", data, at + 8))


def _of_png(data: bytes) -> ToldColors:
    """The strongest of its chunks counts: cICP, then iCCP (which libvips reads), sRGB, gAMA with cHRM."""
    found = dict(chunk for chunk in chunks_of(data) if chunk[0] in (b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM"))
    if len(code := found.get(b"cICP", b"")) == 4:
        told = _of_codes(code[0], code[1])
        return ToldColors(told.profile, ((b"cICP", code),), told.light)
    if b"iCCP" in found or b"sRGB" in found or not {b"gAMA", b"cHRM"} & found.keys():
        return ToldColors()
    points, white = SRGB_PRIMARIES, D65
    if len(found.get(b"cHRM", b"")) == 32:
        numbers = [number / 100_000 for number in struct.unpack(">8I", found[b"cHRM"])]
        told_points = [(numbers[at], numbers[at + 1]) for at in range(0, 8, 2)]
        if all(y > 0 for _, y in told_points):
            white, points = told_points[0], (told_points[1], told_points[2], told_points[3])
    own = zip((white, *points), (D65, *SRGB_PRIMARIES), strict=True)
    is_srgb = all(abs(a - b) < CHROMATICITY_TOLERANCE for one, other in own for a, b in zip(one, other, strict=True))
    gamma = int.from_bytes(found.get(b"gAMA", b"")[:4], "big") / 100_000
    is_usual = gamma <= 0 or abs(gamma - 1 / 2.2) < GAMMA_TOLERANCE
    if is_srgb and is_usual:
        return ToldColors()
    curve: tuple[float, ...] = SRGB_CURVE if gamma <= 0 else (1 / gamma,)
    chunks = tuple((kind, found[kind]) for kind in (b"gAMA", b"cHRM") if kind in found)
    return ToldColors(icc_of(ColorSpace(points, curve, white)), chunks)


def _of_codes(primaries: int, transfer: int) -> ToldColors:
    if transfer in HIGH_RANGE:
        return ToldColors(light=(primaries, transfer))
    space = space_of_codes(primaries, transfer)
    return ToldColors(icc_of(space) if space else None)
