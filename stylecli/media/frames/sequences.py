"""Numbered picture sequences: `shot.%04d.exr`, `shot.####.exr`, `shot.[1001-1100].exr`. Numbers are kept."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from stylecli.core.errors import MediaError, UsageError

# As of printf, Nuke, Houdini; and a range. A single # is a part of the name.
_PLACE = re.compile(r"%(?:0?(?P<printf>\d+))?d|(?P<nuke>##+)|\$F(?P<houdini>\d+)|\[(?P<first>-?\d+)-(?P<last>-?\d+)\]")
_SEPARATORS = "._-"  # between the name of a sequence and its numbers


@dataclass(frozen=True)
class Pattern:
    """A file name with a place for a number, and the numbers that are wanted (None: all that there are)."""

    folder: Path
    before: str  # of the file's name: what stands before the number, and behind it
    after: str
    digits: int  # a number has at least so many, with zeros in front
    wanted: range | None = None

    def __str__(self) -> str:
        place = f"[{self.wanted[0]}-{self.wanted[-1]}]" if self.wanted else f"%0{self.digits}d"
        return str(self.folder / f"{self.before}{place}{self.after}")

    @property
    def suffix(self) -> str:
        """The suffix of its files, such as ".exr"."""
        return Path(f"0{self.after}").suffix

    def path(self, number: int) -> Path:
        """The file of a number."""
        sign = "-" if number < 0 else ""
        return self.folder / f"{self.before}{sign}{abs(number):0{self.digits}d}{self.after}"

    def named(self, name: str) -> Pattern:
        """The same with `-name` behind the sequence's own name: shot.%04d.exr becomes shot-name.%04d.exr."""
        stem = self.before.rstrip(_SEPARATORS)
        separator = self.before[len(stem) :] or "."
        return Pattern(
            self.folder, f"{stem}-{name}{separator}" if stem else f"{name}{separator}", self.after, self.digits
        )

    def with_suffix(self, suffix: str) -> Pattern:
        """The same with another suffix."""
        stem = self.after.removesuffix(self.suffix)
        return Pattern(self.folder, self.before, f"{stem}{suffix}", self.digits)

    def within(self, folder: Path) -> Pattern:
        """The same in another folder."""
        return Pattern(folder, self.before, self.after, self.digits)


def pattern_of(path: Path) -> Pattern | None:
    """The pattern that a path is; None for a plain one, also where a file of that very name exists.

    Raises:
        UsageError: it has several places for a number, or a range that is none.
    """
    places = list(_PLACE.finditer(path.name))
    if not places or path.exists():
        return None
    if len(places) > 1:
        raise UsageError(f"{path}: has {len(places)} places for a number", hint="One counts the frames.")
    (place,) = places
    before, after = path.name[: place.start()], path.name[place.end() :]
    if place["first"] is None:
        digits = len(place["nuke"]) if place["nuke"] else int(place["printf"] or place["houdini"] or 1)
        return Pattern(path.parent, before, after, digits)
    first, last = int(place["first"]), int(place["last"])
    if last < first:
        raise UsageError(f"{path}: {last} comes before {first}", hint="Write the smaller number first.")
    return Pattern(path.parent, before, after, len(place["first"].lstrip("-")), range(first, last + 1))


def frames_of(pattern: Pattern) -> dict[int, Path]:
    """The files of a sequence by number, in order.

    Raises:
        MediaError: there are none, or some of a range are missing.
    """
    if pattern.wanted is None:
        return dict(sorted(_numbered(pattern)))
    frames = {number: pattern.path(number) for number in pattern.wanted}
    missing = [number for number, path in frames.items() if not path.is_file()]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise MediaError(
            f"{pattern}: frame {missing[0]}{more} does not exist",
            hint=f"For those that there are, write %0{pattern.digits}d for the number.",
        )
    return frames


def _numbered(pattern: Pattern) -> Iterable[tuple[int, Path]]:
    number = re.compile(rf"{re.escape(pattern.before)}(-?\d+){re.escape(pattern.after)}")
    names = [path.name for path in pattern.folder.iterdir()] if pattern.folder.is_dir() else []
    matches = [match for name in names if (match := number.fullmatch(name))]
    found = [(int(match[1]), pattern.folder / match[0]) for match in matches]
    # printf counts the minus sign as a digit, other programs do not.
    narrow = replace(pattern, digits=pattern.digits - 1)
    found = [
        (number, path)
        for number, path in found
        if path == pattern.path(number) or (number < 0 and path == narrow.path(number))
    ]
    if not found:
        raise MediaError(f"{pattern}: no such frame", hint="Check the folder and the digits: %04d finds 0001.")
    return found
