"""Neural style transfer for pictures and videos.

Files: `stylize_image` and `stylize_video` keep everything else that a file holds, such as the metadata and the colour
profile of a picture, or the sound and the timestamps of a video.

    import stylecli

    stylecli.stylize_image("photo.jpg", "painted.jpg", "great-wave")
    stylecli.stylize_video("clip.mp4", "painted.mp4", "starry-night")

Arrays: a style is a function from picture to picture, (H, W, 3), sRGB-encoded RGB, uint8, uint16 or float32 in 0..1.

>>> import numpy as np
>>> import stylecli
>>> picture = np.full((48, 64, 3), 128, np.uint8)
>>> with stylecli.load_style("great-wave", device="cpu") as style:
...     stylized = style(picture, strength=0.7)
>>> stylized.shape, stylized.dtype
((48, 64, 3), dtype('uint8'))

Several pictures: open the style once.

    with stylecli.load_style("great-wave") as style:
        for photo in Path("photos").glob("*.jpg"):
            stylecli.stylize_image(photo, f"out/{photo.name}", style, look=stylecli.Look(strength=0.7))

Styles: `list_styles` returns the installed ones. A blend is a style too: `load_style("great-wave:0.6+stables:0.4")`.

>>> "great-wave" in [pack.name for pack in stylecli.list_styles()]
True

Classes, each with a page such as `help(stylecli.Look)`:

    Look            how a style is applied: strength, colours, mask, stroke size
    Style           an open style: a function, to be closed
    StylePack       a style's folder and its card
    VideoOptions    range, sound, rate and colours of a video
    EncoderOptions  codec, quality and preset of a video
    VideoResult     what was written: size, frames, messages
    Step            what a `progress` callback hears

Errors: every fault that the caller can cause or cure raises a `StyleError`, whose `hint` says what to do. Any other
exception is a defect in stylecli.

    UsageError        the call makes no sense, or the output exists
    PackError         a style is unknown, damaged or unsafe
    MediaError        a picture or video cannot be read or written
    DeviceError       a device is not there, or ran out of memory
    ItemsFailedError  some of many items failed, the others are done
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

# onnxruntime 1.29 and newer collect telemetry: they write a device id and a database into the user's cache and look up
# a host to send them to. Only this variable, set before the import, stops that. A value set by the user stays.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
# Names that are imported on first use, since they need numpy, onnxruntime or PyAV, and their modules.
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
_ALIASES = ("Device", "Notice", "Progress")  # names of types that are no classes


def __getattr__(name: str) -> Any:
    """Load a public name on first use."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_LAZY[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List what `help(stylecli)` shows: no classes, since it would show all that each inherits, 1000 lines."""
    return [name for name in __all__ if not name[0].isupper() or name in _ALIASES]
