"""OpenEXR files: their colours to what a network sees and back; every other channel, part and attribute stays.

A file holds scene-linear light without an upper end, its colours multiplied by alpha (premultiplied). A network takes
and gives sRGB-encoded colours in 0..1. In between, for each pixel:

    un-premultiply by alpha -> divide by its highlight -> sRGB curve -> network -> back the same way

The highlight is the largest channel where that is above 1, else 1: what a network sees keeps its hue, and what it gives
gets the brightness back, with the texture that bright areas have. Negative values are seen as 0.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylecli.core.errors import MediaError
from stylecli.media.images.alpha import bled
from stylecli.media.images.formats import ExrColor
from stylecli.media.linear_light import as_samples, encoded, linear, premultiplied, unpremultiplied, without_highlights
from stylecli.media.pixels import Floats

Weight = float | NDArray[np.float32]  # 0 to 1; one number, or one for each pixel (H, W)

COLORS = ("R", "G", "B")
ALPHA = "A"


@dataclass(frozen=True, eq=False)
class ExrContents:
    """What an EXR file holds.

    samples: its colours (H, W, 3) as they are; None once the picture has got other pixels. highlights: (H, W, 1), what
    the pixels were divided by. data: the whole file.
    """

    samples: Floats | None
    highlights: Floats
    color: ExrColor
    data: bytes = field(repr=False)
    weight: Weight = 1.0  # of the pixels that the picture has got since


def decode_exr(
    data: bytes, name: str, *, color: ExrColor, pixels_max: int
) -> tuple[Floats, Floats | None, ExrContents]:
    """The pixels (H, W, 3), sRGB-encoded in 0..1, of the data window; alpha (H, W) if there is any; the contents.

    Raises:
        MediaError: it is damaged, too large, deep, or has no R, G and B.
    """
    _check_header(data, name, pixels_max)
    channels = _color_part(_opened(data, name), name).channels
    samples = np.stack([channels[key].pixels for key in COLORS], axis=-1).astype(np.float32)
    alpha = channels[ALPHA].pixels.astype(np.float32) if ALPHA in channels else None
    pixels, highlights = without_highlights(unpremultiplied(samples, alpha))
    if color == "linear":
        pixels = encoded(pixels)
    if alpha is not None:
        alpha = alpha.clip(0, 1)
        pixels = bled(pixels, alpha)
    return pixels, alpha, ExrContents(samples, highlights, color, data)


def encode_exr(pixels: NDArray[np.float32], alpha: Floats | None, contents: ExrContents | None, name: str) -> bytes:
    """An EXR file of pixels (H, W, 3), sRGB-encoded in 0..1, and alpha; with all else of the file that they came from.

    Without such a file: scene-linear half floats, compressed without loss.
    """
    if contents is None:
        return _new_file(premultiplied(linear(pixels), alpha), alpha)
    if contents.samples is not None:
        return contents.data
    straight = linear(pixels) if contents.color == "linear" else pixels
    file = _opened(contents.data, name)
    channels = _color_part(file, name).channels
    own_alpha = channels[ALPHA].pixels.astype(np.float32) if ALPHA in channels else None
    painted = premultiplied(straight * contents.highlights, own_alpha)
    for place, key in enumerate(COLORS):
        channel = channels[key]
        samples = painted[..., place]
        if own_alpha is not None:  # light without matter, such as a glow, is not painted: alpha would erase it
            samples = np.where(own_alpha == 0, channel.pixels.astype(np.float32), samples)
        samples = np.where(np.equal(contents.weight, 0), channel.pixels, samples)  # not painted at all
        channel.pixels = np.ascontiguousarray(as_samples(samples, channel.pixels.dtype))
    return _written(file)


def _check_header(data: bytes, name: str, pixels_max: int) -> None:
    """Look at what is known before a sample is decoded."""
    import OpenEXR  # a native library that --help does not need

    for part in _opened(data, name, header_only=True).parts:
        header = part.header
        if header["type"] in (OpenEXR.deepscanline, OpenEXR.deeptile):
            raise MediaError(f"{name}: it is a deep EXR, which is not supported", hint="Flatten it first.")
        low, high = (np.asarray(corner, np.int64) for corner in header["dataWindow"])
        width, height = (high - low + 1).tolist()
        if width * height > pixels_max:
            raise MediaError(
                f"{name}: {width} x {height} pixels are too many",
                hint=f"At most {pixels_max // 10**6} megapixels are read: make it smaller.",
            )


def _opened(data: bytes, name: str, *, header_only: bool = False) -> Any:
    import OpenEXR  # a native library that --help does not need

    hint = "Copy or render it again."
    try:
        with _silent():
            file = OpenEXR.File(io.BytesIO(data), separate_channels=True, header_only=header_only)
    except Exception as error:  # it raises RuntimeError, ValueError and others of its own
        raise MediaError(f"{name}: it is damaged or truncated (EXR: {error})", hint=hint) from error
    if not header_only and not (file.parts and all(part.channels for part in file.parts)):
        raise MediaError(f"{name}: it is damaged or truncated", hint=hint)
    return file


_silence = Lock()


@contextmanager
def _silent() -> Iterator[None]:
    """Keep OpenEXR's words on damaged files off stdout and the native stderr; it leaves out the part, and goes on.

    One thread at a time: both belong to the process, and a second thread would restore what the first one put there.
    """
    with _silence, Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        stderr = os.dup(2)
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


def _color_part(file: Any, name: str) -> Any:
    for part in file.parts:
        if all(key in part.channels for key in COLORS):
            return part
    found = ", ".join(key for part in file.parts for key in part.channels) or "none"
    raise MediaError(f"{name}: it has no channels R, G and B, but {found}", hint="Give the file of the colours.")


def _new_file(samples: Floats, alpha: Floats | None) -> bytes:
    import OpenEXR  # a native library that --help does not need

    channels = {key: np.ascontiguousarray(as_samples(samples[..., k], np.float16)) for k, key in enumerate(COLORS)}
    if alpha is not None:
        channels[ALPHA] = np.ascontiguousarray(as_samples(alpha, np.float16))
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    return _written(OpenEXR.File(header, channels))


def _written(file: Any) -> bytes:
    target = io.BytesIO()
    file.write(target)
    return target.getvalue()
