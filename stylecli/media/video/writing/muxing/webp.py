"""Animated WebP (RFC 9649), which libav before 9 does not read: its number of frames, the end of its last one."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_CHUNK = struct.Struct("<4sI")  # of RIFF: its name and the bytes that follow
_DURATION = 12  # bytes of an ANMF chunk before the duration, which has 3
_LONGEST = (1 << 24) - 1  # milliseconds


def count_frames(path: Path) -> int:
    """How many frames an animation has, or the single picture that became of one without changes."""
    with path.open("rb") as file:
        names = [name for name, _, _ in _chunks(file)]
    return names.count(b"ANMF") or sum(name in (b"VP8 ", b"VP8L") for name in names)


def end_animation_at(path: Path, milliseconds: int) -> None:
    """Let the last frame be shown until so long after the start of the first; nothing if there is only one picture.

    Raises:
        OSError: the file cannot be written.
    """
    with path.open("r+b") as file:
        places = [start + _DURATION for name, start, _ in list(_chunks(file)) if name == b"ANMF"]
        durations = []
        for place in places:
            file.seek(place)
            durations.append(int.from_bytes(file.read(3), "little"))
        if places:
            file.seek(places[-1])
            file.write(min(_LONGEST, max(1, milliseconds - sum(durations[:-1]))).to_bytes(3, "little"))


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """The name of each chunk, where its content begins, and its size."""
    file.seek(12)  # behind RIFF, the size and WEBP
    while len(head := file.read(_CHUNK.size)) == _CHUNK.size:
        name, size = _CHUNK.unpack(head)
        start = file.tell()
        yield name, start, size
        file.seek(start + size + size % 2)
