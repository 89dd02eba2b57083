"""A source in a form that libav reads well: an animated WebP unpacked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import ffmpeg

from stylecli.media.video.ffmpeg import run_ffmpeg, url
from stylecli.media.video.streams import blamed_on_output


@contextmanager
def readable(source: Path, output: Path) -> Iterator[Path]:
    """The source itself, or a copy without loss in a hidden folder beside `output`, which is removed at the end.

    An animated WebP, which libav before 9 does not decode, becomes a Matroska file.

    Raises:
        MediaError: the source cannot be read, or the copy not be written.
    """
    if not _is_animated_webp(source):
        yield source
        return
    with blamed_on_output(output):
        folder = TemporaryDirectory(prefix=f".{output.name}.unpacked.", dir=output.parent)
    with folder:
        unpacked = Path(folder.name) / f"{source.name}.mkv"
        command = ffmpeg.input(url(source)).output(url(unpacked), f="matroska", **{"c:v": "png"})
        run_ffmpeg(command, f"{source}: cannot be read as an animated WebP")
        yield unpacked


def _is_animated_webp(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        start = file.read(64)
    return start[:4] == b"RIFF" and start[8:12] == b"WEBP" and b"ANIM" in start
