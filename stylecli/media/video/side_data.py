"""What comes along with a decoded frame: its side data, and of it the display matrix, as the turn that it asks for."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from av import VideoFrame
    from numpy.typing import NDArray

_SLANT = 0.01  # tangent of an angle that nobody sees


@dataclass(frozen=True)
class Turn:
    """How coded pixels are brought upright: first swap rows and columns, then mirror.

    is_rounded: the file asks for another angle, and this is the nearest one.
    """

    swaps_sides: bool = False
    flips_rows: bool = False
    flips_columns: bool = False
    is_rounded: bool = False

    def apply(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """The upright pixels (height, width, 3) or (height, width), contiguous."""
        import numpy as np

        # A pixel moved as one unit moves three times as fast.
        units = pixels.view(f"V{pixels.itemsize * 3}")[..., 0] if pixels.ndim == 3 else pixels  # (height, width)
        upright = units.T if self.swaps_sides else units
        upright = upright[:: -1 if self.flips_rows else 1, :: -1 if self.flips_columns else 1]
        contiguous = np.ascontiguousarray(upright)
        return contiguous[..., None].view(pixels.dtype) if pixels.ndim == 3 else contiguous


def turn_of(frame: VideoFrame) -> Turn:
    """The display matrix in steps of 90 degrees, mirrors included."""
    matrix = side_data_of(frame).get("DISPLAYMATRIX")
    if matrix is None:
        return Turn()
    a, b, _, c, d, *_ = struct.unpack("=9i", matrix)  # x' = a x + c y, y' = b x + d y (libavutil/display.h)
    along, across = abs(a) + abs(d), abs(b) + abs(c)
    is_rounded = min(along, across) > _SLANT * max(along, across)
    if along >= across:
        return Turn(flips_rows=d < 0, flips_columns=a < 0, is_rounded=is_rounded)
    return Turn(swaps_sides=True, flips_rows=b < 0, flips_columns=c < 0, is_rounded=is_rounded)


def side_data_of(frame: VideoFrame) -> Mapping[str, bytes]:
    """The side data of a frame by libav's names of its kinds."""
    return {name: bytes(entry) for name, entry in _entries(frame)}


def side_data_names(frame: VideoFrame) -> set[str]:
    """Libav's names of the kinds of side data that come along with a frame."""
    return {name for name, _ in _entries(frame)}


def _entries(frame: VideoFrame) -> Iterator[tuple[str, Any]]:
    """Name and data of each kind once. Iterated, the collection gives data in PyAV 18 and kinds in PyAV 19.

    By number, PyAV 19 gives one of several alike twice and leaves out the last.
    """
    _name_unknown_kinds()
    found: Any = frame.side_data
    for entry in found:
        data = entry if hasattr(entry, "type") else found[entry]
        yield data.type.name, data


@cache
def _name_unknown_kinds() -> None:
    """Name kinds that PyAV does not know: of a frame that has one, such as Exif, PyAV 18 gives no side data at all."""
    from av.sidedata.sidedata import Type

    def unknown(kinds: Any, value: int) -> Any:
        kind = object.__new__(kinds)
        kind._name_, kind._value_ = f"UNKNOWN_{value}", value
        return kind

    Type._missing_ = classmethod(unknown)  # type: ignore[assignment]
