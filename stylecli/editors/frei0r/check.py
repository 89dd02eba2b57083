"""Paint by the installed frei0r filter, in this process and by ffmpeg, and compare with the pixels of stylecli."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stylecli.core.errors import UsageError
from stylecli.editors.frei0r.library import Frei0rFilter
from stylecli.editors.host import Check
from stylecli.inference.engine import Engine
from stylecli.packs.pack import StylePack
from stylecli.packs.shelves import list_styles
from stylecli.stylize.look import Look
from stylecli.stylize.painting import paint

WIDTH, HEIGHT = 320, 180
PATIENCE = 180.0  # seconds for ffmpeg: the filter itself waits two minutes at most

Frame = NDArray[np.uint8]  # (H, W, 4)


def check_filter(library: Path) -> Iterator[Check]:
    """Try the filter as it is, and in the ffmpeg of this machine if that has frei0r.

    Raises:
        UsageError: it is not installed there, or there is no style.
    """
    if not library.is_file():
        raise UsageError(f"{library}: the plug-in is not installed there", hint="stylecli plugins install frei0r")
    packs = list_styles(None)
    if not packs:
        raise UsageError("no style is installed", hint="Add one: stylecli styles add FOLDER")
    ramp = np.linspace(0, 255, WIDTH * HEIGHT * 3).astype(np.uint8).reshape(HEIGHT, WIDTH, 3)
    frame = np.dstack([ramp, np.full((HEIGHT, WIDTH), 255, np.uint8)])

    def by_library() -> Frame:
        with Frei0rFilter(library, WIDTH, HEIGHT) as loaded:
            loaded.set(style=packs[0].name, steady=0.0, on_error="mark")
            return loaded.update(frame)

    yield _check("the filter", by_library, frame, packs[0])
    if ffmpeg := find_ffmpeg():
        yield _check("ffmpeg", lambda: _by_ffmpeg(ffmpeg, library, packs[0].name, frame), frame, packs[0])


def find_ffmpeg() -> str:
    """The ffmpeg of this machine, if it was built with frei0r; else empty."""
    program = shutil.which("ffmpeg")
    if not program:
        return ""
    filters = subprocess.run([program, "-hide_banner", "-filters"], capture_output=True, text=True, check=False).stdout
    return program if " frei0r " in filters else ""


def _by_ffmpeg(program: str, library: Path, style: str, frame: Frame) -> Frame:
    size = f"{WIDTH}x{HEIGHT}"
    raw = ["-f", "rawvideo", "-pix_fmt", "rgba"]
    effect = f"frei0r=filter_name={library.stem}:filter_params='{style}|1|auto|n||n|n|stop'"
    command = [program, "-v", "error", *raw, "-s", size, "-i", "-", "-vf", effect, *raw, "-"]
    environment = {**os.environ, "FREI0R_PATH": str(library.parent)}
    done = subprocess.run(
        command, input=frame.tobytes(), capture_output=True, check=False, timeout=PATIENCE, env=environment
    )
    if len(done.stdout) != frame.size:
        raise ValueError(done.stderr.decode(errors="replace").strip().splitlines()[-1:])
    return np.frombuffer(done.stdout, np.uint8).reshape(frame.shape)


def _check(topic: str, way: Callable[[], Frame], frame: Frame, pack: StylePack) -> Check:
    try:
        painted = way()
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        return Check(topic, False, str(error))
    with Engine(pack) as engine:
        expected = paint(engine, np.ascontiguousarray(frame[..., :3]), Look())
    if not np.array_equal(painted[..., :3], expected):
        return Check(topic, False, "its pixels are not those of stylecli; the reason is printed above if it knows one")
    return Check(topic, True, f"the pixels of stylecli ({pack.name}, {WIDTH} x {HEIGHT})")
