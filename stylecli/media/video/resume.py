"""Work that survives its process: finished pieces of a video in a hidden folder beside the output.

.out.mp4.partial/
- lock: held by the process that works here; the system lets go of it when that process ends, however it ends
- job.json: what is being made of what; finished pieces are used for the same job only
- 000000.video, ...: the pieces; the .json beside each describes it, is written last and makes the piece valid
- 000000.npz, ...: what the painter remembered at the end of the piece, if anything

.out.mp4.1f2e3d4c.partial/ is work that was set aside, since the next run wanted something else: the digits stand for
what was wanted. A run that wants it again takes it up; it goes when the output is delivered or other work is set aside.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, BinaryIO

from stylecli.core.errors import MediaError, UsageError
from stylecli.core.files import blamed_on, flush_to_disk, hidden_name, try_lock, write_atomically
from stylecli.core.progress import Notice

if TYPE_CHECKING:
    from numpy.typing import NDArray

Fingerprint = Mapping[str, str]  # everything that decides how the result looks, by names that a user can read
PainterState = Mapping[str, "NDArray[Any]"]  # what a painter carries from frame to frame

_PREFIX, _SUFFIX = ".", ".partial"
_LOCK, _JOB, _VIDEO = "lock", "job.json", ".video"
_DIGITS = 8  # of the hash in the name of work that was set aside
_ASIDE = re.compile(rf"\.[0-9a-f]{{{_DIGITS}}}$")


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

    def state(self) -> PainterState:
        """What the painter remembered behind the last finished frame; empty where it remembers nothing."""
        import numpy as np

        if not self.pieces or not (file := self.pieces[-1].file.with_suffix(".npz")).exists():
            return {}
        with np.load(file, allow_pickle=False) as arrays:
            return dict(arrays)

    def commit(self, *, frames: int, end: int, state: PainterState) -> None:
        """The draft becomes the next piece, for good. Raises MediaError."""
        import numpy as np

        file = self.folder / f"{len(self.pieces):06}{_VIDEO}"
        with blamed_on(self.output):
            flush_to_disk(self.draft)
            if state:
                np.savez(file.with_suffix(".npz"), allow_pickle=False, **state)
                flush_to_disk(file.with_suffix(".npz"))
            self.draft.replace(file)
            _write_json(file.with_suffix(".json"), {"frames": frames, "end": end, "bytes": file.stat().st_size})
        self.pieces.append(Piece(file, frames, end))

    def deliver(self, file: Path) -> None:
        """A file of the folder gets the name of the output. Raises MediaError."""
        with blamed_on(self.output):
            file.replace(self.output)


@contextmanager
def partial_work(
    output: Path, fingerprint: Fingerprint | None, *, restart: bool = False, notice: Notice
) -> Iterator[PartialWork]:
    """The partial work for `output`: what an earlier run of the same job finished, or nothing yet.

    Its folder is deleted when the `with` ends without an error. After an error, finished pieces stay for a later run of
    the same job; without a fingerprint nothing ever stays. Work of another job is set aside; `restart` deletes it.

    Raises:
        UsageError: another process works on the same output.
        MediaError: the folder cannot be made.
    """
    if fingerprint is None:
        with blamed_on(output):
            temporary = TemporaryDirectory(prefix=f"{_PREFIX}{hidden_name(output)}.", dir=output.parent)
        with temporary:
            yield PartialWork(Path(temporary.name), output)
        return
    folder = output.with_name(f"{_PREFIX}{hidden_name(output)}{_SUFFIX}")
    with _hold(folder, output):
        try:
            with blamed_on(output):
                _make_fit(folder, output, fingerprint, restart=restart, notice=notice)
                _clean(folder)
                _write_json(folder / _JOB, fingerprint)
            yield PartialWork(folder, output)
        except BaseException:
            if frames := _clean(folder):
                notice(f"{frames} finished frames are kept: the same command goes on from there")
            else:
                shutil.rmtree(folder, ignore_errors=True)
            raise
        for place in (folder, *_set_aside(output)):
            shutil.rmtree(place, ignore_errors=True)


def leftovers(folder: Path) -> list[Leftover]:
    """The partial work for outputs in `folder`."""
    found = []
    for place in sorted(folder.glob(f"{_PREFIX}*{_SUFFIX}")):
        if (place / _LOCK).is_file():
            output = place.with_name(_ASIDE.sub("", place.name.removeprefix(_PREFIX).removesuffix(_SUFFIX)))
            size = sum(file.stat().st_size for file in place.iterdir())
            frames = sum(piece.frames for piece in _valid_pieces(place))
            found.append(Leftover(place, output, frames, size, _is_in_use(place)))
    return found


def discard(leftover: Leftover) -> None:
    """Delete partial work.

    Raises:
        UsageError: a process works on it.
        MediaError: it cannot be removed.
    """
    with _hold(leftover.folder, leftover.output):
        try:
            shutil.rmtree(leftover.folder)
        except OSError as error:
            fault = f"{leftover.folder}: cannot be removed ({error.strerror})"
            raise MediaError(fault, hint="Check its permissions.") from error


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


def _make_fit(folder: Path, output: Path, fingerprint: Fingerprint, *, restart: bool, notice: Notice) -> None:
    """Set work of another job aside and take up that of this job, if it was set aside before."""
    before = _job_of(folder)
    frames = sum(piece.frames for piece in _valid_pieces(folder))
    wanted = _place_aside(output, fingerprint)
    if restart:
        if before is not None:
            notice(f"{frames} finished frames are discarded, as asked for")
        (folder / _JOB).unlink(missing_ok=True)
        for place in _set_aside(output):
            shutil.rmtree(place)
    elif before is not None and (changed := _changes(before, fingerprint)):
        for place in _set_aside(output):
            if place != wanted:
                shutil.rmtree(place)
        if frames:
            notice(
                f"{frames} finished frames are set aside, since this has changed: {', '.join(changed)}; "
                "the command as it was takes them up again"
            )
            _move(folder, _place_aside(output, before))
        (folder / _JOB).unlink(missing_ok=True)
    if not (folder / _JOB).exists() and (wanted / _JOB).exists():
        _clean(folder)
        _move(wanted, folder)
        shutil.rmtree(wanted)


def _job_of(folder: Path) -> Fingerprint | None:
    """The job that work is of; one without names where that cannot be told, None where there is no work."""
    try:
        return dict(json.loads((folder / _JOB).read_bytes()))
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return {}


def _changes(before: Fingerprint, now: Fingerprint) -> list[str]:
    return sorted(name for name in {*before, *now} if before.get(name) != now.get(name))


def _place_aside(output: Path, fingerprint: Fingerprint) -> Path:
    digest = hashlib.sha256(json.dumps(dict(fingerprint), sort_keys=True).encode()).hexdigest()[:_DIGITS]
    return output.with_name(f"{_PREFIX}{hidden_name(output)}.{digest}{_SUFFIX}")


def _set_aside(output: Path) -> list[Path]:
    """The folders of work for an output that was set aside."""
    start = f"{_PREFIX}{hidden_name(output)}"
    places = (place for place in output.parent.iterdir() if place.name.startswith(f"{start}."))
    return [place for place in places if _ASIDE.fullmatch(place.name.removeprefix(start).removesuffix(_SUFFIX))]


def _move(source: Path, target: Path) -> None:
    """Move work. Whatever interrupts this, the first pieces and the job stay together in `source` to the last."""
    target.mkdir(exist_ok=True)
    (target / _LOCK).touch()
    names = sorted((file.name for file in source.iterdir() if file.name != _LOCK), reverse=True)
    for name in sorted(names, key=lambda name: name == _JOB):
        (source / name).replace(target / name)


def _clean(folder: Path) -> int:
    """Remove everything that a later run cannot use; return the number of finished frames that stay."""
    pieces = list(_valid_pieces(folder)) if (folder / _JOB).exists() else []
    useful = {_LOCK, _JOB, *(piece.file.with_suffix(end).name for piece in pieces for end in (_VIDEO, ".json", ".npz"))}
    for file in folder.iterdir():
        if file.name not in useful:
            file.unlink(missing_ok=True)
    return sum(piece.frames for piece in pieces)


def _hold(folder: Path, output: Path) -> BinaryIO:
    """Make the folder and take its lock, which lasts until the file is closed; UsageError where another has it."""
    while True:
        with blamed_on(output):
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
    write_atomically(file, json.dumps(content, indent=1).encode(), is_durable=True)
