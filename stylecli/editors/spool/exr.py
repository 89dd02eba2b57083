"""OpenEXR files of one part and one sample type: read with all cores, written without compression at once.

The layout is that of "OpenEXR File Layout" (openexr.com): a magic number, a version with flags, attributes, a table of
offsets, and then for each row its number, its length and its channels, one after the other in the order of their names.
"""

from __future__ import annotations

import io
import os
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

CHANNELS = ("R", "G", "B", "A")
MAGIC, SCAN_LINES = 20000630, 2  # the version, without the flags of tiles, deep pixels and parts
PIXEL_TYPES = {"float16": 1, "float32": 2}
ATTRIBUTES = (b"channels", b"compression", b"dataWindow", b"displayWindow", b"lineOrder")  # what a file's pixels need
ALIGNMENT = 8  # bytes; numpy copies into rows that stand there at twice the speed

Box = tuple[int, int, int, int]  # the first x and y, the last x and y


@dataclass(frozen=True)
class ExrFrame:
    """The samples (H, W, 4) of a file, each channel on its own in memory, and what its copies must have too."""

    samples: NDArray[Any]
    has_alpha: bool
    data_window: Box
    display_window: Box
    pixel_aspect: float


def read_exr(data: bytes) -> ExrFrame:
    """Read R, G, B and A of a file's first part; a missing alpha is 1. Raises errors of many kinds."""
    part = _file(data).parts[0]
    planes = [part.channels[key].pixels for key in CHANNELS[:3]]
    has_alpha = CHANNELS[3] in part.channels
    planes.append(part.channels[CHANNELS[3]].pixels if has_alpha else np.ones_like(planes[0]))
    return ExrFrame(
        np.moveaxis(np.stack(planes), 0, -1),
        has_alpha,
        _box(part.header["dataWindow"]),
        _box(part.header["displayWindow"]),
        float(part.header.get("pixelAspectRatio", 1)),
    )


def write_exr(samples: NDArray[Any], like: ExrFrame) -> memoryview:
    """Return samples (H, W, 4) of half or single floats as a file with the channels and windows of another one."""
    height, width = samples.shape[:2]
    names = sorted(CHANNELS if like.has_alpha else CHANNELS[:3])
    row = np.dtype([("y", "<i4"), ("size", "<i4"), *((name, samples.dtype.newbyteorder("<"), width) for name in names)])
    header = _header(like, names, PIXEL_TYPES[samples.dtype.name])
    start = len(header) + 8 * height
    file = bytearray(start + row.itemsize * height)
    file[: len(header)] = header
    np.frombuffer(file, "<u8", height, len(header))[:] = start + row.itemsize * np.arange(height, dtype=np.uint64)
    rows = np.frombuffer(file, row, height, start)
    rows["y"] = like.data_window[1] + np.arange(height)
    rows["size"] = row.itemsize - 8
    for name in names:
        rows[name] = samples[..., CHANNELS.index(name)]
    return memoryview(file)


def pixels_of_exr(data: bytes) -> tuple[bytes | memoryview, ...]:
    """Return the parts of a file that say what its pixels are: not its date, for instance."""
    if data[:8] != struct.pack("<ii", MAGIC, SCAN_LINES):
        return (data,)
    needed, place = [], 8
    try:
        while data[place]:
            name = data[place : data.index(0, place)]
            value = data.index(0, place + len(name) + 1) + 1
            end = value + 4 + int.from_bytes(data[value : value + 4], "little")
            if name in ATTRIBUTES:
                needed.append(data[place:end])
            place = end
    except (IndexError, ValueError):  # it is damaged
        return (data,)
    return (*needed, memoryview(data)[place:])


def _header(like: ExrFrame, names: list[str], pixel_type: int) -> bytes:
    """All before the table of offsets."""
    channels = b"".join(name.encode() + b"\0" + struct.pack("<iiii", pixel_type, 0, 1, 1) for name in names) + b"\0"
    attributes = [
        _attribute("channels", "chlist", channels),
        _attribute("compression", "compression", b"\0"),
        _attribute("dataWindow", "box2i", struct.pack("<4i", *like.data_window)),
        _attribute("displayWindow", "box2i", struct.pack("<4i", *like.display_window)),
        _attribute("lineOrder", "lineOrder", b"\0"),
        _attribute("pixelAspectRatio", "float", struct.pack("<f", like.pixel_aspect)),
        _attribute("screenWindowCenter", "v2f", bytes(8)),
        _attribute("screenWindowWidth", "float", struct.pack("<f", 1)),
    ]
    known = struct.pack("<ii", MAGIC, SCAN_LINES) + b"".join(attributes)
    padding = -(len(known + _attribute("comments", "string", b"")) + 1) % ALIGNMENT
    return known + _attribute("comments", "string", b" " * padding) + b"\0"


def _attribute(name: str, kind: str, value: bytes) -> bytes:
    return name.encode() + b"\0" + kind.encode() + b"\0" + struct.pack("<i", len(value)) + value


def _box(window: Any) -> Box:
    (left, top), (right, bottom) = window
    return int(left), int(top), int(right), int(bottom)


def _file(data: bytes) -> Any:
    """Open a file with all cores, or with one where each row is compressed on its own: there the others only cost."""
    import OpenEXR  # a native library that only files of this kind need

    if hasattr(OpenEXR, "set_global_thread_count"):  # since OpenEXR 3.5
        compression = OpenEXR.File(io.BytesIO(data), header_only=True).parts[0].header["compression"]
        is_by_row = compression in (OpenEXR.NO_COMPRESSION, OpenEXR.RLE_COMPRESSION, OpenEXR.ZIPS_COMPRESSION)
        OpenEXR.set_global_thread_count(0 if is_by_row else os.cpu_count() or 1)
    return OpenEXR.File(io.BytesIO(data), separate_channels=True)
