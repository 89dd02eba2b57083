"""A manifest of a folder: one row for each picture or video and style, with the folder's structure kept."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from stylecli.core.errors import UsageError
from stylecli.core.files import blamed_on, write_atomically
from stylecli.media.images.formats import READABLE
from stylecli.stylize.batch.manifests.rows import VIDEO_SUFFIXES, named

VIDEOS_READ = (*VIDEO_SUFFIXES, ".avi", ".mts", ".mxf", ".wmv", ".flv", ".mpg", ".mpeg")


@dataclass(frozen=True)
class FolderRule:
    """How the files of a folder become rows.

    include, exclude: globs on the path below `source`; a file is taken if it matches one and none of the others.
    name: the name of an output; {stem}, {style} and {suffix} are filled in.
    columns: further columns of every row, such as {"strength": 0.7}.
    """

    source: Path
    output: Path
    styles: Sequence[str]
    include: Sequence[str] = ("*",)
    exclude: Sequence[str] = ()
    name: str = "{stem}-{style}{suffix}"
    columns: Mapping[str, Any] = field(default_factory=dict)


def rows_of_folder(rule: FolderRule, base: Path) -> Iterator[dict[str, Any]]:
    """The rows of a folder as it is now, in the order of names; paths are relative to `base` where they can be.

    Hidden files and those below `rule.output` are left out.
    """
    for path in _files_below(rule):
        relative = path.relative_to(rule.source)
        for style in rule.styles:
            target = rule.output / relative.parent / _name(rule, path, style)
            yield {
                "input": os.path.relpath(path, base),
                "output": _from(target, base),
                "style": style,
                **rule.columns,
            }


def write_manifest(manifest: Path, rule: FolderRule, *, overwrite: bool = False) -> int:
    """Write the manifest of a folder, whole or not at all; gives the number of rows.

    Raises:
        UsageError: the folder holds no picture and no video, or the manifest exists and `overwrite` is not set.
        MediaError: the manifest cannot be written.
    """
    if manifest.exists() and not overwrite:
        raise UsageError(f"{manifest}: exists already", hint="Use `overwrite=True` to replace it.")
    rows = list(rows_of_folder(rule, manifest.parent))
    if not rows:
        raise UsageError(f"{rule.source}: no picture or video in it", hint="Check the folder, `include` and `exclude`.")
    with blamed_on(manifest):
        write_atomically(manifest, "".join(json.dumps(row) + "\n" for row in rows).encode())
    return len(rows)


def _files_below(rule: FolderRule) -> list[Path]:
    own = rule.output.resolve()
    found = []
    for folder, folders, names in os.walk(rule.source):
        here = Path(folder)
        folders[:] = [name for name in folders if not name.startswith(".") and (here / name).resolve() != own]
        found += [here / name for name in names if not name.startswith(".") and _is_wanted(rule, here / name)]
    return sorted(found)


def _is_wanted(rule: FolderRule, path: Path) -> bool:
    suffix, relative = path.suffix.lower(), path.relative_to(rule.source).as_posix()
    is_medium = suffix in READABLE or suffix in VIDEOS_READ
    is_included = any(fnmatch(relative, glob) for glob in rule.include)
    return is_medium and is_included and not any(fnmatch(relative, glob) for glob in rule.exclude)


def _name(rule: FolderRule, path: Path, style: str) -> str:
    try:
        return named(rule.name, str(path), style)
    except ValueError as error:
        raise UsageError(str(error)) from error


def _from(path: Path, base: Path) -> str:
    """Relative to `base` if it lies below, else absolute."""
    full = Path(os.path.abspath(path))  # noqa: PTH100  # `resolve` would follow links
    try:
        return str(full.relative_to(os.path.abspath(base)))  # noqa: PTH100
    except ValueError:
        return str(full)
