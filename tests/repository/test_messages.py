"""Messages of the core name what a Python caller can pass; the command line translates them to its options."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import stylecli
from stylecli.cli.console import with_flags

PACKAGE = Path(stylecli.__file__).parent
FLAG = re.compile(r"(?<![\w-])(--[a-z]|-[a-z]\b)")
COMMAND = re.compile(r"`(stylecli|pip|python|ffmpeg|torchrun)\b[^`]*`|pip install [^.]*")  # command lines have options


def messages(source: str) -> Iterator[tuple[int, str]]:
    """The text of every `raise`, `hint=`, constant of hints, and call of `notice`: (line, text)."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Raise):
            yield from _texts(node)
        elif isinstance(node, ast.Assign):
            if any("HINT" in getattr(target, "id", "") for target in node.targets):
                yield from _texts(node.value)
        elif isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in ("notice", "tell") or name.endswith("Error"):
                yield from _texts(node)
            for keyword in node.keywords:
                if keyword.arg == "hint":
                    yield from _texts(keyword.value)


def flags(source: str) -> list[str]:
    return [f"{line}: {text}" for line, text in messages(source) if FLAG.search(COMMAND.sub("", text))]


def _texts(node: ast.AST) -> Iterator[tuple[int, str]]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            yield inner.lineno, inner.value


def core() -> list[Path]:
    return [path for path in sorted(PACKAGE.rglob("*.py")) if "cli" not in path.relative_to(PACKAGE).parts]


@pytest.mark.parametrize("path", core(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_message_of_the_core_names_an_option(path: Path) -> None:
    assert not flags(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "source",
    [
        'raise UsageError("x", hint="Use --overwrite.")',
        'fault = MediaError(f"{x}: full", hint="Choose another with -o.")',
        'notice("left out, see --codec")',
        'WRITE_HINTS = {1: "Choose another place with -o."}',
    ],
)
def test_an_option_in_a_message_is_found(source: str) -> None:
    assert flags(source)


@pytest.mark.parametrize(
    "source",
    ['raise UsageError("x", hint="Use `overwrite=True`.")', 'x = "--json"', 'raise UsageError("a well-known fault")'],
)
def test_what_is_no_option_or_no_message_is_left_alone(source: str) -> None:
    assert not flags(source)


def test_the_command_line_names_its_own_option() -> None:
    command = click.Command("x", params=[click.Option(["-o", "--output"]), click.Option(["--overwrite"], is_flag=True)])
    with click.Context(command):
        assert with_flags("Use `overwrite=True`, or another `output`.") == "Use --overwrite, or another --output."
        assert with_flags("Use `brush=2`.") == "Use `brush=2`."
