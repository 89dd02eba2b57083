"""Progress of long work: a bar with an ETA on a terminal, JSON lines for machines, nothing in a log file."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from stylecli.cli.output import emit_json
from stylecli.progress import Progress, Step, ignore

SECONDS_BETWEEN_LINES = 0.5


@contextmanager
def progress_shown(*, as_json: bool = False) -> Iterator[Progress]:
    """A progress callback that shows what it hears while the `with` lasts."""
    if as_json:
        yield _json_lines()
    elif sys.stderr.isatty():
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
    on_terminal = sys.stdout.isatty()
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
