"""How a style is applied: strength, stroke size, the photo's own colours, a mask, what lies under it.

This module imports no numpy, so that the command line reads its defaults from here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from stylecli.core.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Brush = float | Literal["auto", "native"]

# Pixels: `auto` works on at most this, so that a 4K picture and its proxy look alike. Of 16 unlabelled pairs of
# pictures, painted at 720 and at 1080, all looked more like a painting at 720, and 11 were preferred.
AUTO_SHORT_SIDE = 720
BRUSH_RANGE = (0.25, 16.0)
FILL_MAX = 2.0
DETAIL_MAX = 1.0
FLOW_MAX = 1.0


@dataclass(frozen=True)
class Look:
    """How a style is applied.

    strength: 0 gives the photo's own pixels, 1 the network's.
    preserve_color: brightness from the network, colour from the photo.
    mask: (H, W) in 0..1, 1 where the style is wanted; any size, it is stretched over the picture.
    brush: stroke size; the network works at 1/brush of the picture's size. "native" is 1; "auto" works at a short side
        of at most 720 pixels.
    over: (H, W, 3) in 0..1, sRGB-encoded; shows where nothing is painted, instead of the photo; any size, it is
        stretched over the picture. The result of another style gives two styles in one picture, each with its mask.
    fill: brush strokes in empty areas such as a clear sky (`stylize.filling`), 0 to 2; 0: none; None: as the style
        says. Frames of a scene get none: they would stand still while the picture moves.
    detail: fine brush strokes where the photo has detail (`stylize.detailing`), 0 to 1; 0: none; None: as the style
        says, but none in frames of a scene: a small frame takes five times as long.
    flow: how far brush strokes are drawn out along the shapes (`inference.flow`), 0 to 1; 0: none; None: as the style
        says.

    Raises:
        UsageError: a value is out of its range.

    >>> Look(strength=0.5).brush
    'auto'
    """

    strength: float = 1.0
    preserve_color: bool = False
    mask: NDArray[np.float32] | None = None
    brush: Brush = "auto"
    over: NDArray[np.float32] | None = None
    fill: float | None = None
    detail: float | None = None
    flow: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.strength <= 1:
            raise UsageError(f"strength {self.strength:g}: out of range", hint="Give 0 (the photo) to 1 (the style).")
        low, high = BRUSH_RANGE
        if not isinstance(self.brush, str) and not low <= self.brush <= high:
            raise UsageError(f"brush {self.brush:g}: out of range", hint=f"Give auto, native, or {low:g} to {high:g}.")
        if self.fill is not None and not 0 <= self.fill <= FILL_MAX:
            raise UsageError(f"fill {self.fill:g}: out of range", hint=f"Give 0 (none) to {FILL_MAX:g}.")
        if self.detail is not None and not 0 <= self.detail <= DETAIL_MAX:
            raise UsageError(f"detail {self.detail:g}: out of range", hint=f"Give 0 (none) to {DETAIL_MAX:g}.")
        if self.flow is not None and not 0 <= self.flow <= FLOW_MAX:
            raise UsageError(f"flow {self.flow:g}: out of range", hint=f"Give 0 (none) to {FLOW_MAX:g}.")

    def of_frames(self) -> Look:
        """Return the look of the frames of a scene: without strokes in empty areas, and fine ones only if asked for."""
        return replace(self, fill=0.0, detail=self.detail or 0.0)
