"""Tables on stdout: drawn on a terminal, tab-separated in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click


def print_table(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print rows that share the keys of the first, which are the headings."""
    if not rows:
        return
    headings = list(rows[0])
    cells = [["" if row[heading] is None else str(row[heading]) for heading in headings] for row in rows]
    if not sys.stdout.isatty():
        for line in [headings, *cells]:
            click.echo("\t".join(line))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False)
    for column, heading in enumerate(headings):
        is_number = all(isinstance(row[heading], int | float) for row in rows)
        table.add_column(
            heading.replace("_", " "), justify="right" if is_number else "left", no_wrap=column == 0, overflow="fold"
        )
    for line in cells:  # as Text, not markup: titles may hold brackets
        table.add_row(*map(Text, line))
    Console().print(table)
