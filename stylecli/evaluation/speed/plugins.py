"""A frame through the plug-ins that use the spool: the fuse of DaVinci Resolve in LuaJIT, the frei0r filter."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylecli.core.errors import StyleError
from stylecli.editors import connection
from stylecli.editors.frei0r import build
from stylecli.editors.frei0r.library import Frei0rFilter
from stylecli.editors.fusion.host import FusionHost
from stylecli.editors.hosts import resolve
from stylecli.editors.plugin_folders import Machine, PluginFolder

HALF = 7  # of Fusion's depths
FUSE = "Fuses/stylecli/Stylize.fuse"
TIMEOUT = 120  # seconds for a frame
FUSE_NAMES = {  # with the stand-in's quirks, and whether the frame is a new one
    "fuse, half-float EXR, every further frame": ((), True),
    "fuse, half-float EXR, from the cache": ((), False),
    "fuse, raw floats, every further frame": (("exrio_missing",), True),
}
OVER_NETWORK_AIM, CACHE_AIM = 40.0, 15.0  # milliseconds that the fuse may take for a frame; for a painted one
FREI0R = "frei0r filter, every further frame"

Way = Callable[[], float]  # paints a frame; returns the seconds of it that are the stand-in's, not the plug-in's


@contextmanager
def plugin_ways(levels: NDArray[np.uint8], style: str, spool: Path, home: Path) -> Iterator[Mapping[str, Way]]:
    """The ways through the plug-ins that can run here, by name; all use the worker of `spool`.

    levels: a frame (H, W, 3). home: an empty folder, which becomes that of a user with both plug-ins.
    """
    rgba = np.dstack([levels, np.full(levels.shape[:2], 255, np.uint8)])
    ways: dict[str, Way] = {}
    if os.name == "posix" and importlib.util.find_spec("lupa"):
        _connect("resolve", spool, home)
        floats = (rgba / 255).astype(np.float32)
        for name, (quirks, is_new) in FUSE_NAMES.items():
            ways[name] = _fuse(floats, style, quirks, home, is_new=is_new)
    if sys.platform != "linux" or not build.find_compiler(os.environ):
        yield ways
        return
    _connect("frei0r", spool, home)
    build.build(home / build.LIBRARY)
    with Frei0rFilter(home / build.LIBRARY, rgba.shape[1], rgba.shape[0]) as loaded:
        loaded.set(style=style, steady=0.0, timeout=str(TIMEOUT))
        yield {**ways, FREI0R: lambda: _through_filter(loaded, rgba, home)}


def _connect(host: str, spool: Path, home: Path) -> None:
    """A connection whose folder of jobs is `spool`, where a worker runs."""
    there = connection.connection(host, Machine(home=home))
    connection.connect(there, PluginFolder(host, home), [sys.executable, "-m", "stylecli"], results=str(home))
    there.spool.rmdir()
    there.spool.symlink_to(spool)


def _fuse(frame: NDArray[np.float32], style: str, quirks: tuple[str, ...], home: Path, *, is_new: bool) -> Way:
    node = FusionHost(resolve.files()[FUSE].decode(), quirks=quirks, environment={"HOME": str(home)})
    node.set(Style=style, Steady=0, Timeout=TIMEOUT)
    changing = frame.copy()

    def way() -> float:
        if is_new:
            changing[0, 1, :3] = np.random.default_rng().random(3)  # not one of the five pixels that are compared
        before = node.own_seconds
        _checked(node.process(changing, depth=HALF), node.printed)
        return node.own_seconds - before

    return way


def _through_filter(loaded: Frei0rFilter, frame: NDArray[np.uint8], home: Path) -> float:
    known = os.environ.get("HOME")
    os.environ["HOME"] = str(home)  # the filter looks for stylecli below it
    try:
        painted = loaded.update(frame)
    finally:
        if known is None:
            del os.environ["HOME"]
        else:
            os.environ["HOME"] = known
    _checked(painted if (painted != frame).any() else None, ["the reason is printed above"])
    return 0.0


def _checked(painted: Any, said: list[str]) -> None:
    if painted is None:
        raise StyleError(f"a plug-in failed: {'; '.join(said)}", hint="Measure without `doors`.")
