"""Manifests: JSONL, CSV or TOML to items. Every fault of every row is found before anything runs."""

from __future__ import annotations

import csv
import io
import json
import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from glob import glob
from pathlib import Path
from typing import Any

from stylecli.core.errors import MediaError, PackError, StyleError, UsageError
from stylecli.stylize.batch.manifests.columns import COLUMNS, ENCODER_COLUMNS, RESULT, faults_of
from stylecli.stylize.batch.manifests.files import MARKS, files_of, is_sequence
from stylecli.stylize.batch.manifests.rows import Item, items_of

FAULTS_SHOWN = 50
ENCODING_COLUMNS = ("quality", "lossless", "bits", *ENCODER_COLUMNS)  # what not every format has
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
        ManifestError: rows are broken, files or styles are missing, or two rows have one output: all faults at once.
        MediaError: the file cannot be read.
    """
    faults: list[str] = []
    located: list[tuple[str, Item]] = []
    for where, row in _rows(manifest, faults):
        if found := list(faults_of(row)):
            faults += [f"{where}: {fault}" for fault in found]
            continue
        try:
            located += [(where, item) for item in _items(row, manifest.parent)]
        except (ValueError, StyleError) as error:
            faults.append(f"{where}: {getattr(error, 'message', error)}")
    if not located and not faults:
        faults.append("it holds no row")
    faults += _faults_between(located, manifest.parent)
    faults += _faults_of_styles(located, styles_dir)
    faults += _faults_of_encoding(located)
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
    numbered = is_sequence(folder / row["input"]) if any(mark in row["input"] for mark in MARKS) else False
    for item in items_of(row, is_sequence=numbered):
        if numbered:
            files_of(item, folder)
        yield item


def _faults_between(located: list[tuple[str, Item]], folder: Path) -> Iterator[str]:
    """Missing inputs and masks, outputs of two rows, outputs that are inputs, ids of two rows."""
    base = os.path.abspath(folder)  # noqa: PTH100  # 100,000 paths: pathlib takes ten times as long
    there: dict[str, bool] = {}
    made: dict[str, str] = {}
    ids: dict[str, str] = {}

    below = os.path.join(base, "")  # noqa: PTH118

    def full(path: str) -> str:
        if path[0] not in "/\\." and "//" not in path and "/." not in path and "\\" not in path and ":" not in path:
            return below + path  # as the next line, sooner
        return os.path.normpath(os.path.join(base, path))  # noqa: PTH118

    def is_there(path: str) -> bool:
        if path not in there:
            there[path] = os.path.isfile(path)  # noqa: PTH113
        return there[path]

    def paths(item: Item) -> list[tuple[str, str]]:
        """Inputs and outputs, of a sequence those of its frames."""
        if item.kind != "sequence":
            return [(full(item.input), full(item.output))]
        return [(full(str(source)), full(str(target))) for source, target in files_of(item, Path(base))]

    inputs = {source for _, item in located for source, _ in paths(item)}
    for where, item in located:
        pairs = paths(item)
        if not is_there(pairs[0][0]):
            yield f"{where}: {item.input} does not exist"
        if item.mask and not is_there(full(item.mask)):
            yield f"{where}: mask {item.mask} does not exist"
        if not pairs[0][1].startswith(below) and not os.path.isabs(item.output):  # noqa: PTH117
            yield f"{where}: {item.output} lies outside of the manifest's folder; write it as an absolute path"
        if any(output in inputs for _, output in pairs):
            yield f"{where}: {item.output} is an input too"
        if other := next((made[output] for _, output in pairs if output in made), None):
            yield f"{where}: {item.output} is also the output of {other}"
        elif item.id in ids:
            yield f"{where}: id {item.id!r} is also that of {ids[item.id]}"
        made.update((output, where) for _, output in pairs)
        ids[item.id] = where


def _faults_of_encoding(located: list[tuple[str, Item]]) -> Iterator[str]:
    """Options that the format of an output does not have."""
    checked: dict[tuple[object, ...], str] = {}
    for where, item in located:
        if any(getattr(item, name) not in (None, False) for name in ENCODING_COLUMNS):
            suffix = item.output[item.output.rfind(".") :].lower()
            wanted = (suffix, *(getattr(item, name) for name in ENCODING_COLUMNS))
            if wanted not in checked:
                checked[wanted] = _encoding_fault(item)
            if fault := checked[wanted]:
                yield f"{where}: {fault}"


def _encoding_fault(item: Item) -> str:
    from stylecli.media.images.codec import check_encoding, writable_format
    from stylecli.media.images.settings import Encoding
    from stylecli.media.video.writing.codecs import EncoderOptions
    from stylecli.media.video.writing.containers import container_for, encoder_for

    output = Path(item.output)
    try:
        if item.kind != "video":
            check_encoding(
                Encoding(item.quality, item.lossless, item.bits), writable_format(output.suffix, item.output)
            )
        else:
            options = EncoderOptions(item.codec, item.crf, item.preset, item.pixel_format)
            encoder_for(container_for(output), options)
    except StyleError as error:
        return str(error)
    return ""


def _faults_of_styles(located: list[tuple[str, Item]], styles_dir: Path | None) -> Iterator[str]:
    from stylecli.packs.shelves import find_style

    wanted: dict[tuple[str, str | None], str] = {}
    for where, item in located:
        wanted.setdefault((item.style, item.variant), where)
    for (style, variant), where in wanted.items():
        try:
            find_style(style, styles_dir, variant=variant)
        except PackError as error:
            yield f"{where}: {error}"
