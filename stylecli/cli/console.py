"""The output of commands: messages, tables, JSON lines, progress.

Results go to stdout, messages to stderr. Progress is a bar on a terminal, JSON lines with --json, else nothing.
"""

from __future__ import annotations

import codecs
import io
import json
import os
import re
import sys
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TextIO

import click

from stylecli.core.errors import MediaError
from stylecli.core.progress import Progress, Step, ignore

SECONDS_BETWEEN_LINES = 0.5
PARAMETER = re.compile(r"`([a-z_]+)(?:=([^`]*))?`")  # `overwrite=True`, as messages of the core name what to pass


@contextmanager
def progress_shown(*, as_json: bool = False) -> Iterator[Progress]:
    """Give a progress callback for the `with` block."""
    if as_json:
        yield _json_lines()
    elif _is_terminal(sys.stderr):
        with _bar() as show:
            yield show
    else:
        yield ignore


def _json_lines() -> Progress:
    last = 0.0

    def show(step: Step) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= SECONDS_BETWEEN_LINES or step.done == step.total:
            last = now
            event = {"event": "progress", "done": step.done, "total": step.total, "unit": step.unit}
            emit_json(event | {"label": step.label} | ({"values": dict(step.values)} if step.values else {}))

    return show


@contextmanager
def _bar() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[unit]}  {task.fields[rate]}  ETA"),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    # Rich would print stdout above the bar, on stderr: right on a terminal, but a pipe must get its lines.
    on_terminal = _is_terminal(sys.stdout)
    console = Console(stderr=True)
    with Bars(*columns, console=console, transient=True, redirect_stdout=on_terminal) as bars:
        task = bars.add_task("", total=None, unit="", rate="")

        def show(step: Step) -> None:
            speed = bars.tasks[0].speed
            bars.update(
                task,
                completed=step.done,
                total=step.total,
                description=step.label,
                unit=step.unit,
                rate=f"{speed:.1f}/s" if speed else "",
            )

        yield show


def print_any_text() -> None:
    """Make printing never fail: undecodable bytes of file names are printed as they are, other characters escaped."""
    codecs.register_error("stylecli", _printable)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="stylecli")


def _printable(error: UnicodeError) -> tuple[bytes, int]:
    """An error handler for `codecs`: the bytes to print for characters that a stream cannot encode."""
    assert isinstance(error, UnicodeEncodeError)
    first, last = 0xDC80, 0xDCFF  # PEP 383: bytes 80 to FF of a file's name that cannot be decoded
    printed = (
        bytes([ord(char) - 0xDC00]) if first <= ord(char) <= last else char.encode("ascii", "backslashreplace")
        for char in error.object[error.start : error.end]
    )
    return b"".join(printed), error.end


def emit_json(value: Mapping[str, Any], *, err: bool = False) -> None:
    """Print one JSON object on one line of stdout, or of stderr."""
    text = json.dumps(value, default=str)
    _write(text, err=True) if err else emit(text)


def emit(line: object) -> None:
    """Print a line on stdout. If that fails (a full disk), the work continues; `check_emitted` raises at the end."""
    _write(line, err=False)


def emit_bytes(data: bytes) -> None:
    """Write a file to stdout.

    Raises:
        MediaError: it cannot be written.
    """
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        _discard_stdout()
        raise MediaError(f"stdout: it cannot be written ({error.strerror})", hint="Make room.") from error


def check_emitted() -> None:
    """Check that all lines were written.

    Raises:
        MediaError: stdout could not be written.
    """
    if _faults:
        (reason,) = _faults
        raise MediaError(f"stdout: it cannot be written ({reason})", hint="The work itself is done.")


_faults: list[str] = []  # why stdout could not be written; at most one


def _write(line: object, *, err: bool) -> None:
    try:
        click.echo(line, err=err)
    except BrokenPipeError:
        raise
    except OSError as error:
        if not err and not _faults:
            _faults.append(error.strerror or str(error))
            _discard_stdout()


def _discard_stdout() -> None:
    """Redirect stdout to /dev/null, so that flushing it at exit does not fail again."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _is_terminal(stream: TextIO | None) -> bool:
    """Whether a standard stream, which may be closed, is a terminal."""
    return stream is not None and stream.isatty()


def say(text: str) -> None:
    """Print a message on stderr. Parameters of the Python API become options, see `with_flags`."""
    _write(with_flags(text), err=True)


def with_flags(text: str) -> str:
    """Replace parameters of the Python API by options of the running command: `overwrite=True` by --overwrite.

    Names that are not options of the command stay as they are.
    """
    context = click.get_current_context(silent=True)
    if context is None:
        return text
    command = context.command
    if isinstance(command, click.Group) and context.invoked_subcommand:
        command = command.get_command(context, context.invoked_subcommand) or command
    options = dict(_options_of(command, context))

    def flag(found: re.Match[str]) -> str:
        name, value = found.groups()
        if name not in options:
            return found[0]
        option = max(options[name].opts, key=len)
        given = value.strip('"') if value and not options[name].is_flag else ""
        return f"{option} {given}".rstrip()

    return PARAMETER.sub(flag, text)


def _options_of(command: click.Command, context: click.Context) -> Iterator[tuple[str, click.Option]]:
    """The options of a command and of its subcommands, by the names of their parameters."""
    yield from ((option.name, option) for option in command.params if isinstance(option, click.Option) and option.name)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            if subcommand := command.get_command(context, name):
                yield from _options_of(subcommand, context)


def print_results(rows: Sequence[Mapping[str, Any]], *, as_json: bool, hidden: Collection[str] = ()) -> None:
    """Print rows as JSON events, or as a table without the `hidden` columns."""
    if as_json:
        for row in rows:
            emit_json({"event": "result", **row})
    else:
        print_table([{key: value for key, value in row.items() if key not in hidden} for row in rows])


def print_table(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print rows that share the keys of the first, which are the headings."""
    if not rows:
        return
    headings = list(rows[0])
    cells = [["" if row[heading] is None else str(row[heading]) for heading in headings] for row in rows]
    if not _is_terminal(sys.stdout):
        for line in [headings, *cells]:
            emit("\t".join(line))
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
