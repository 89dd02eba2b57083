"""Which pictures of a folder are stylized, and what is left out."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from stylecli.core.errors import MediaError
from stylecli.core.progress import Notice
from stylecli.media.images.formats import has_picture_suffix
from stylecli.stylize.names import results_among

KINDS_NAMED = 5  # kinds of skipped files that a message names


@dataclass(frozen=True)
class Selection:
    """Which pictures of folders are taken, and how their results are named.

    recursive: search subfolders too, and keep them in the output.
    exclude: globs of names, or of paths below the folder, to leave out.
    suffix: of all results, such as ".webp"; empty: that of each source.
    known_styles: names of styles, to recognise results of earlier runs.
    is_folder: the output is a folder, even if its name has a suffix.
    """

    recursive: bool = False
    exclude: tuple[str, ...] = ()
    suffix: str = ""
    known_styles: tuple[str, ...] = ()
    is_folder: bool = False


@dataclass
class FolderSearch:
    """Finds the pictures in folders, and counts what is left out.

    output: the folder of results, which is not searched; None: they are written beside their sources.
    """

    selection: Selection
    output: Path | None = None
    skipped: Counter[str] = field(default_factory=Counter)  # by kind
    results: int = 0

    def pictures_in(self, source: Path) -> tuple[list[Path], list[MediaError]]:
        """Find the pictures in a folder; also return the errors of subfolders that cannot be read."""
        own = os.path.realpath(self.output) if self.output else None
        faults: list[MediaError] = []

        def note(error: OSError) -> None:
            hint = "Change its permissions."
            faults.append(MediaError(f"{error.filename}: it cannot be read ({error.strerror})", hint=hint))

        found: list[Path] = []
        for folder, folders, names in os.walk(source, onerror=note):
            here = Path(folder)
            if not self.selection.recursive:
                folders.clear()
            folders[:] = [one for one in folders if own is None or os.path.realpath(here / one) != own]
            found += [here / name for name in sorted(names) if self._is_wanted(here / name, source)]
            folders.sort()
        earlier = results_among(found, self.selection.known_styles)
        self.results += len(earlier)
        return [path for path in found if path not in earlier], faults

    def tell(self, notice: Notice) -> None:
        """Report what was left out of folders."""
        if self.results:
            notice(f"left out: {_counted(self.results, 'result')} of earlier runs")
        if self.skipped:
            kinds = [f"{count} {kind}" for kind, count in self.skipped.most_common(KINDS_NAMED)]
            more = len(self.skipped) - len(kinds)
            kinds += [f"{more} more kinds"] if more > 0 else []
            notice(f"left out: {_counted(self.skipped.total(), 'file')} that are no pictures: {', '.join(kinds)}")

    def _is_wanted(self, path: Path, source: Path) -> bool:
        below = path.relative_to(source).as_posix()
        if path.name.startswith("."):  # a draft, or what a system writes beside files
            return False
        if any(fnmatch(path.name, glob) or fnmatch(below, glob) for glob in self.selection.exclude):
            return False
        if has_picture_suffix(path.name):
            return True
        self.skipped[path.suffix.lower() or path.name] += 1
        return False


def _counted(count: int, thing: str) -> str:
    return f"{count} {thing}{'s' if count != 1 else ''}"
