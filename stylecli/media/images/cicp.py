"""Coding-independent code points (CICP, ITU-T H.273) of colour spaces, as in PNG and AVIF, and their ICC profiles."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

D65 = (0.3127, 0.3290)
D50_XYZ = np.array([0.9642, 1.0, 0.8249])  # of ICC's connection space
SRGB_PRIMARIES = ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060))
# H.273, table 2: red, green, blue as (x, y); all have white D65.
PRIMARIES = {
    1: SRGB_PRIMARIES,
    5: ((0.640, 0.330), (0.290, 0.600), (0.150, 0.060)),
    6: ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070)),
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
}
# H.273, table 3, as ICC's parametric curve of type 3: g, a, b, c, d (ICC.1:2022, 10.18).
SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
BT709_CURVE = (1 / 0.45, 1 / 1.099, 0.099 / 1.099, 1 / 4.5, 0.081)
CURVES: dict[int, tuple[float, ...]] = {
    1: BT709_CURVE,
    4: (2.2,),
    5: (2.8,),
    6: BT709_CURVE,
    8: (1.0,),
    13: SRGB_CURVE,
    14: BT709_CURVE,
    15: BT709_CURVE,
}
HDR_TRANSFERS = {16: "PQ", 18: "HLG"}
UNSPECIFIED = 2
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


@dataclass(frozen=True)
class ColorSpace:
    """An RGB space: primaries and white as CIE (x, y), and ICC's parametric curve from values to light."""

    primaries: tuple[tuple[float, float], ...]
    curve: tuple[float, ...]
    white: tuple[float, float] = D65


def space_of_codes(primaries: int, transfer: int) -> ColorSpace | None:
    """Return the space of two code points; None for sRGB, unspecified and unknown ones."""
    if primaries == UNSPECIFIED and transfer == UNSPECIFIED:
        return None
    points = PRIMARIES.get(1 if primaries == UNSPECIFIED else primaries)
    curve = CURVES.get(13 if transfer == UNSPECIFIED else transfer)
    if points is None or curve is None or (points, curve) == (SRGB_PRIMARIES, SRGB_CURVE):
        return None
    return ColorSpace(points, curve)


def icc_of_codes(primaries: int, transfer: int) -> bytes | None:
    """Return the ICC profile of the space of two code points; None as `space_of_codes`."""
    space = space_of_codes(primaries, transfer)
    return icc_of(space) if space else None


def icc_of(space: ColorSpace) -> bytes:
    """Make an ICC profile (version 4.3, matrix and curves) of a colour space."""
    columns = _adapted(_to_xyz(space), space.white)
    curve = _curve(space.curve)
    tags = {
        b"desc": _text("RGB"),
        b"cprt": _text("CC0"),
        b"wtpt": _xyz(D50_XYZ),
        b"rXYZ": _xyz(columns[:, 0]),
        b"gXYZ": _xyz(columns[:, 1]),
        b"bXYZ": _xyz(columns[:, 2]),
        b"rTRC": curve,
        b"gTRC": curve,
        b"bTRC": curve,
    }
    at = 128 + 4 + 12 * len(tags)
    table, data = struct.pack(">I", len(tags)), b""
    for name, value in tags.items():
        table += name + struct.pack(">II", at + len(data), len(value))
        data += value.ljust(-(-len(value) // 4) * 4, b"\0")
    size = 128 + len(table) + len(data)
    head = struct.pack(">I4xI", size, 0x04300000) + b"mntrRGB XYZ " + struct.pack(">6H", 2000, 1, 1, 0, 0, 0)
    head += b"acsp" + bytes(28) + _numbers(D50_XYZ)
    return head.ljust(128, b"\0") + table + data


def _to_xyz(space: ColorSpace) -> NDArray[np.float64]:
    """Return the matrix (3, 3) from linear RGB to XYZ, whose columns are the primaries; white has luminance 1."""
    unit = np.array([[x / y, 1, (1 - x - y) / y] for x, y in space.primaries]).T
    x, y = space.white
    scaled: NDArray[np.float64] = unit * np.linalg.solve(unit, [x / y, 1, (1 - x - y) / y])
    return scaled


def _adapted(columns: NDArray[np.float64], white: tuple[float, float]) -> NDArray[np.float64]:
    """Adapt XYZ columns (3, 3) from a white (x, y) to D50, ICC's white, by the Bradford transform."""
    x, y = white
    gains = (BRADFORD @ D50_XYZ) / (BRADFORD @ np.array([x / y, 1, (1 - x - y) / y]))
    adapted: NDArray[np.float64] = np.linalg.inv(BRADFORD) @ (gains[:, None] * (BRADFORD @ columns))
    return adapted


def _numbers(values: NDArray[np.float64] | tuple[float, ...]) -> bytes:
    return struct.pack(f">{len(values)}i", *(round(float(value) * 65536) for value in values))


def _xyz(value: NDArray[np.float64]) -> bytes:
    return b"XYZ \0\0\0\0" + _numbers(value)


def _curve(parameters: tuple[float, ...]) -> bytes:
    kind = 0 if len(parameters) == 1 else 3
    return b"para\0\0\0\0" + struct.pack(">HH", kind, 0) + _numbers(parameters)


def _text(text: str) -> bytes:
    encoded = text.encode("utf-16-be")
    return b"mluc\0\0\0\0" + struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(encoded), 28) + encoded
