"""Files of the netpbm family: PBM, PGM, PPM and PAM, with samples as bytes, bits or text; PFM with floats."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylecli.core.errors import MediaError
from stylecli.media.images.codecs.limits import DAMAGED_HINT, check_page, check_pixels
from stylecli.media.images.formats import Format
from stylecli.media.images.lost_content import FLOATS_LOST, light_lost
from stylecli.media.images.metadata.kept import NOTHING
from stylecli.media.images.picture import Pages
from stylecli.media.images.samples import decoded_rgb, picture_of
from stylecli.media.images.settings import Reading
from stylecli.media.linear_light import encoded
from stylecli.media.pixels import quantize

GAP = rb"(?:\s|#[^\n\r]*[\n\r])+"
COMMENT = re.compile(rb"#[^\n\r]*")
BITMAP = re.compile(rb"P([14])" + GAP + rb"(\d+)" + GAP + rb"(\d+)(?:#[^\n\r]*)?\s")
HEADER = re.compile(rb"P([2356])" + GAP + rb"(\d+)" + GAP + rb"(\d+)" + GAP + rb"(\d+)(?:#[^\n\r]*)?\s")
FLOAT_HEADER = re.compile(rb"P([fF])\s+(\d+)\s+(\d+)\s+([-+.\deE]+)\s")
ANY_MAP_HEADER = re.compile(rb"P7\s(.*?)ENDHDR[^\n]*\n", re.S)
CHANNELS = {b"1": 1, b"2": 1, b"3": 3, b"4": 1, b"5": 1, b"6": 3, b"f": 1, b"F": 3}
TEXT_KINDS = (b"1", b"2", b"3")
DEEPEST = 65_535


@dataclass(frozen=True)
class Header:
    """What the file says of its samples.

    kind: the character behind "P". most: the sample that is white. body: what stands behind the header.
    """

    kind: bytes
    width: int
    height: int
    channels: int
    most: int
    body: bytes
    is_big_endian: bool = True

    @property
    def count(self) -> int:
        """How many samples there are."""
        return self.width * self.height * self.channels


def decode(data: bytes, name: str, _: Format, reading: Reading, *, page: int | None) -> Pages:
    """Read the first picture of the file; up to 255 steps become 8 bits, more, and floats, become 16.

    Floats are linear light, as in EXR; what is above 1 is cut.

    Raises:
        MediaError: it is damaged or too large.
        UsageError: a page other than the first is asked for.
    """
    check_page(page, 1, name)
    header = _header_of(data)
    if header is None or not header.count or not 1 <= header.most <= DEEPEST or header.channels > 4:
        raise MediaError(f"{name}: it is damaged or truncated (PNM: its header)", hint=DAMAGED_HINT)
    check_pixels(header.width, header.height, name, reading)
    shape = (header.height, header.width, header.channels)
    lost: tuple[str, ...] = ()
    if header.kind in (b"f", b"F"):
        values = _whole(_floats(header), header, name, reading).reshape(shape)[::-1]  # the lowest row comes first
        lost = (FLOATS_LOST, *light_lost(float(values.max())))
        samples = quantize(encoded(np.nan_to_num(values, posinf=1).clip(0, 1)), np.uint16)
    else:
        samples = _scaled(_whole(_numbers(header), header, name, reading).reshape(shape), header.most)
    picture = picture_of(decoded_rgb(np.ascontiguousarray(samples), NOTHING), reading, name)
    return Pages((picture,), lost=lost)


def _header_of(data: bytes) -> Header | None:
    if data.startswith(b"P7"):
        return _any_map_header(data)
    found = next(filter(None, (form.match(data) for form in (BITMAP, HEADER, FLOAT_HEADER))), None)
    if found is None:
        return None
    kind, width, height, *more = found.groups()
    is_float = kind in (b"f", b"F")
    most = 1 if is_float or not more else int(more[0])
    is_big_endian = not (is_float and more[0].startswith(b"-"))
    return Header(kind, int(width), int(height), CHANNELS[kind], most, data[found.end() :], is_big_endian)


def _any_map_header(data: bytes) -> Header | None:
    """Read the header of a PAM file: lines of a name and a value."""
    found = ANY_MAP_HEADER.match(data)
    lines = COMMENT.sub(b"", found[1]).splitlines() if found else []
    facts = {words[0]: words[1] for line in lines if len(words := line.split(None, 1)) == 2}
    try:
        width, height, depth, most = (int(facts[name]) for name in (b"WIDTH", b"HEIGHT", b"DEPTH", b"MAXVAL"))
    except (KeyError, ValueError):
        return None
    return Header(b"7", width, height, depth, most, data[found.end() :]) if found else None


def _numbers(header: Header) -> NDArray[Any]:
    """Read whole numbers, at most as many as there should be."""
    if header.kind in TEXT_KINDS:
        text = COMMENT.sub(b"", header.body)
        words = re.findall(rb"[01]", text) if header.kind == b"1" else text.split()
        values: NDArray[Any] = np.array(words[: header.count], np.uint32)
    elif header.kind == b"4":
        row_bytes = -(-header.width // 8)
        rows = np.frombuffer(header.body, np.uint8)[: row_bytes * header.height]
        rows = rows[: len(rows) // row_bytes * row_bytes].reshape(-1, row_bytes)
        values = np.unpackbits(rows, axis=1)[:, : header.width].ravel()
    else:
        form = np.dtype(">u2" if header.most > 255 else "u1")
        values = np.frombuffer(header.body, form, min(header.count, len(header.body) // form.itemsize))
    return 1 - values if header.kind in (b"1", b"4") else values  # in a bitmap 1 is black


def _floats(header: Header) -> NDArray[np.float32]:
    form = np.dtype(">f4" if header.is_big_endian else "<f4")
    count = min(header.count, len(header.body) // form.itemsize)
    return np.frombuffer(header.body, form, count).astype(np.float32)


def _whole(values: NDArray[Any], header: Header, name: str, reading: Reading) -> NDArray[Any]:
    """Fill in black for missing values; raises MediaError unless that is allowed."""
    missing = header.count - len(values)
    if missing and not reading.allow_truncated:
        raise MediaError(f"{name}: it is damaged or truncated (PNM: its end is missing)", hint=DAMAGED_HINT)
    return np.pad(values, (0, missing))


def _scaled(values: NDArray[Any], most: int) -> NDArray[Any]:
    """Scale samples of which `most` is white to 8 or 16 bits, rounded to nearest."""
    white, wanted = (255, np.uint8) if most <= 255 else (65535, np.uint16)
    scaled = values if most == white else np.rint(values.astype(np.float64).clip(0, most) * (white / most))
    return scaled.astype(wanted)
