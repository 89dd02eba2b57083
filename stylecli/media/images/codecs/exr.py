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
from stylecli.media.images.codecs.limits import check_page, check_pixels
from stylecli.media.images.formats import Format
from stylecli.media.images.losses import pages_lost
from stylecli.media.images.picture import Pages, Picture, Weight
from stylecli.media.images.settings import Encoding, ExrColor, Reading
from stylecli.media.linear_light import as_samples, encoded, linear, premultiplied, unpremultiplied, without_highlights
from stylecli.media.pixels import Floats, to_unit

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
    layer: str = ""  # of which the colours are
    weight: Weight = 1.0  # of the pixels that the picture has got since


def decode(data: bytes, name: str, format_: Format, reading: Reading, *, page: int | None) -> Pages:
    """The data window as a picture, sRGB-encoded in 0..1, with alpha if there is any.

    Raises:
        MediaError: it is damaged, too large, deep, or has no R, G and B (in the layer that is asked for).
        UsageError: a page other than the first is asked for.
    """
    check_page(page, 1, name)
    _check_header(data, name, reading)
    place = _place_of(_opened(data, name), name, reading.layer)
    samples = np.stack([place.channel(key).pixels for key in COLORS], axis=-1).astype(np.float32)
    alpha = place.alpha
    pixels, highlights = without_highlights(unpremultiplied(samples, alpha))
    if reading.exr_color == "linear":
        pixels = encoded(pixels)
    if alpha is not None:
        alpha = alpha.clip(0, 1)
        pixels = bled(pixels, alpha)
    contents = ExrContents(samples, highlights, reading.exr_color, data, reading.layer)
    return Pages((Picture(pixels, alpha, contents),))


def encode(pages: Pages, format_: Format, encoding: Encoding, *, name: str, notice: Notice) -> bytes:
    """An EXR file of the first picture, with all else of the EXR that it came from.

    Without such a file: scene-linear half floats, compressed without loss.
    """
    picture = pages.pictures[0]
    for lost in (*pages_lost(pages, format_), *picture.lost):
        notice(lost)
    contents = picture.contents if isinstance(picture.contents, ExrContents) else None
    pixels, alpha = to_unit(picture.pixels), None if picture.alpha is None else to_unit(picture.alpha)
    if contents is None:
        return _new_file(premultiplied(linear(pixels), alpha), alpha)
    if contents.samples is not None:
        return contents.data
    straight = linear(pixels) if contents.color == "linear" else pixels
    file = _opened(contents.data, name)
    place = _place_of(file, name, contents.layer)
    own_alpha = place.alpha
    painted = premultiplied(straight * contents.highlights, own_alpha)
    for number, key in enumerate(COLORS):
        channel = place.channel(key)
        samples = painted[..., number]
        if own_alpha is not None:  # light without matter, such as a glow, is not painted: alpha would erase it
            samples = np.where(own_alpha == 0, channel.pixels.astype(np.float32), samples)
        samples = np.where(np.equal(contents.weight, 0), channel.pixels, samples)  # not painted at all
        channel.pixels = np.ascontiguousarray(as_samples(samples, channel.pixels.dtype))
    return _written(file)


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


@dataclass(frozen=True)
class _Place:
    """Where the colours stand: a part of the file, and what their channels' names begin with."""

    part: Any
    prefix: str

    def channel(self, key: str) -> Any:
        return self.part.channels[self.prefix + key]

    @property
    def alpha(self) -> Floats | None:
        """The layer's own alpha, or that of the part."""
        for name in (self.prefix + ALPHA, ALPHA):
            if name in self.part.channels:
                alpha: Floats = self.part.channels[name].pixels.astype(np.float32)
                return alpha
        return None


def _place_of(file: Any, name: str, layer: str) -> _Place:
    """The first part with R, G and B; of a layer: the part of that name, or the channels `layer.R`, `layer.G`, ..."""
    places = _places_in(file)
    for known, place in places:
        if known == layer or not layer:
            return place
    layers = sorted({known for known, _ in places} - {""})
    if layer and layers:
        raise MediaError(f"{name}: it has no layer {layer} with R, G and B", hint=f"Its layers: {', '.join(layers)}.")
    found = ", ".join(key for part in file.parts for key in part.channels) or "none"
    raise MediaError(f"{name}: it has no channels R, G and B, but {found}", hint="Give the file of the colours.")


def _places_in(file: Any) -> list[tuple[str, _Place]]:
    """All colours of a file by the name of their layer, those without a prefix first."""
    plain: list[tuple[str, _Place]] = []
    layered: list[tuple[str, _Place]] = []
    for part in file.parts:
        for key in part.channels:
            prefix = key.removesuffix(COLORS[0])
            is_layer = key.endswith(COLORS[0]) and (not prefix or prefix.endswith("."))
            if is_layer and all(prefix + color in part.channels for color in COLORS):
                own = str(part.header.get("name", "")) if len(file.parts) > 1 else ""
                named = prefix.removesuffix(".") or own
                (layered if prefix else plain).append((named, _Place(part, prefix)))
    return plain + layered


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
