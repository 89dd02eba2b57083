"""Recipes in TOML files: read with every key and type checked, and written with every value."""

from __future__ import annotations

import dataclasses
import difflib
import tomllib
from pathlib import Path
from typing import Any

from stylecli.core.errors import MediaError, UsageError
from stylecli.core.files import write_atomically
from stylecli.training.recipe import Painting, Phase, Recipe, check_recipe

TABLES = {"phases": Phase, "others": Painting}  # keys that hold a list of tables


def read_recipe(path: Path) -> Recipe:
    """Read and check a recipe.

    Raises:
        MediaError: the file cannot be read.
        UsageError: it is not TOML, has an unknown key, or a value has the wrong type or is out of range.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MediaError(f"{path}: {error.strerror}", hint="Give a painting or a recipe.toml.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not TOML ({error})", hint="Mend the file.") from error
    painting = table.pop("painting", None)
    if not isinstance(painting, dict) or "file" not in painting:
        raise UsageError(f"{path}: [painting] names no file", hint='Add: [painting] with file = "painting.jpg".')
    lists = {key: _tables(table.pop(key), kind, f"{path}: {key}") for key, kind in TABLES.items() if key in table}
    recipe: Recipe = _build(Recipe, {**table, "painting": _build(Painting, painting, path)}, path)
    recipe = dataclasses.replace(recipe, **lists)
    check_recipe(recipe, str(path))
    return recipe


def write_recipe(recipe: Recipe, path: Path) -> None:
    """Write every value, also defaults, so that the defaults of a later version do not change this recipe.

    Raises:
        OSError: the file cannot be written; what stood there is as it was.
    """
    import tomli_w  # part of the extra `train`

    table = dataclasses.asdict(recipe)
    write_atomically(path, tomli_w.dumps(table).encode())


def _tables(value: Any, kind: type[Any], where: str) -> Any:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise UsageError(f"{where} is not a list of tables", hint=f"Write [[{where.rpartition(' ')[2]}]].")
    return tuple(_build(kind, one, where) for one in value)


def _build(kind: type[Any], table: dict[str, Any], where: object) -> Any:
    """Build a dataclass from a TOML table; checks each value against the annotated type of its field."""
    fields = {one.name: str(one.type) for one in dataclasses.fields(kind)}
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in fields:
            near = difflib.get_close_matches(key, fields, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"Known keys: {', '.join(fields)}."
            raise UsageError(f"{where}: unknown key {key!r}", hint=hint)
        values[key] = _check(value, fields[key], f"{where}: {key}")
    missing = [
        one.name for one in dataclasses.fields(kind) if one.default is one.default_factory and one.name not in values
    ]
    if missing:
        raise UsageError(f"{where}: {missing[0]} is missing", hint="Add it.")
    return kind(**values)


def _check(value: Any, annotation: str, where: str) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if annotation == "float" and is_number:
        return float(value)
    if annotation == "int" and is_number and isinstance(value, int):
        return value
    if annotation == "bool" and isinstance(value, bool):
        return value
    if annotation in ("str", "LossName", "Trained") and isinstance(value, str):
        return value
    if annotation == "Painting" and isinstance(value, Painting):
        return value
    if annotation.startswith("tuple[") and isinstance(value, list):
        return tuple(_check(one, annotation[6:].partition(",")[0], where) for one in value)
    raise UsageError(f"{where} is {value!r}", hint=f"It must be of type {annotation}.")
