"""The door for hosts that can start a process: raw pixels in, raw pixels out, nothing on the disk.

docs/editors.md describes the protocol for those who write plug-ins.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread

from stylecli.core.errors import DeviceError, MediaError
from stylecli.core.progress import Progress, Step, ignore
from stylecli.editors.layout import Layout
from stylecli.editors.raw_pixels import repaint
from stylecli.inference.engine import Engine
from stylecli.stylize.look import Look
from stylecli.stylize.painting import paint

STALL = 60.0  # seconds without a byte after which a host is taken for dead
CHUNK = 2**20  # bytes

Open = Callable[[], Engine]


def stylize_stream(source: int, layout: Layout, open_engine: Open, look: Look, *, progress: Progress = ignore) -> bytes:
    """Read a picture from the file descriptor `source` to its end and stylize it; the network opens meanwhile.

    Raises:
        MediaError: not as many bytes as the layout says, or none for a minute.
        DeviceError: out of memory.
    """
    incoming = _Incoming(source, layout.size)
    progress(Step(0, 4, "stages", "Opening the style"))
    with open_engine() as engine:
        progress(Step(1, 4, "stages", "Reading the picture"))
        data = incoming.read()
        progress(Step(2, 4, "stages", f"Painting {engine.name}"))
        painted = stylize_raw(data, layout, engine, look)
    progress(Step(3, 4, "stages", "Handing the picture over"))
    return painted


def stylize_raw(data: bytes | bytearray, layout: Layout, engine: Engine, look: Look) -> bytes:
    """Raw pixels, stylized as `stylecli image` does it: the same function, so the same pixels.

    Raises:
        DeviceError: out of memory.
    """
    try:
        return repaint(data, layout, lambda pixels: paint(engine, pixels, look))
    except MemoryError as error:
        raise DeviceError(f"{layout.width} x {layout.height}: not enough memory", hint="Make it smaller.") from error


class _Incoming:
    """Bytes that a thread reads."""

    def __init__(self, source: int, size: int) -> None:
        self._source = source
        self._size = size
        self._chunks: SimpleQueue[bytes] = SimpleQueue()
        Thread(target=self._fetch, name="stylecli reading", daemon=True).start()

    def read(self) -> bytearray:
        data = bytearray()
        try:
            while chunk := self._chunks.get(timeout=STALL):
                data += chunk
        except Empty as error:
            raise MediaError(
                f"stdin: nothing came for {STALL:g} seconds, {len(data)} of {self._size} bytes are here",
                hint="The host must write all pixels, then close the pipe.",
            ) from error
        if len(data) != self._size:
            more = "more than " if len(data) > self._size else ""
            raise MediaError(
                f"stdin: {more}{min(len(data), self._size)} bytes came, {self._size} were expected",
                hint="Check `width`, `height` and `pixel`.",
            )
        return data

    def _fetch(self) -> None:
        left = self._size + 1  # one too many tells that there are too many
        # Not through sys.stdin: a thread that waits in its lock would abort the interpreter's end.
        while left and (chunk := os.read(self._source, min(CHUNK, left))):
            left -= len(chunk)
            self._chunks.put(chunk)
        self._chunks.put(b"")
