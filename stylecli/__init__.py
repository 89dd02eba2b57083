"""Neural style transfer for pictures and videos.

>>> from stylecli import load_style
>>> style = load_style("great-wave")
>>> stylized = style(picture, strength=0.7)
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from stylecli.core.errors import DeviceError, ItemsFailedError, MediaError, PackError, StyleError, UsageError
from stylecli.core.version import __version__

if TYPE_CHECKING:
    from stylecli.stylize.style import Style, load_style

__all__ = [
    "DeviceError",
    "ItemsFailedError",
    "MediaError",
    "PackError",
    "Style",
    "StyleError",
    "UsageError",
    "__version__",
    "load_style",
]

# onnxruntime 1.29 and newer write a device id and a database into the user's cache, and look a host up to send them.
# Only the environment before its import stops that. A value that the user has set stays.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")


def __getattr__(name: str) -> Any:
    """Load numpy and onnxruntime only when a style is asked for."""
    if name in {"Style", "load_style"}:
        from stylecli.stylize import style

        return getattr(style, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
