"""The names of results: `{stem}-{style}{suffix}` by default, or by a template of the user's."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Protocol

from stylecli.core.errors import UsageError
from stylecli.media.images.formats import FORMATS, WRITABLE

OTHERWISE = ".png"  # for sources in a format that cannot be written
FIELD = re.compile(r"\{(\w*)\}")
FIELDS = ("stem", "style", "suffix", "folder")


class Job(Protocol):
    """What is made of what."""

    @property
    def source(self) -> Path: ...  # noqa: D102
    @property
    def output(self) -> Path: ...  # noqa: D102


def is_template(output: Path) -> bool:
    """Whether an output is a template, such as `out/{stem}-{style}.webp`.

    Raises:
        UsageError: it has an unknown field.
    """
    found = FIELD.findall(str(output))
    unknown = [name for name in found if name not in FIELDS]
    if found and len(unknown) < len(found) and unknown:
        hint = f"Use {', '.join(f'{{{name}}}' for name in FIELDS)}."
        raise UsageError(f"{output}: unknown field {{{unknown[0]}}}", hint=hint)
    return bool(found) and not unknown


def filled(template: Path, source: Path, style: str, *, suffix: str, folder: Path) -> Path:
    """Fill in a template. suffix: of the result, with its dot. folder: the source's, relative to the input folder."""
    values = {"stem": source.stem, "style": style, "suffix": suffix, "folder": str(folder)}
    return Path(FIELD.sub(lambda field: values[field[1]], str(template)))


def result_suffix(source: Path, suffix: str = "") -> str:
    """Return the suffix of a result: `suffix` if given, else the source's if it can be written, else that of PNG."""
    return suffix or (source.suffix if source.suffix.lower() in WRITABLE else OTHERWISE)


def suffix_of_format(name: str) -> str:
    """Return the suffix of a format by its name or suffix: "jpeg" gives ".jpg".

    Raises:
        UsageError: the format is unknown or cannot be written.
    """
    wanted = name.lower().removeprefix(".")
    for known in FORMATS:
        names = {known.name.lower(), *(suffix.removeprefix(".") for suffix in known.suffixes)}
        if known.is_written and wanted in names:
            return known.suffixes[0]
    written = ", ".join(known.suffixes[0].removeprefix(".") for known in FORMATS if known.is_written)
    raise UsageError(f"{name}: not a format that can be written", hint=f"Use {written}.")


def check_writable(output: Path, name: str = "") -> None:
    """Refuse an unknown format before any work is done.

    Raises:
        UsageError: no writable format has this suffix.
    """
    if output.suffix.lower() not in WRITABLE:
        fault = f"{name or output}: not a format that can be written"
        raise UsageError(fault, hint=f"Use {', '.join(WRITABLE)}.")


def results_among(paths: Sequence[Path], styles: Collection[str]) -> set[Path]:
    """Find results of earlier runs among pictures: `a-wave.jpg` beside `a.jpg`, if `wave` is a style."""
    stems = {(path.parent, path.stem) for path in paths}
    return {
        path
        for path in paths
        for style in styles
        if path.stem.endswith(f"-{style}") and (path.parent, path.stem.removesuffix(f"-{style}")) in stems
    }


def refuse_collisions(jobs: Sequence[Job]) -> None:
    """Raise UsageError if a job would replace a source, or if two jobs have the same output."""
    sources = {os.path.realpath(job.source) for job in jobs}
    made: dict[str, Path] = {}
    for job in jobs:
        target = os.path.realpath(job.output)
        if target in sources:
            raise UsageError(f"{job.output}: would replace a source", hint="Give another name or folder as `output`.")
        if target in made:
            raise UsageError(
                f"{job.output}: would be made from both {made[target]} and {job.source}",
                hint="Stylize them into different folders.",
            )
        made[target] = job.source
