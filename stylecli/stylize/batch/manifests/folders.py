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
from stylecli.core.files import blamed_on, same_place, write_atomically
from stylecli.media.images.formats import READABLE
from stylecli.packs.shelves import find_style
from stylecli.stylize.batch.manifests.columns import COLUMNS, faults_of
from stylecli.stylize.batch.manifests.manifest import checked_items
from stylecli.stylize.batch.manifests.rows import REQUIRED, VIDEO_SUFFIXES, kind_of, named

VIDEOS_READ = (*VIDEO_SUFFIXES, ".avi", ".mts", ".mxf", ".wmv", ".flv", ".mpg", ".mpeg")
SAMPLE = "photo.jpg"  # a name that a rule is tried with


@dataclass(frozen=True)
class FolderRule:
    """How the files of a folder become rows.

    include, exclude: globs on the path below `source`; a file is taken if it matches one and none of the others.
    name: the name of an output; {stem}, {style} and {suffix} are filled in.
    columns: further columns, such as {"strength": 0.7}. Those of pictures alone are left out of rows of videos, and
    the other way round.
    """

    source: Path
    output: Path
    styles: Sequence[str]
    include: Sequence[str] = ("*",)
    exclude: Sequence[str] = ()
    name: str = "{stem}-{style}{suffix}"
    columns: Mapping[str, Any] = field(default_factory=dict)


def check_rule(rule: FolderRule, styles_dir: Path | None = None) -> None:
    """Check what a rule says before its files are known.

    Raises:
        UsageError: the folder does not exist, a column or the name is not valid, or two styles would have one output.
        PackError: a style or variant does not exist.
    """
    if not rule.source.is_dir():
        raise UsageError(f"{rule.source}: is not a folder", hint="Check the path.")
    faults = [f"{name} is not for all rows" for name in REQUIRED if name in rule.columns]
    faults += faults_of({"input": "-", "output": "-", "style": "-", **rule.columns})
    if len(rule.styles) > 1 and "{style}" not in rule.name:
        faults.append(f"{rule.name}: several styles need {{style}} in the name")
    if kind_of(_name(rule, Path(SAMPLE), "style")) is None:
        faults.append(f"{rule.name}: not a format that can be written")
    if faults:
        raise UsageError("; ".join(faults))
    for style in rule.styles:
        find_style(style, styles_dir, variant=rule.columns.get("variant"))


def rows_of_folder(rule: FolderRule, base: Path) -> Iterator[dict[str, Any]]:
    """Make the rows of a folder as it is now, in the order of names; paths are relative to `base` if possible.

    Hidden files and those below `rule.output` are left out.
    """
    for path in _files_below(rule):
        relative = path.relative_to(rule.source)
        for style in rule.styles:
            target = rule.output / relative.parent / _name(rule, path, style)
            kind = kind_of(target.name)
            yield {
                "input": os.path.relpath(path, base),
                "output": _from(target, base),
                "style": os.path.abspath(style) if _is_folder(style) else style,  # noqa: PTH100
                **{name: value for name, value in rule.columns.items() if COLUMNS[name].only in (None, kind)},
            }


def write_manifest(manifest: Path, rule: FolderRule, *, styles_dir: Path | None = None, overwrite: bool = False) -> int:
    """Check the manifest of a folder as before a run, and write it, whole or not at all; gives the number of rows.

    Raises:
        UsageError: as `check_rule`, rows have faults, the folder holds no picture and no video, or the manifest exists
            and `overwrite` is not set.
        PackError: as `check_rule`.
        MediaError: the manifest cannot be written.
    """
    if manifest.exists() and not overwrite:
        raise UsageError(f"{manifest}: exists already", hint="Use `overwrite=True` to replace it.")
    check_rule(rule, styles_dir)
    rows = list(rows_of_folder(rule, manifest.parent))
    if not rows:
        raise UsageError(f"{rule.source}: no picture or video in it", hint="Check the folder, `include` and `exclude`.")
    if unused := [name for name in rule.columns if not any(name in row for row in rows)]:
        raise UsageError(f"{unused[0]} makes no sense for any of these outputs", hint="Check `columns`.")
    checked_items(manifest, ((row["input"], row) for row in rows), styles_dir=styles_dir)
    with blamed_on(manifest):
        write_atomically(manifest, "".join(json.dumps(row) + "\n" for row in rows).encode())
    return len(rows)


def _files_below(rule: FolderRule) -> list[Path]:
    found = []
    for folder, folders, names in os.walk(rule.source):
        here = Path(folder)
        folders[:] = [name for name in folders if not name.startswith(".") and not same_place(here / name, rule.output)]
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


def _is_folder(style: str) -> bool:
    return Path(style).name != style and Path(style).is_dir()


def _from(path: Path, base: Path) -> str:
    """Relative to `base` if it lies below, else absolute."""
    full = Path(os.path.abspath(path))  # noqa: PTH100  # `resolve` would follow links
    try:
        return str(full.relative_to(os.path.abspath(base)))  # noqa: PTH100
    except ValueError:
        return str(full)
