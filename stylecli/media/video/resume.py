"""Work that survives its process: finished pieces of a video, which a later run of the same job takes up."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from stylecli.core.files import blamed_on, flush_to_disk, hidden_name, write_atomically
from stylecli.core.progress import Notice
from stylecli.media.video.partial_folders import (
    ASIDE,
    DIGITS,
    JOB,
    LOCK,
    PREFIX,
    SUFFIX,
    VIDEO,
    Piece,
    clean,
    hold,
    valid_pieces,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

Fingerprint = Mapping[str, str]  # everything that decides how the result looks, by names that a user can read
PainterState = Mapping[str, "NDArray[Any]"]  # what a painter carries from frame to frame


class PartialWork:
    """The pieces of one output, in the hands of this process."""

    def __init__(self, folder: Path, output: Path) -> None:
        self.folder = folder
        self.output = output
        self.draft = folder / "draft"  # the piece that is being written
        self.pieces = list(valid_pieces(folder))

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

        file = self.folder / f"{len(self.pieces):06}{VIDEO}"
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
            temporary = TemporaryDirectory(prefix=f"{PREFIX}{hidden_name(output)}.", dir=output.parent)
        with temporary:
            yield PartialWork(Path(temporary.name), output)
        return
    folder = output.with_name(f"{PREFIX}{hidden_name(output)}{SUFFIX}")
    with hold(folder, output):
        try:
            with blamed_on(output):
                _make_fit(folder, output, fingerprint, restart=restart, notice=notice)
                clean(folder)
                _write_json(folder / JOB, fingerprint)
            yield PartialWork(folder, output)
        except BaseException:
            if frames := clean(folder):
                notice(f"{frames} finished frames are kept: the same command goes on from there")
            else:
                shutil.rmtree(folder, ignore_errors=True)
            raise
        for place in (folder, *_set_aside(output)):
            shutil.rmtree(place, ignore_errors=True)


def _make_fit(folder: Path, output: Path, fingerprint: Fingerprint, *, restart: bool, notice: Notice) -> None:
    """Set work of another job aside and take up that of this job, if it was set aside before."""
    before = _job_of(folder)
    frames = sum(piece.frames for piece in valid_pieces(folder))
    wanted = _place_aside(output, fingerprint)
    if restart:
        if before is not None:
            notice(f"{frames} finished frames are discarded, as asked for")
        (folder / JOB).unlink(missing_ok=True)
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
        (folder / JOB).unlink(missing_ok=True)
    if not (folder / JOB).exists() and (wanted / JOB).exists():
        clean(folder)
        _move(wanted, folder)
        shutil.rmtree(wanted)


def _job_of(folder: Path) -> Fingerprint | None:
    """The job that work is of; one without names where that cannot be told, None where there is no work."""
    try:
        return dict(json.loads((folder / JOB).read_bytes()))
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return {}


def _changes(before: Fingerprint, now: Fingerprint) -> list[str]:
    return sorted(name for name in {*before, *now} if before.get(name) != now.get(name))


def _place_aside(output: Path, fingerprint: Fingerprint) -> Path:
    digest = hashlib.sha256(json.dumps(dict(fingerprint), sort_keys=True).encode()).hexdigest()[:DIGITS]
    return output.with_name(f"{PREFIX}{hidden_name(output)}.{digest}{SUFFIX}")


def _set_aside(output: Path) -> list[Path]:
    """The folders of work for an output that was set aside."""
    start = f"{PREFIX}{hidden_name(output)}"
    places = (place for place in output.parent.iterdir() if place.name.startswith(f"{start}."))
    return [place for place in places if ASIDE.fullmatch(place.name.removeprefix(start).removesuffix(SUFFIX))]


def _move(source: Path, target: Path) -> None:
    """Move work. Whatever interrupts this, the first pieces and the job stay together in `source` to the last."""
    target.mkdir(exist_ok=True)
    (target / LOCK).touch()
    names = sorted((file.name for file in source.iterdir() if file.name != LOCK), reverse=True)
    for name in sorted(names, key=lambda name: name == JOB):
        (source / name).replace(target / name)


def _write_json(file: Path, content: Mapping[str, Any]) -> None:
    write_atomically(file, json.dumps(content, indent=1).encode(), is_durable=True)
