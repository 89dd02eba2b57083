"""How raw pixels lie in memory: the types, colours and alpha that hosts may choose. Needs no numpy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from stylecli.core.errors import UsageError

Pixel = Literal["rgba8", "rgba16", "rgba16f", "rgba32f"]
Color = Literal["srgb", "linear"]  # sRGB-encoded, or linear light with sRGB's primaries
Alpha = Literal["straight", "premultiplied", "ignore"]

PROTOCOL = 1  # of `stylecli pipe`
SAMPLES: dict[str, str] = {"rgba8": "<u1", "rgba16": "<u2", "rgba16f": "<f2", "rgba32f": "<f4"}  # types of numpy
CHANNELS = 4
PIXELS_MAX = 2**28  # a frame of rgba8 is then 1 GiB; a wrong number must not ask for all memory


@dataclass(frozen=True)
class Layout:
    """How raw pixels lie in memory: rows from the top, no gaps, R, G, B, A, little-endian.

    pixel: the type of the samples. color: what they mean. alpha: whether colours were multiplied by it; with "ignore"
    the fourth sample is no alpha and stays as it is.

    Raises:
        UsageError: no pixels, too many, or an unknown name.
    """

    width: int
    height: int
    pixel: Pixel = "rgba8"
    color: Color = "srgb"
    alpha: Alpha = "straight"

    def __post_init__(self) -> None:
        for value, known in ((self.pixel, Pixel), (self.color, Color), (self.alpha, Alpha)):
            if value not in get_args(known):
                raise UsageError(f"{value!r}: no such kind of pixels", hint=f"Give {', '.join(get_args(known))}.")
        if self.width < 1 or self.height < 1:
            raise UsageError(f"{self.width} x {self.height}: no pixels", hint="Width and height are 1 or more.")
        if self.width * self.height > PIXELS_MAX:
            raise UsageError(
                f"{self.width} x {self.height}: too many pixels",
                hint=f"At most {PIXELS_MAX // 10**6} megapixels are taken at once: make the picture smaller.",
            )

    @property
    def size(self) -> int:
        """Bytes of a picture."""
        return self.width * self.height * CHANNELS * int(SAMPLES[self.pixel][-1])
