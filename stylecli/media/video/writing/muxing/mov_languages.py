"""Languages of tracks in QuickTime files: written as ISO 639 codes; ffmpeg writes only those of the Macintosh."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

_ATOM = struct.Struct(">I4s")  # of QuickTime: its size, which counts all of it, and its type
_LARGE = struct.Struct(">Q")  # the size where that is 1
_LANGUAGE = struct.Struct(">H")
_PLACES = {0: 20, 1: 32}  # of the language in `mdhd`, by the version of the atom: bytes from its content on


def write_languages(file: Path, languages: Sequence[str]) -> None:
    """Write the languages of the first tracks of a .mov file, such as "deu"; for what is none, nothing is written.

    Codes from 0x400 on are three letters of 5 bits (QuickTime File Format, "Language Code Values").

    Raises:
        OSError: the file cannot be written.
    """
    with file.open("r+b") as mov:
        places = (place for moov in _inside(mov, None, b"moov") for place in _language_places(mov, moov))
        for language, place in zip(languages, list(places), strict=False):
            if re.fullmatch("[a-z]{3}", language):
                first, second, third = (ord(letter) - 0x60 for letter in language)
                mov.seek(place)
                mov.write(_LANGUAGE.pack(first << 10 | second << 5 | third))


def _language_places(mov: BinaryIO, moov: tuple[int, int]) -> Iterator[int]:
    """Where the language of each track stands."""
    for track in _inside(mov, moov, b"trak"):
        for media in _inside(mov, track, b"mdia"):
            for start, _ in _inside(mov, media, b"mdhd"):
                mov.seek(start)
                yield start + _PLACES[mov.read(1)[0]]


def _inside(mov: BinaryIO, parent: tuple[int, int] | None, wanted: bytes) -> Iterator[tuple[int, int]]:
    """Where the contents of all atoms of a type inside another one begin and end; None: those of the file."""
    position, end = parent or (0, mov.seek(0, 2))
    while position + _ATOM.size <= end:
        mov.seek(position)
        size, name = _ATOM.unpack(mov.read(_ATOM.size))
        start = position + _ATOM.size
        if size == 1:
            (size,) = _LARGE.unpack(mov.read(_LARGE.size))
            start += _LARGE.size
        following = end if size == 0 else position + size
        if name == wanted:
            yield start, following
        if following <= position:
            return
        position = following
