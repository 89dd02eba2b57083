"""A strict host for one fuse: real LuaJIT, the documented names of Fusion alone, real files. Not Resolve itself."""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from stylecli.core.errors import UsageError
from stylecli.media.linear_light import as_samples

HERE = Path(__file__).parent
LEVELS = {5: 255, 6: 65535}  # of Fusion's depths; 7 is half float, 8 is float
HALF = 7
CHANNELS = "RGBA"

Result = TypeVar("Result")


class FusionHost:
    """A node of a fuse.

    own_seconds: what its images and files have taken so far, which are Fusion's own in Fusion. quirks: faults of hosts
    that users have met, by name (`host.lua` has them). system: as LuaJIT's `jit.os` names it; "Windows" refuses what
    io.open refuses there, and starts no program.

    Raises:
        UsageError: the package `lupa`, which is LuaJIT, is not installed.
        LuaError: the fuse is wrong, or uses a name that is not documented.
    """

    def __init__(
        self,
        text: str,
        *,
        quirks: Collection[str] = (),
        system: str = "Linux",
        environment: Mapping[str, str] | None = None,
        node_name: str = "Stylize1",
    ) -> None:
        try:
            luajit = importlib.import_module("lupa.luajit21")
        except ImportError as error:
            raise UsageError("LuaJIT is not installed", hint="Install it: pip install lupa") from error
        runtime = luajit.LuaRuntime(unpack_returned_tuples=True)
        self._runtime = runtime
        self.own_seconds = 0.0
        files: dict[str, Callable[..., Any]] = {
            "exr_write": _exr_write,
            "exr_read": _exr_read,
            "png_write": _png_write,
            "png_read": _png_read,
        }
        python = {name: self._timed(work) for name, work in files.items()}
        python |= {"now": time.perf_counter, "spent": self._spent}
        options = {
            "vocabulary": runtime.table_from(json.loads((HERE / "vocabulary.json").read_text()), recursive=True),
            "python": runtime.table_from(python),
            "quirks": runtime.table_from(dict.fromkeys(quirks, True)),
            "system": system,
            "environment": runtime.table_from(dict(os.environ if environment is None else environment)),
            "text": text,
            "name": "Stylize.fuse",
            "node_name": node_name,
        }
        chunk = runtime.eval("function(text, options) return assert(loadstring(text, '@host.lua'))(options) end")
        self._host = chunk((HERE / "host.lua").read_text(), runtime.table_from(options))

    def set(self, **values: float | str) -> None:
        """Set inputs by their ids."""
        for name, value in values.items():
            self._host.set(name, value)

    def choices(self, name: str) -> list[str]:
        """What an input offers."""
        return list(self._host.choices(name).values())

    def press(self, name: str) -> str:
        """Press a button; what the node's status says then."""
        self._host.press(name)
        return str(self._host.get("StatusText"))

    def evaluate(self, text: str) -> Any:
        """The value of Lua text, in the fuse's own environment."""
        return self._host.evaluate(text)

    @property
    def printed(self) -> list[str]:
        """All that the console shows."""
        return list(self._host.printed.values())

    @property
    def ran(self) -> list[str]:
        """The lines that the shell was given."""
        return list(self._host.ran.values())

    @property
    def progress(self) -> list[float]:
        """All that the node told of its progress."""
        return list(self._host.progress.values())

    def process(
        self,
        samples: NDArray[Any] | None,
        *,
        depth: int = 8,
        proxy: int = 1,
        is_precalc: bool = False,
        is_windowed: bool = False,
        abort_after: int | None = None,
    ) -> NDArray[np.float32] | None:
        """Render a frame (H, W, 4), rows from the top, as Fusion keeps it at a depth; None where the node failed.

        proxy: by how much the frame is smaller than the original. is_windowed: its data window is not the whole.
        """
        self._timed(self._take)(samples, depth, proxy, is_windowed)
        result = self._host.process(is_precalc, abort_after)
        return None if result is None else self._timed(self._handed_back)(result)

    def _take(self, samples: NDArray[Any] | None, depth: int, proxy: int, is_windowed: bool) -> None:
        if samples is None:
            self._host.set("Input", None)
            return
        height, width = samples.shape[:2]
        image, address = self._host.new_image(width, height, depth, width * proxy, is_windowed)
        _at(address, width, height)[:] = samples[::-1]
        self._host.set("Input", image)

    def _handed_back(self, result: Any) -> NDArray[np.float32]:
        width, height, address = self._host.describe(result)
        return np.zeros((height, width, 0), np.float32) if address is None else _at(address, width, height)[::-1].copy()

    def _spent(self, started: float) -> None:
        """Count the time since `started` as the stand-in's own."""
        self.own_seconds += time.perf_counter() - started

    def _timed(self, work: Callable[..., Result]) -> Callable[..., Result]:
        """The same function, its time counted as the stand-in's own."""

        def timed(*values: Any) -> Result:
            started = time.perf_counter()
            try:
                return work(*values)
            finally:
                self._spent(started)

        return timed


def _at(address: int, width: int, height: int) -> NDArray[np.float32]:
    """The samples (H, W, 4) of an image, rows from the bottom, in LuaJIT's own memory."""
    buffer = (ctypes.c_float * (width * height * 4)).from_address(int(address))
    return np.frombuffer(memoryview(buffer).cast("B"), np.float32).reshape(height, width, 4)


def _told(work: Callable[[], None]) -> str:
    """What a writer or reader says of an error: nothing where there was none."""
    try:
        work()
    except Exception as error:  # each library raises its own kinds
        return str(error) or "it failed"
    return ""


def _exr_write(path: str, address: int, width: int, height: int, rows: int, is_half: bool, is_upside_down: bool) -> str:
    import OpenEXR  # a native library that only this host needs here

    def write() -> None:
        samples = _at(address, width, height)
        shown = (samples if is_upside_down else samples[::-1])[:rows]
        kept = as_samples(shown, np.float16 if is_half else np.float32)
        channels = {key: np.ascontiguousarray(kept[..., place]) for place, key in enumerate(CHANNELS)}
        header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
        OpenEXR.File(header, channels).write(path)

    return _told(write)


def _exr_read(path: str, address: int, width: int, height: int, gain: float, depth: int) -> str:
    import OpenEXR  # a native library that only this host needs here

    def read() -> None:
        channels = OpenEXR.File(path, separate_channels=True).channels()
        target = _at(address, width, height)
        for place, key in enumerate(CHANNELS):
            target[..., place] = channels[key].pixels[::-1] * np.float32(gain)
        if levels := LEVELS.get(depth):
            target[:] = np.rint(target.clip(0, 1) * levels) / levels

    return _told(read)


def _png_write(path: str, address: int, width: int, height: int, depth: int) -> bool:
    import pyvips  # a native library that only this host needs here

    def write() -> None:
        levels = LEVELS.get(depth, 255)
        kind = np.uint16 if levels > 255 else np.uint8
        pixels = np.rint(_at(address, width, height)[::-1].clip(0, 1) * levels).astype(kind)
        pyvips.Image.new_from_array(pixels, interpretation="rgb16" if levels > 255 else "srgb").write_to_file(path)

    return not _told(write)


def _png_read(path: str, address: int, width: int, height: int) -> bool:
    import pyvips  # a native library that only this host needs here

    def read() -> None:
        pixels = pyvips.Image.new_from_file(path).numpy()
        _at(address, width, height)[:] = pixels[::-1] / np.float32(np.iinfo(pixels.dtype).max)

    return not _told(read)
