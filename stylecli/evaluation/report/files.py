"""Write the text files of a measurement atomically; existing ones are kept unless `overwrite` is set."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stylecli.core.errors import MediaError, UsageError
from stylecli.core.files import blamed_on, write_atomically


def check_targets(paths: Sequence[Path], *, overwrite: bool) -> None:
    """Refuse files that could not be written, before the work is done.

    Raises:
        UsageError: one exists already, or two are the same.
        MediaError: one is a folder, or its folder does not exist or cannot be written.
    """
    if len({os.path.realpath(path) for path in paths}) < len(paths):
        raise UsageError(f"{paths[0]}: named twice", hint="Give each file a name of its own.")
    for path in paths:
        if path.exists() and not overwrite:
            raise UsageError(f"{path}: it exists already", hint="Use `overwrite=True` to replace it.")
        if path.is_dir():
            raise MediaError(f"{path}: it is a folder", hint="Give the name of a file.")
        if not path.parent.is_dir():
            raise MediaError(f"{path}: there is no such folder", hint="Create its folder first.")
        if not os.access(path.parent, os.W_OK):
            raise MediaError(f"{path}: its folder cannot be written", hint="Choose another folder.")


def write_text(text: str, path: Path) -> None:
    """Write a text file, whole or not at all; raises MediaError."""
    with blamed_on(path):
        # File names that are no text (surrogates) stand in it as question marks.
        write_atomically(path, text.encode("utf-8", errors="replace"))


def write_csv(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write rows that share the keys of the first, which are the headings; raises MediaError."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows({key: _cell(value) for key, value in row.items()} for row in rows)
    write_text(text.getvalue(), path)


def with_shared_keys(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Give all rows the same keys, with None for missing values."""
    keys = dict.fromkeys(key for row in rows for key in row)
    return [{key: row.get(key) for key in keys} for row in rows]


def _cell(value: Any) -> Any:
    return "; ".join(map(str, value)) if isinstance(value, list | tuple) else value
