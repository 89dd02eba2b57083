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

from stylecli.core.errors import MediaError
from stylecli.core.progress import Notice
from stylecli.media.images.alpha import bled
from stylecli.media.images.codecs.exr_layers import ALPHA, COLORS, ColorLayer, layers_to_paint
from stylecli.media.images.codecs.limits import check_page, check_pixels
from stylecli.media.images.formats import Format
from stylecli.media.images.lost_content import pages_lost
from stylecli.media.images.picture import Pages, Picture, Weight
from stylecli.media.images.settings import Encoding, ExrColor, Reading
from stylecli.media.linear_light import as_samples, encoded, linear, premultiplied, unpremultiplied, without_highlights
from stylecli.media.pixels import Floats, to_unit


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
    layer: str = ""  # that was asked for
    number: int = 0  # among the layers that `layers_to_paint` gives for it
    weight: Weight = 1.0  # of the pixels that the picture has got since


def decode(data: bytes, name: str, format_: Format, reading: Reading, *, page: int | None) -> Pages:
    """Decode the data window, sRGB-encoded in 0..1, with alpha if there is any; of stereo, a picture for each view.

    Raises:
        MediaError: it is damaged, too large, deep, or has no R, G and B (in the layer that is asked for).
        UsageError: there is no such page.
    """
    _check_header(data, name, reading)
    layers, others = layers_to_paint(_opened(data, name), name, reading.layer)
    check_page(page, len(layers), name)
    lost = (f"paint on {', '.join(others)}: another part is the main one, `layer` chooses",) if others else ()
    numbers = range(len(layers)) if page is None else [page]
    pictures = tuple(_picture_of(layers[number], number, data, reading) for number in numbers)
    return Pages(pictures, None, lost, len(layers), "views")


def _picture_of(layer: ColorLayer, number: int, data: bytes, reading: Reading) -> Picture:
    samples = np.stack([layer.channel(key).pixels for key in COLORS], axis=-1).astype(np.float32)
    alpha = layer.alpha
    pixels, highlights = without_highlights(unpremultiplied(samples, alpha))
    if reading.exr_color == "linear":
        pixels = encoded(pixels)
    if alpha is not None:
        alpha = alpha.clip(0, 1)
        pixels = bled(pixels, alpha)
    contents = ExrContents(samples, highlights, reading.exr_color, data, reading.layer, number)
    return Picture(pixels, alpha, contents)


def encode(pages: Pages, format_: Format, encoding: Encoding, *, name: str, notice: Notice) -> bytes:
    """Encode the first picture, or all views, as an EXR file, with all else of the EXR that they came from.

    Without such a file: scene-linear half floats, compressed without loss.
    """
    pictures = pages.pictures if pages.kind == "views" else pages.pictures[:1]
    for lost in (*pages_lost(pages, format_), *pictures[0].lost):
        notice(lost)
    first = pictures[0].contents
    if not isinstance(first, ExrContents):
        pixels, alpha = to_unit(pictures[0].pixels), pictures[0].alpha
        alpha = None if alpha is None else to_unit(alpha)
        return _new_file(premultiplied(linear(pixels), alpha), alpha)
    file = _opened(first.data, name)
    layers, _ = layers_to_paint(file, name, first.layer)
    painted = [one for one in pictures if isinstance(one.contents, ExrContents) and one.contents.samples is None]
    for picture in painted:
        assert isinstance(picture.contents, ExrContents)
        _paint_into(layers[picture.contents.number], to_unit(picture.pixels), picture.contents)
    return _written(file) if painted else first.data


def _paint_into(layer: ColorLayer, pixels: Floats, contents: ExrContents) -> None:
    straight = linear(pixels) if contents.color == "linear" else pixels
    own_alpha = layer.alpha
    painted = premultiplied(straight * contents.highlights, own_alpha)
    for number, key in enumerate(COLORS):
        channel = layer.channel(key)
        samples = painted[..., number]
        if own_alpha is not None:  # light without matter, such as a glow, is not painted: alpha would erase it
            samples = np.where(own_alpha == 0, channel.pixels.astype(np.float32), samples)
        samples = np.where(np.equal(contents.weight, 0), channel.pixels, samples)  # not painted at all
        channel.pixels = np.ascontiguousarray(as_samples(samples, channel.pixels.dtype))


def _check_header(data: bytes, name: str, reading: Reading) -> None:
    """Look at what is known before a sample is decoded."""
    import OpenEXR  # a native library that --help does not need

    for part in _opened(data, name, header_only=True).parts:
        header = part.header
        if header["type"] in (OpenEXR.deepscanline, OpenEXR.deeptile):
            raise MediaError(f"{name}: it is a deep EXR, which is not supported", hint="Flatten it first.")
        low, high = (np.asarray(corner, np.int64) for corner in header["dataWindow"])
        width, height = (high - low + 1).tolist()
        check_pixels(width, height, name, reading)


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
