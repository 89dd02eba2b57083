"""Neural style transfer for pictures and videos.

A style is a function from picture to picture. Pictures are arrays (H, W, 3) of sRGB-encoded RGB:

>>> import numpy as np
>>> import stylecli
>>> picture = np.full((48, 64, 3), 128, np.uint8)
>>> with stylecli.load_style("great-wave", device="cpu") as style:
...     stylized = style(picture, strength=0.7)
>>> stylized.shape, stylized.dtype
((48, 64, 3), dtype('uint8'))

Files keep what else they hold, such as transparency, colour profile and metadata of a picture, and the sound of a
video: see `stylize_image` and `stylize_video`. `list_styles` gives the installed styles:

>>> "great-wave" in [pack.name for pack in stylecli.list_styles()]
True

Every fault that a caller can cause or cure is a `StyleError`; its `hint` says what to do.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

from stylecli.core.errors import DeviceError, ItemsFailedError, MediaError, PackError, StyleError, UsageError
from stylecli.core.progress import Notice, Progress, Step
from stylecli.core.version import __version__

if TYPE_CHECKING:
    from stylecli.inference.sessions import Device
    from stylecli.media.video.plan import VideoOptions, VideoResult
    from stylecli.media.video.writing.codecs import EncoderOptions
    from stylecli.packs.pack import StylePack
    from stylecli.packs.shelves import list_styles
    from stylecli.stylize.look import Look
    from stylecli.stylize.style import Style, load_style, stylize_image, stylize_video

__all__ = [
    "Device",
    "DeviceError",
    "EncoderOptions",
    "ItemsFailedError",
    "Look",
    "MediaError",
    "Notice",
    "PackError",
    "Progress",
    "Step",
    "Style",
    "StyleError",
    "StylePack",
    "UsageError",
    "VideoOptions",
    "VideoResult",
    "__version__",
    "list_styles",
    "load_style",
    "stylize_image",
    "stylize_video",
]

# onnxruntime 1.29 and newer write a device id and a database into the user's cache, and look a host up to send them.
# Only the environment before its import stops that. A value that the user has set stays.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
# Names that are loaded on first use, since they need numpy, onnxruntime or PyAV: name -> its module.
_LAZY = {
    "Device": "stylecli.inference.sessions",
    "EncoderOptions": "stylecli.media.video.writing.codecs",
    "Look": "stylecli.stylize.look",
    "Style": "stylecli.stylize.style",
    "StylePack": "stylecli.packs.pack",
    "VideoOptions": "stylecli.media.video.plan",
    "VideoResult": "stylecli.media.video.plan",
    "list_styles": "stylecli.packs.shelves",
    "load_style": "stylecli.stylize.style",
    "stylize_image": "stylecli.stylize.style",
    "stylize_video": "stylecli.stylize.style",
}


def __getattr__(name: str) -> Any:
    """Load a public name on first use."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_LAZY[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the lazy names too: `help(stylecli)` and completion find them."""
    return sorted({*globals(), *__all__})
