"""PGM and PPM files (netpbm): a header of numbers, then the samples, as bytes or as text."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylecli.core.errors import MediaError
from stylecli.media.images.codecs.limits import DAMAGED_HINT, check_page, check_pixels
from stylecli.media.images.formats import Format
from stylecli.media.images.metadata.kept import NOTHING
from stylecli.media.images.picture import Pages
from stylecli.media.images.samples import decoded_rgb, picture_of
from stylecli.media.images.settings import Reading

GAP = rb"(?:\s|#[^\n\r]*[\n\r])"
HEADER = re.compile(rb"P([2356])" + GAP + rb"+(\d+)" + GAP + rb"+(\d+)" + GAP + rb"+(\d+)(?:#[^\n\r]*)?\s")
COLOR_KINDS, TEXT_KINDS = (b"3", b"6"), (b"2", b"3")


def decode(data: bytes, name: str, _: Format, reading: Reading, *, page: int | None) -> Pages:
    """Read the first picture of the file; up to 255 steps become 8 bits, more become 16.

    Raises:
        MediaError: it is damaged or too large.
        UsageError: a page other than the first is asked for.
    """
    check_page(page, 1, name)
    header = HEADER.match(data)
    width, height, most = (int(number) for number in header.groups()[1:]) if header else (0, 0, 0)
    if header is None or not width * height or not 1 <= most <= 65535:
        raise MediaError(f"{name}: it is damaged or truncated (PNM: its header)", hint=DAMAGED_HINT)
    check_pixels(width, height, name, reading)
    kind = header[1]
    channels = 3 if kind in COLOR_KINDS else 1
    body, count = data[header.end() :], width * height * channels
    if kind in TEXT_KINDS:
        values = np.array(re.sub(rb"#[^\n\r]*", b"", body).split()[:count], np.uint32)
    else:
        form = ">u2" if most > 255 else "u1"
        values = np.frombuffer(body, form, min(count, len(body) // np.dtype(form).itemsize))
    if len(values) < count:
        if not reading.allow_truncated:
            raise MediaError(f"{name}: it is damaged or truncated (PNM: its end is missing)", hint=DAMAGED_HINT)
        values = np.concatenate([values, np.zeros(count - len(values), values.dtype)])
    samples = _scaled(values.reshape(height, width, channels), most)
    return Pages((picture_of(decoded_rgb(samples, NOTHING), reading, name),))


def _scaled(values: NDArray[Any], most: int) -> NDArray[Any]:
    """Samples of which `most` is white, as 8 or 16 bits, rounded to nearest."""
    white, wanted = (255, np.uint8) if most <= 255 else (65535, np.uint16)
    scaled = values if most == white else np.rint(values.astype(np.float64).clip(0, most) * (white / most))
    return np.ascontiguousarray(scaled.astype(wanted))
