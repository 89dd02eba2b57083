"""The files of an item: one that is read and one that is written, or such a pair for each frame of a sequence."""

from __future__ import annotations

from pathlib import Path

from stylecli.core.errors import UsageError
from stylecli.media.frames.sequences import Pattern, frames_of, pattern_of
from stylecli.stylize.batch.manifests.rows import Item

MARKS = frozenset("%[#$")  # one of them is in each pattern of a sequence

Pairs = list[tuple[Path, Path]]  # (input, output), of a sequence in the order of frames


def is_sequence(path: Path) -> bool:
    """Whether a path is the pattern of a numbered sequence, such as shot.%04d.exr, and not a file of that very name.

    Raises:
        UsageError: it has several places for a number, or a range that is none.
    """
    return not MARKS.isdisjoint(path.name) and pattern_of(path) is not None


def files_of(item: Item, folder: Path) -> Pairs:
    """Return the files of an item whose paths are relative to `folder`.

    Raises:
        UsageError, MediaError: as `frame_files`.
    """
    source, output = folder / item.input, folder / item.output
    return frame_files(source, output) if item.kind == "sequence" else [(source, output)]


def style_of(item: Item, folder: Path) -> str:
    """Return an item's style for `find_style`: a name, a blend, or a folder, whose path is relative to `folder`."""
    path = folder / item.style
    return str(path) if Path(item.style).name != item.style and path.is_dir() else item.style


def frame_files(source: Path, output: Path) -> Pairs:
    """Find the frames of a sequence, and the files that they become, under the same numbers.

    Raises:
        UsageError: one of the two has no place for a number.
        MediaError: there are no frames, or some of a range are missing.
    """
    frames, made = frames_of(_pattern(source)), _pattern(output)
    return [(path, made.path(number)) for number, path in frames.items()]


def _pattern(path: Path) -> Pattern:
    pattern = pattern_of(path)
    if pattern is None:
        raise UsageError(f"{path}: a sequence needs a place for the numbers of its frames, such as %04d")
    return pattern
