"""Run the installed fuse in LuaJIT against the real worker, and compare its frames with those of stylecli."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from stylecli.core.errors import StyleError, UsageError
from stylecli.editors.fusion.host import FusionHost
from stylecli.editors.host import Check
from stylecli.editors.plugin_folders import PluginFolder
from stylecli.editors.raw_pixels import repainted
from stylecli.inference.engine import Engine
from stylecli.packs.shelves import find_style
from stylecli.stylize.look import Look
from stylecli.stylize.painting import paint

FUSE = "Fuses/stylecli/Stylize.fuse"
WAYS = {"OpenEXR": (), "PNG": ("exrio_missing",), "raw pixels": ("exrio_missing", "putframe_false")}
DEPTHS = {"OpenEXR": 8, "PNG": 5, "raw pixels": 8}
WIDTH, HEIGHT = 320, 180
TOLERANCE = 1.01 / 255  # a value between two levels may become either


def check_fuse(place: PluginFolder) -> Iterator[Check]:
    """Try every way in which the fuse hands frames over.

    Raises:
        UsageError: LuaJIT is missing, or the plug-in is not installed there.
    """
    fuse = place.folder / FUSE
    if not fuse.is_file():
        raise UsageError(f"{place.folder}: the plug-in is not installed there", hint="stylecli plugins install resolve")
    text = fuse.read_text(encoding="utf-8")
    ramp = np.linspace(0, 1, WIDTH * HEIGHT * 3, dtype=np.float32).reshape(HEIGHT, WIDTH, 3)
    frame = np.concatenate([np.rint(ramp * 255) / 255, np.ones((HEIGHT, WIDTH, 1))], axis=-1).astype(np.float32)
    for way, quirks in WAYS.items():
        try:
            yield _check(way, FusionHost(text, quirks=quirks), frame, DEPTHS[way])
        except StyleError:
            raise
        except Exception as error:  # LuaError: the package that has it may be missing
            yield Check(way, False, str(error).splitlines()[0])


def _check(way: str, node: FusionHost, frame: np.ndarray[tuple[int, ...], np.dtype[np.float32]], depth: int) -> Check:
    styles = node.choices("Style")
    if not styles:
        return Check(way, False, node.press("Refresh") or "no style is installed")
    style = styles[0]
    node.set(Style=style, Steady=0)
    painted = node.process(frame, depth=depth)
    if painted is None:
        return Check(way, False, "; ".join(node.printed))
    with Engine(find_style(style)) as engine:
        expected = repainted(frame, "srgb", "premultiplied", lambda pixels: paint(engine, pixels, Look()))
    worst = float(np.abs(painted - expected).max())
    if worst > TOLERANCE:
        return Check(way, False, f"its pixels differ from those of stylecli by {worst:.3f}")
    return Check(way, True, f"the pixels of stylecli ({style}, {WIDTH} x {HEIGHT})")
