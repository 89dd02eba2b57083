"""Manifests: JSONL, CSV or TOML to items. Every fault of every row is found before anything runs."""

from __future__ import annotations

import csv
import io
import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from glob import glob
from pathlib import Path
from typing import Any

from stylecli.core.errors import MediaError, StyleError, UsageError
from stylecli.stylize.batch.manifests.checks import Located, faults_of_items
from stylecli.stylize.batch.manifests.columns import COLUMNS, RESULT, faults_of
from stylecli.stylize.batch.manifests.files import MARKS, files_of, is_sequence
from stylecli.stylize.batch.manifests.rows import Item, items_of

FAULTS_SHOWN = 50
TOML_KEYS = {"schema", "defaults", "rows", "globs"}

NumberedRow = tuple[str, Mapping[str, Any]]  # where it stands ("line 7"), its values


class ManifestError(UsageError):
    """A manifest with faults; `faults` holds all of them."""

    def __init__(self, manifest: Path, faults: list[str]) -> None:
        shown = faults[:FAULTS_SHOWN]
        if len(faults) > len(shown):
            shown.append(f"and {len(faults) - len(shown)} more")
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        lines = "\n  ".join(shown)
        super().__init__(f"{manifest}: {count}, nothing was done\n  {lines}")
        self.faults = faults


def read_manifest(manifest: Path, *, styles_dir: Path | None = None) -> list[Item]:
    """Read a manifest and check every row. Paths in it are relative to the folder that it lies in.

    Raises:
        ManifestError: as `checked_items`.
        MediaError: the file cannot be read.
    """
    faults: list[str] = []
    return checked_items(manifest, _rows(manifest, faults), faults, styles_dir=styles_dir)


def checked_items(
    manifest: Path, rows: Iterable[NumberedRow], faults: list[str] | None = None, *, styles_dir: Path | None = None
) -> list[Item]:
    """Check the rows of a manifest and return their items.

    faults: those that whoever reads the rows finds meanwhile.

    Raises:
        ManifestError: rows are broken, files or styles are missing, or two rows have one output: all faults at once.
    """
    faults = [] if faults is None else faults
    located: list[Located] = []
    for where, row in rows:
        if found := list(faults_of(row)):
            faults += [f"{where}: {fault}" for fault in found]
            continue
        try:
            located += [(where, item) for item in _items(row, manifest.parent)]
        except (ValueError, StyleError) as error:
            faults.append(f"{where}: {getattr(error, 'message', error)}")
    if not located and not faults:
        faults.append("it holds no row")
    faults += faults_of_items(located, manifest.parent, styles_dir)
    if faults:
        raise ManifestError(manifest, faults)
    return [item for _, item in located]


def _rows(manifest: Path, faults: list[str]) -> Iterator[NumberedRow]:
    readers = {".jsonl": _jsonl, ".ndjson": _jsonl, ".csv": _csv, ".toml": _toml}
    read = readers.get(manifest.suffix.lower())
    if read is None:
        raise UsageError(f"{manifest}: no manifest", hint="A manifest is a .jsonl, .csv or .toml file.")
    try:
        text = manifest.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise MediaError(f"{manifest}: not UTF-8 text", hint="Save it as UTF-8.") from error
    except OSError as error:
        raise MediaError(f"{manifest}: cannot be read ({error.strerror})", hint="Check the name.") from error
    yield from read(text, manifest.parent, faults)


def _jsonl(text: str, _: Path, faults: list[str]) -> Iterator[NumberedRow]:
    latest: dict[object, NumberedRow] = {}  # rows of RESULTS.jsonl: the last one of an output counts
    for number, line in enumerate(text.split("\n"), start=1):
        if not line or line.isspace():
            continue
        where = f"line {number}"
        try:
            row = json.loads(line)
        except ValueError as error:
            faults.append(f"{where}: not JSON ({error})")
            continue
        if not isinstance(row, dict):
            faults.append(f"{where}: not a JSON object")
        elif RESULT in row:
            latest[str(row.get("output"))] = (where, {key: value for key, value in row.items() if key != RESULT})
        else:
            yield where, row
    yield from latest.values()


def _csv(text: str, _: Path, faults: list[str]) -> Iterator[NumberedRow]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        for cells in reader:
            where = f"line {reader.line_num}"
            if None in cells:
                faults.append(f"{where}: more cells than columns")
                continue
            row = {name: cell.strip() for name, cell in cells.items() if name and cell and cell.strip()}
            yield (
                where,
                {name: COLUMNS[name].from_text(cell) if name in COLUMNS else cell for name, cell in row.items()},
            )
    except csv.Error as error:
        faults.append(f"line {reader.line_num}: not CSV ({error})")


def _toml(text: str, folder: Path, faults: list[str]) -> Iterator[NumberedRow]:
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        faults.append(f"not TOML ({error})")
        return
    faults += [f"unknown key {name!r}" for name in table if name not in TOML_KEYS]
    defaults = table.get("defaults", {})
    for number, row in enumerate(table.get("rows", []), start=1):
        yield f"row {number}", {**defaults, **row}
    for number, entry in enumerate(table.get("globs", []), start=1):
        row = {**defaults, **entry}
        pattern, excluded = row.pop("pattern", ""), row.pop("exclude", [])
        found = _globbed(folder, str(pattern), [excluded] if isinstance(excluded, str) else excluded)
        if not found:
            faults.append(f"glob {number}: {pattern!r} matches no file")
        for path in found:
            yield f"glob {number}, {path}", {**row, "input": path}


def _globbed(folder: Path, pattern: str, excluded: Iterable[str]) -> list[str]:
    def matches(one: str) -> set[str]:
        found = glob(one, root_dir=folder, recursive=True) if one else []  # noqa: PTH207  # may be absolute, or hold ..
        return set(found)

    left_out = {path for one in excluded for path in matches(one)}
    return sorted(path for path in matches(pattern) - left_out if (folder / path).is_file())


def _items(row: Mapping[str, Any], folder: Path) -> Iterator[Item]:
    """The items of a row.

    Raises:
        ValueError, StyleError: it cannot be done.
    """
    numbered = not MARKS.isdisjoint(row["input"]) and is_sequence(folder / row["input"])
    for item in items_of(row, is_sequence=numbered):
        if numbered:
            files_of(item, folder)
        yield item
