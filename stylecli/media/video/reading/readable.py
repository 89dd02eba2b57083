"""A source in a form that libav reads well: an animated WebP unpacked, clocks that jump made to run on."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

import ffmpeg

from stylecli.core.files import hidden_name
from stylecli.media.video.ffmpeg import run_ffmpeg, url
from stylecli.media.video.streams import MICROSECOND, blamed_on_output, fraction, opened

# Broadcast formats may be joined by copying, so their clocks may jump; and the muxer that writes each of them.
_JUMPING_FORMATS = {"mpegts": "mpegts", "mpeg": "vob"}
# Seconds from which ffmpeg takes a step of the clock for a jump, and makes it run on; a smaller one forward is a gap.
_JUMP_BACK = Fraction(1, 10)
_JUMP_FORWARD = Fraction(10)


@contextmanager
def readable(source: Path, beside: Path) -> Iterator[tuple[Path, list[str]]]:
    """The source itself, or a copy without loss in a hidden folder, and what a user must hear of it.

    The folder lies beside the path `beside` and is removed at the end. An animated WebP, which libav before 9 does not
    decode, becomes a Matroska file. A broadcast stream whose clock jumps, since recordings were joined or a receiver
    lost its signal, becomes one whose clock runs on.

    Raises:
        MediaError: the source cannot be read, or the copy not be written.
    """
    is_animation = _is_animated_webp(source)
    jumping, jumps = ("", 0) if is_animation else _jumps(source)
    if not is_animation and not jumps:
        with _named_in_utf8(source) as path:
            yield path, []
        return
    with blamed_on_output(beside):
        folder = TemporaryDirectory(prefix=f".{hidden_name(beside)}.unpacked.", dir=beside.parent)
    with folder:
        if is_animation:
            copy = Path(folder.name) / "source.mkv"
            command = ffmpeg.input(url(source)).output(url(copy), f="matroska", **{"c:v": "png"})
            run_ffmpeg(command, f"{source}: cannot be read as an animated WebP", target=copy)
            yield copy, []
        else:
            copy = Path(folder.name) / f"source.{jumping}"
            options = {"map": "0", "c": "copy", "copy_unknown": None, "f": _JUMPING_FORMATS[jumping]}
            run_ffmpeg(
                ffmpeg.input(url(source)).output(url(copy), **options), f"{source}: cannot be copied", target=copy
            )
            yield copy, [f"the clock of the source jumps (places: {jumps}): it is made to run on"]


@contextmanager
def kept_for_a_while(stream: BinaryIO, beside: Path) -> Iterator[Path]:
    """A file with all that a pipe gives, in a hidden folder beside `beside`: videos are read more than once.

    Raises:
        MediaError: it cannot be written.
    """
    with blamed_on_output(beside):
        folder = TemporaryDirectory(prefix=f".{hidden_name(beside)}.stdin.", dir=beside.parent)
    with folder:
        copy = Path(folder.name) / "stdin"
        with blamed_on_output(beside), copy.open("wb") as file:
            shutil.copyfileobj(stream, file)
        yield copy


@contextmanager
def _named_in_utf8(source: Path) -> Iterator[Path]:
    """The source, or a link to it: neither PyAV nor ffmpeg-python takes names that are not UTF-8."""
    if source.name.isascii() or hidden_name(source) == source.name or not source.is_file():
        yield source
        return
    with TemporaryDirectory(prefix="stylecli-") as folder:
        link = Path(folder) / "source"
        link.symlink_to(source.resolve())
        yield link


def _jumps(source: Path) -> tuple[str, int]:
    """The name of a broadcast format, and how often the clock of its first moving picture jumps."""
    if not source.is_file() or not _may_be_broadcast(source):
        return "", 0
    with opened(source) as container:
        name = container.format.name
        stream = next(iter(container.streams.video), None)
        if name not in _JUMPING_FORMATS or stream is None:
            return "", 0
        clock = fraction(stream.time_base, MICROSECOND)
        jumps, latest = 0, None
        for packet in container.demux(stream):
            if packet.dts is None:
                continue
            time = packet.dts * clock
            jumps += latest is not None and not -_JUMP_BACK <= time - latest <= _JUMP_FORWARD
            latest = time
        return name, jumps


def _may_be_broadcast(source: Path) -> bool:
    """Whether the first bytes may be those of MPEG-TS (also with timestamps, as on Blu-ray) or MPEG-PS."""
    with source.open("rb") as file:
        start = file.read(1024)
    return b"\x47" in (start[0:1], start[4:5], start[188:189]) or start[:4] == b"\x00\x00\x01\xba"


def _is_animated_webp(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        start = file.read(64)
    return start[:4] == b"RIFF" and start[8:12] == b"WEBP" and b"ANIM" in start
