"""Work that survives its process: finished pieces of a video in a hidden folder beside the output.

.out.mp4.partial/
- lock: held by the process that works here; the system lets go of it when that process ends, however it ends
- job.json: what is being made of what; finished pieces are of use to the very same job only
- 000000.video, ...: the pieces; what is known of each is beside it in .json, which is written last and makes it valid
- 000000.npz, ...: what the painter remembered at the end of the piece, if anything
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, BinaryIO

from stylecli.core.errors import MediaError, UsageError
from stylecli.core.files import try_lock

if TYPE_CHECKING:
    from numpy.typing import NDArray

Job = Mapping[str, str]  # what decides how the result looks: name of a thing, told when it changed -> what it was
State = Mapping[str, "NDArray[Any]"]  # what a painter carries from frame to frame

_PREFIX, _SUFFIX = ".", ".partial"
_LOCK, _JOB, _VIDEO = "lock", "job.json", ".video"


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


class PartialWork:
    """The pieces of one output, in the hands of this process."""

    def __init__(self, folder: Path, output: Path) -> None:
        self.folder = folder
        self.output = output
        self.draft = folder / "draft"  # the piece that is being written
        self.pieces = list(_valid_pieces(folder))

    @property
    def frames(self) -> int:
        """How many are finished."""
        return sum(piece.frames for piece in self.pieces)

    @property
    def size(self) -> int:
        """Bytes of the finished pieces."""
        return sum(piece.file.stat().st_size for piece in self.pieces)

    def state(self) -> State:
        """What the painter remembered behind the last finished frame; empty where it remembers nothing."""
        import numpy as np

        if not self.pieces or not (file := self.pieces[-1].file.with_suffix(".npz")).exists():
            return {}
        with np.load(file, allow_pickle=False) as arrays:
            return dict(arrays)

    def commit(self, *, frames: int, end: int, state: State) -> None:
        """The draft becomes the next piece, for good. Raises MediaError."""
        import numpy as np

        file = self.folder / f"{len(self.pieces):06}{_VIDEO}"
        with _blamed_on(self.output):
            _make_durable(self.draft)
            if state:
                np.savez(file.with_suffix(".npz"), allow_pickle=False, **state)
                _make_durable(file.with_suffix(".npz"))
            self.draft.replace(file)
            _write_json(file.with_suffix(".json"), {"frames": frames, "end": end, "bytes": file.stat().st_size})
        self.pieces.append(Piece(file, frames, end))

    def deliver(self, file: Path) -> None:
        """A file of the folder gets the name of the output. Raises MediaError."""
        with _blamed_on(self.output):
            file.replace(self.output)


@contextmanager
def partial_work(
    output: Path, job: Job | None, *, restart: bool = False, notice: Callable[[str], None]
) -> Iterator[PartialWork]:
    """The partial work for `output`: what an earlier run of the same job finished, or nothing yet.

    When the `with` is left without an error, it is gone. After an error what is finished stays, for a later run of
    the same job; with `job` None nothing ever stays. Raises UsageError while another process works on the same output,
    MediaError where the folder cannot be made.
    """
    if job is None:
        with _blamed_on(output):
            temporary = TemporaryDirectory(prefix=f"{_PREFIX}{output.name}.", dir=output.parent)
        with temporary:
            yield PartialWork(Path(temporary.name), output)
        return
    folder = output.with_name(f"{_PREFIX}{output.name}{_SUFFIX}")
    with _hold(folder, output):
        try:
            with _blamed_on(output):
                if reason := _uselessness(folder, job, restart=restart):
                    notice(reason)
                    (folder / _JOB).unlink()
                _clean(folder)
                _write_json(folder / _JOB, job)
            yield PartialWork(folder, output)
        except BaseException:
            if frames := _clean(folder):
                notice(f"{frames} finished frames are kept: the same command goes on from there")
            else:
                shutil.rmtree(folder, ignore_errors=True)
            raise
        shutil.rmtree(folder, ignore_errors=True)


def leftovers(folder: Path) -> list[Leftover]:
    """The partial work for outputs in `folder`."""
    found = []
    for place in sorted(folder.glob(f"{_PREFIX}*{_SUFFIX}")):
        if (place / _LOCK).is_file():
            output = place.with_name(place.name.removeprefix(_PREFIX).removesuffix(_SUFFIX))
            size = sum(file.stat().st_size for file in place.iterdir())
            frames = sum(piece.frames for piece in _valid_pieces(place))
            found.append(Leftover(place, output, frames, size, _is_in_use(place)))
    return found


def discard(leftover: Leftover) -> None:
    """Throw partial work away. Raises UsageError while a process is at it, MediaError where it cannot be removed."""
    with _hold(leftover.folder, leftover.output):
        try:
            shutil.rmtree(leftover.folder)
        except OSError as error:
            raise MediaError(f"{leftover.folder}: cannot be removed ({error.strerror})") from error


def _valid_pieces(folder: Path) -> Iterator[Piece]:
    """The pieces from the first one on, up to one that is missing or not whole."""
    for number in count():
        file = folder / f"{number:06}{_VIDEO}"
        try:
            facts = json.loads(file.with_suffix(".json").read_bytes())
            if file.stat().st_size != facts["bytes"]:
                return
            yield Piece(file, facts["frames"], facts["end"])
        except (OSError, ValueError, KeyError):
            return


def _uselessness(folder: Path, job: Job, *, restart: bool) -> str:
    """Why what lies in `folder` is thrown away; empty where it is of use, or nothing lies there."""
    if not (folder / _JOB).exists():
        return ""
    frames = sum(piece.frames for piece in _valid_pieces(folder))
    if restart:
        return f"{frames} finished frames are thrown away, as asked for"
    try:
        before = dict(json.loads((folder / _JOB).read_bytes()))
    except (OSError, ValueError):
        before = {}
    changed = sorted(name for name in {*before, *job} if before.get(name) != job.get(name))
    return f"{frames} finished frames are thrown away, since this has changed: {', '.join(changed)}" if changed else ""


def _clean(folder: Path) -> int:
    """Remove all that is of no use to a later run; how many finished frames stay."""
    pieces = list(_valid_pieces(folder)) if (folder / _JOB).exists() else []
    useful = {_LOCK, _JOB, *(piece.file.with_suffix(end).name for piece in pieces for end in (_VIDEO, ".json", ".npz"))}
    for file in folder.iterdir():
        if file.name not in useful:
            file.unlink(missing_ok=True)
    return sum(piece.frames for piece in pieces)


def _hold(folder: Path, output: Path) -> BinaryIO:
    """Make the folder and take its lock, which lasts until the file is closed; UsageError where another has it."""
    while True:
        with _blamed_on(output):
            folder.mkdir(exist_ok=True)
        try:
            file = (folder / _LOCK).open("ab")
        except FileNotFoundError:  # a run that ended just now took the folder away
            continue
        if not try_lock(file):
            file.close()
            raise UsageError(f"{output}: is being written by another run", hint="Wait for it, or give another name.")
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), (folder / _LOCK).stat()):
                return file
        file.close()  # the lock of a folder that is gone


def _is_in_use(folder: Path) -> bool:
    with (folder / _LOCK).open("ab") as file:
        return not try_lock(file)


def _write_json(file: Path, content: Mapping[str, Any]) -> None:
    draft = file.with_suffix(".new")
    draft.write_text(json.dumps(content, indent=1))
    _make_durable(draft)
    draft.replace(file)
    if sys.platform != "win32":  # there a folder cannot be opened
        _make_durable(file.parent)


@contextmanager
def _blamed_on(output: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise MediaError(f"{output}: cannot be written ({error.strerror or error})") from error


def _make_durable(path: Path) -> None:
    """What was written survives a loss of power."""
    descriptor = os.open(path, os.O_RDONLY if sys.platform != "win32" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
