"""Write the tree in docs/architecture.md from the first docstring line of each module; --check only compares."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

TARGET = Path(__file__).with_name("architecture.md")
PACKAGE = Path(__file__).parents[1] / "stylecli"
START, END = "```text\nstylecli/\n", "```\n"
COLUMN = 26  # of the descriptions


def main() -> None:
    """Write or check."""
    text = TARGET.read_text(encoding="utf-8")
    before, _, rest = text.partition(START)
    after = rest.partition(END)[2]
    made = before + START + "".join(_lines(PACKAGE, 1)) + END + after
    if "--check" in sys.argv:
        sys.exit(0 if made == text else f"{TARGET} is out of date: run python docs/make_tree.py")
    TARGET.write_text(made, encoding="utf-8")


def _lines(folder: Path, depth: int) -> Iterator[str]:
    """A line for each module of a package, then its packages with theirs."""
    for module in sorted(folder.glob("*.py")):
        if not module.name.startswith("__"):
            yield _line(module.name, module, depth)
    for package in sorted(path.parent for path in folder.glob("*/__init__.py")):
        yield _line(f"{package.name}/", package / "__init__.py", depth)
        yield from _lines(package, depth + 1)


def _line(name: str, module: Path, depth: int) -> str:
    docstring = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) or ""
    idea = docstring.partition("\n")[0].rstrip(".")
    return f"{('  ' * depth + name).ljust(COLUMN)} {idea}\n"


if __name__ == "__main__":
    main()
