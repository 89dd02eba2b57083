"""Animated PNG (PNG 3rd edition, section 11.3.6): frames as PNG files of their own, and back.

libvips reads the default picture only, and writes no animation.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylecli.media.images.metadata.png import SIGNATURE, chunks_of
from stylecli.media.images.picture import Animation

CONTROL, FRAME, FRAME_DATA = b"acTL", b"fcTL", b"fdAT"
# Of a frame: its number, size, place, delay as a fraction of a second, and what becomes of the canvas.
FRAME_FORM = ">5I2H2B"
TO_BACKGROUND, TO_PREVIOUS = 1, 2  # what to do with the frame's area before the next one
OVER = 1  # blend with what is there, instead of replacing it
DELAY_UNIT = 100  # a denominator of 0 means hundredths of a second
FRAMES_MAX = 100_000


@dataclass(frozen=True)
class Frame:
    """One frame. png: a file of its own. left, top: its place on the canvas. delay: milliseconds."""

    png: bytes
    left: int
    top: int
    delay: int
    disposal: int
    is_blended: bool


def animation_of(data: bytes) -> Animation | None:
    """Read how a PNG is animated; None for a still, and for an animation of one frame."""
    frames = [
        content for kind, content in chunks_of(data) if kind == FRAME and len(content) == struct.calcsize(FRAME_FORM)
    ]
    control = next((content for kind, content in chunks_of(data) if kind == CONTROL and len(content) == 8), None)
    if control is None or not 1 < len(frames) <= FRAMES_MAX:
        return None
    return Animation(tuple(_delay(content) for content in frames), struct.unpack(">II", control)[1])


def frames_of(data: bytes) -> Iterator[Frame]:
    """Return the frames in their order; a default picture that is none of them is left out."""
    head: list[tuple[bytes, bytes]] = []  # what every frame shares: palette, transparency, colours
    header, control, body = b"", b"", b""
    for kind, content in chunks_of(data):
        if kind == b"IHDR":
            header = content
        elif kind == FRAME:
            if control and body:
                yield _frame(header, head, control, body)
            control, body = content, b""
        elif kind == b"IDAT":
            body += content if control else b""
        elif kind == FRAME_DATA:
            body += content[4:]
        elif kind not in (CONTROL, b"IEND") and not control:
            head.append((kind, content))
    if control and body:
        yield _frame(header, head, control, body)


class Canvas:
    """What is shown, frame after frame: (H, W, channels) of the type of the frames; alpha is the last channel."""

    def __init__(self, height: int, width: int) -> None:
        self._size = height, width
        self._shown: NDArray[Any] | None = None

    def show(self, frame: Frame, samples: NDArray[Any], *, has_alpha: bool) -> NDArray[Any]:
        """Draw a frame whose samples are (H, W, channels), and return all that is shown now."""
        if self._shown is None:
            self._shown = np.zeros((*self._size, samples.shape[2]), samples.dtype)
        before = self._shown
        canvas = before.copy()
        place = slice(frame.top, frame.top + samples.shape[0]), slice(frame.left, frame.left + samples.shape[1])
        canvas[place] = _over(samples, canvas[place]) if frame.is_blended and has_alpha else samples
        self._shown = canvas
        if frame.disposal == TO_PREVIOUS:
            self._shown = before
        elif frame.disposal == TO_BACKGROUND:
            self._shown = canvas.copy()
            self._shown[place] = 0
        return canvas


def animated(pngs: Sequence[bytes], animation: Animation) -> bytes:
    """Join PNG files alike in size, depth and channels to an animated one; metadata is that of the first."""
    first = list(chunks_of(pngs[0]))
    width, height = struct.unpack(">II", first[0][1][:8])
    control = struct.pack(">II", len(pngs), animation.loops)
    written = [first[0], (CONTROL, control), *(chunk for chunk in first[1:] if chunk[0] not in (b"IDAT", b"IEND"))]
    number = 0
    for at, (png, delay) in enumerate(zip(pngs, animation.delays, strict=True)):
        shown = struct.pack(FRAME_FORM, number, width, height, 0, 0, *_fraction(delay), 0, 0)
        written.append((FRAME, shown))
        number += 1
        for kind, content in chunks_of(png):
            if kind == b"IDAT" and at == 0:
                written.append((kind, content))
            elif kind == b"IDAT":
                written.append((FRAME_DATA, struct.pack(">I", number) + content))
                number += 1
    return SIGNATURE + b"".join(_written(*chunk) for chunk in [*written, (b"IEND", b"")])


def _frame(header: bytes, head: Sequence[tuple[bytes, bytes]], control: bytes, body: bytes) -> Frame:
    _, width, height, left, top, _, _, disposal, blending = struct.unpack(FRAME_FORM, control)
    own_header = struct.pack(">II", width, height) + header[8:]
    chunks = [(b"IHDR", own_header), *head, (b"IDAT", body), (b"IEND", b"")]
    png = SIGNATURE + b"".join(_written(*chunk) for chunk in chunks)
    return Frame(png, left, top, _delay(control), disposal, blending == OVER)


def _delay(control: bytes) -> int:
    numerator, denominator = struct.unpack(FRAME_FORM, control)[5:7]
    delay: int = round(1000 * numerator / (denominator or DELAY_UNIT))
    return delay


def _fraction(delay: int) -> tuple[int, int]:
    """Milliseconds as two numbers of 16 bits."""
    return (delay, 1000) if delay < 1 << 16 else (min(round(delay / 1000), (1 << 16) - 1), 1)


def _over(samples: NDArray[Any], below: NDArray[Any]) -> NDArray[Any]:
    """Straight colours with alpha over others; where alpha is full or empty, exact."""
    most = np.iinfo(samples.dtype).max
    alpha, under = samples[..., -1:].astype(np.float64) / most, below[..., -1:].astype(np.float64) / most
    both = alpha + under * (1 - alpha)
    color = (samples[..., :-1] * alpha + below[..., :-1] * under * (1 - alpha)) / np.where(both == 0, 1, both)
    mixed = np.rint(np.concatenate([color, both * most], axis=2)).astype(samples.dtype)
    shown: NDArray[Any] = np.where(alpha == 1, samples, np.where(alpha == 0, below, mixed))
    return shown


def _written(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
