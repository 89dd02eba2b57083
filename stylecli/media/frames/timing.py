"""The timing of a video's frames, kept beside them in timing.json: when each is shown, to the tick."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

from stylecli.core.errors import MediaError
from stylecli.core.files import write_atomically
from stylecli.media.images.files import pictures_of
from stylecli.media.video.clip import Span
from stylecli.media.video.rates import clock_for

TIMING = "timing.json"
FORMAT = 1


@dataclass(frozen=True)
class TimedFrame:
    """A picture file of a video: its name, and its timestamp and duration (0: not known) in ticks."""

    file: str
    pts: int
    duration: int


@dataclass(frozen=True)
class Timing:
    """All frames of a video, or of a part of it.

    video: the name of its file.
    time_base: seconds of a tick.
    span: seconds from and up to which the frames were taken; None: the whole video.
    """

    video: str
    time_base: Fraction
    frames: tuple[TimedFrame, ...]
    span: Span | None = None


def write_timing(timing: Timing, folder: Path) -> None:
    """Write the sidecar; it appears whole or not at all. Raises OSError."""
    frames = [[frame.file, frame.pts, frame.duration] for frame in timing.frames]
    part = {"range": [None if second is None else str(second) for second in timing.span]} if timing.span else {}
    table = {"format": FORMAT, "video": timing.video, "time_base": str(timing.time_base), **part, "frames": frames}
    rows = ",\n  ".join(map(json.dumps, frames))  # a frame a line, for people and for diff
    text = json.dumps({**table, "frames": None}, indent=1).removesuffix("null\n}") + f"[\n  {rows}\n ]\n}}\n"
    write_atomically(folder / TIMING, text.encode())


def read_timing(folder: Path) -> Timing:
    """Read the sidecar of a folder of frames.

    Raises:
        MediaError: it is missing, damaged or of another version; timestamps do not rise.
    """
    path = folder / TIMING
    if not folder.is_dir():
        raise MediaError(f"{folder}: no such folder", hint="Give a folder that `stylecli split` wrote.")
    hint = "`stylecli split` writes it; frames without it need a rate: `rate=25`."
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        timing = _timing_in(table)
    except OSError as error:
        raise MediaError(f"{path}: it cannot be read ({error.strerror})", hint=hint) from error
    except (ValueError, KeyError, TypeError, ZeroDivisionError) as error:
        raise MediaError(f"{path}: it is damaged ({error})", hint=hint) from error
    times = [frame.pts for frame in timing.frames]
    if not times or timing.time_base <= 0 or any(later <= time for time, later in pairwise(times)):
        raise MediaError(f"{path}: it is damaged (its timestamps do not rise)", hint=hint)
    return timing


def timing_at(folder: Path, rate: Fraction, *, video: str, start: Fraction) -> Timing:
    """A timing for pictures that have none: in the order of their numbers, at a constant rate from `start` on.

    rate: frames a second. start: seconds.

    Raises:
        MediaError: there is no picture.
    """
    clock = clock_for(rate)
    step = round(1 / rate / clock)
    first = round(start / clock)
    files = sorted((path.name for path, _ in pictures_of(folder, recursive=False)), key=_number_in)
    frames = (TimedFrame(name, first + number * step, step) for number, name in enumerate(files))
    return Timing(video, clock, tuple(frames))


def _number_in(name: str) -> tuple[int, str]:
    """The last number of a file's name, which counts the frames, and the name itself."""
    numbers = re.findall(r"\d+", Path(name).stem)
    return int(numbers[-1]) if numbers else 0, name


def _timing_in(table: Mapping[str, Any]) -> Timing:
    if table["format"] != FORMAT:
        raise ValueError(f"format {table['format']}, this stylecli reads {FORMAT}")
    frames = tuple(TimedFrame(Path(str(file)).name, int(pts), int(duration)) for file, pts, duration in table["frames"])
    start, end = table.get("range") or (None, None)
    span = None if start is None else (Fraction(start), None if end is None else Fraction(end))
    return Timing(str(table["video"]), Fraction(table["time_base"]), frames, span)
