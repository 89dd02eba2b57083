"""The hidden folders of unfinished videos: their files, their lock, which pieces are valid, what lies in a folder.

.out.mp4.partial/
- lock: held by the process that works here; the system lets go of it when that process ends, however it ends
- job.json: what is being made of what; finished pieces are used for the same job only
- 000000.video, ...: the pieces; the .json beside each describes it, is written last and makes the piece valid
- 000000.npz, ...: what the painter remembered at the end of the piece, if anything

.out.mp4.1f2e3d4c.partial/ is work that was set aside, since the next run wanted something else: the digits stand for
what was wanted. A run that wants it again takes it up; it goes when the output is delivered or other work is set aside.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import BinaryIO

from stylecli.core.errors import MediaError, UsageError
from stylecli.core.files import blamed_on, try_lock

PREFIX, SUFFIX = ".", ".partial"
LOCK, JOB, VIDEO = "lock", "job.json", ".video"
DIGITS = 8  # of the hash in the name of work that was set aside
ASIDE = re.compile(rf"\.[0-9a-f]{{{DIGITS}}}$")


@dataclass(frozen=True)
class Piece:
    """A finished part of the picture, a video file of its own."""

    file: Path
    frames: int
    end: int  # the tick at which its last frame ends


@dataclass(frozen=True)
class Leftover:
    """Partial work that lies in a folder."""

    folder: Path
    output: Path
    frames: int
    size: int  # bytes
    in_use: bool


def leftovers(folder: Path) -> list[Leftover]:
    """The partial work for outputs in `folder`."""
    found = []
    for place in sorted(folder.glob(f"{PREFIX}*{SUFFIX}")):
        if (place / LOCK).is_file():
            output = place.with_name(ASIDE.sub("", place.name.removeprefix(PREFIX).removesuffix(SUFFIX)))
            size = sum(file.stat().st_size for file in place.iterdir())
            frames = sum(piece.frames for piece in valid_pieces(place))
            found.append(Leftover(place, output, frames, size, _is_in_use(place)))
    return found


def discard(leftover: Leftover) -> None:
    """Delete partial work.

    Raises:
        UsageError: a process works on it.
        MediaError: it cannot be removed.
    """
    with hold(leftover.folder, leftover.output):
        try:
            shutil.rmtree(leftover.folder)
        except OSError as error:
            fault = f"{leftover.folder}: cannot be removed ({error.strerror})"
            raise MediaError(fault, hint="Check its permissions.") from error


def valid_pieces(folder: Path) -> Iterator[Piece]:
    """The pieces from the first one on, up to one that is missing or not whole."""
    for number in count():
        file = folder / f"{number:06}{VIDEO}"
        try:
            facts = json.loads(file.with_suffix(".json").read_bytes())
            if file.stat().st_size != facts["bytes"]:
                return
            yield Piece(file, facts["frames"], facts["end"])
        except (OSError, ValueError, KeyError):
            return


def clean(folder: Path) -> int:
    """Remove everything that a later run cannot use; return the number of finished frames that stay."""
    pieces = list(valid_pieces(folder)) if (folder / JOB).exists() else []
    useful = {LOCK, JOB, *(piece.file.with_suffix(end).name for piece in pieces for end in (VIDEO, ".json", ".npz"))}
    for file in folder.iterdir():
        if file.name not in useful:
            file.unlink(missing_ok=True)
    return sum(piece.frames for piece in pieces)


def hold(folder: Path, output: Path) -> BinaryIO:
    """Make the folder and take its lock, which lasts until the file is closed; UsageError where another has it."""
    while True:
        with blamed_on(output):
            folder.mkdir(exist_ok=True)
        try:
            file = (folder / LOCK).open("ab")
        except FileNotFoundError:  # a run that ended just now took the folder away
            continue
        if not try_lock(file):
            file.close()
            raise UsageError(f"{output}: is being written by another run", hint="Wait for it, or give another name.")
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), (folder / LOCK).stat()):
                return file
        file.close()  # the lock of a folder that is gone


def _is_in_use(folder: Path) -> bool:
    with (folder / LOCK).open("ab") as file:
        return not try_lock(file)
