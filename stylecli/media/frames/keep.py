"""The stylized frames of a video kept as PNG beside it, with the sidecar that `assemble` needs."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from stylecli.core.errors import UsageError
from stylecli.core.files import blamed_on
from stylecli.media.frames.split import DIGITS
from stylecli.media.frames.timing import TimedFrame, Timing, write_timing
from stylecli.media.images.files import picture_from_pixels, write_picture
from stylecli.media.video.clip import Clip, Frame, Span

JOURNAL = ".timing.lines"  # of the frames so far; a run that goes on needs it


@contextmanager
def keeping_frames(
    folder: Path | None, clip: Clip, *, span: Span | None = None, done: int = 0
) -> Iterator[Callable[[Frame], None]]:
    """A function that writes the next frame into `folder`; timing.json is written at the end. None keeps no frames.

    `span` is the part of the video that the frames are of, for the sidecar.

    `done` frames are there already, from a run that was interrupted; frames after these are written again.

    Raises:
        UsageError: the folder holds something else, or lacks frames of the interrupted run.
        MediaError: a frame cannot be written.
    """
    if folder is None:
        yield lambda _: None
        return
    timed = _prepared(folder, done)
    with blamed_on(folder):
        (folder / JOURNAL).write_text("".join(map(_line, timed)), encoding="utf-8")

    def keep(frame: Frame) -> None:
        kept = TimedFrame(f"{len(timed) + 1:0{DIGITS}d}.png", frame.pts, frame.duration)
        picture = dataclasses.replace(picture_from_pixels(frame.pixels), alpha=frame.alpha)
        write_picture(picture, folder / kept.file, overwrite=True)
        with blamed_on(folder), (folder / JOURNAL).open("a", encoding="utf-8") as journal:
            journal.write(_line(kept))
        timed.append(kept)

    yield keep
    with blamed_on(folder):
        write_timing(Timing(clip.path.name, clip.time_base, tuple(timed), span), folder)
        (folder / JOURNAL).unlink()


def _prepared(folder: Path, done: int) -> list[TimedFrame]:
    """The frames that are there already."""
    journal = folder / JOURNAL
    with blamed_on(folder):
        folder.mkdir(parents=True, exist_ok=True)
        if not journal.exists():
            if any(folder.iterdir()):
                raise UsageError(f"{folder}: holds something else", hint="Name another folder in `keep_frames`.")
            timed = []
        else:
            lines = journal.read_text(encoding="utf-8").splitlines()[:done]
            timed = [TimedFrame(*json.loads(line)) for line in lines]
    if len(timed) < done or any(not (folder / frame.file).is_file() for frame in timed):
        raise UsageError(f"{folder}: lacks frames that were made already", hint="Start again with `restart=True`.")
    return timed


def _line(frame: TimedFrame) -> str:
    return f"{json.dumps([frame.file, frame.pts, frame.duration])}\n"
