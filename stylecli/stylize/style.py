"""The Python API: a style as a function from picture to picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from stylecli.inference.engine import Device, Engine
from stylecli.packs.shelves import find_style
from stylecli.stylize.look import Brush, Look, paint


class Style:
    """A style that was opened on a device: `style(picture, strength=0.7)`. Close it, or use it in a `with`."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @property
    def name(self) -> str:
        """The style's name, as in `stylecli styles list`."""
        return self.engine.name

    @property
    def device(self) -> str:
        """The device that runs it: cpu, cuda or coreml."""
        return self.engine.device

    def __call__(
        self,
        picture: NDArray[Any],
        *,
        strength: float = 1.0,
        preserve_color: bool = False,
        mask: NDArray[np.float32] | None = None,
        brush: Brush = "auto",
    ) -> NDArray[Any]:
        """Stylize a picture: (H, W, 3), sRGB-encoded RGB, uint8, uint16 or float32 in 0..1; same shape and type.

        The options are those of `Look`.

        Raises:
            UsageError: an option out of its range.
            DeviceError: out of memory.
        """
        return paint(self.engine, picture, Look(strength, preserve_color, mask, brush))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the network's memory."""
        self.engine.close()


def load_style(name: str, *, device: Device = "auto", styles_dir: Path | None = None) -> Style:
    """Open a style by its name, or by the path of its folder.

    Raises:
        PackError: it is unknown (the message names close ones) or damaged.
        DeviceError: the device asked for does not work.
    """
    return Style(Engine(find_style(name, styles_dir), device=device))
