"""`stylecli spool`: stylize pictures for editors that can only exchange files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from stylecli.cli import options
from stylecli.cli.console import emit_json, say
from stylecli.cli.parameters import PathType
from stylecli.core.errors import UsageError
from stylecli.core.version import __version__
from stylecli.editors.spool.protocol import IDLE_SECONDS

if TYPE_CHECKING:
    from stylecli.inference.engine import Device


@click.command()
@click.argument("folder", metavar="DIR", type=PathType())
@click.option(
    "--idle",
    type=click.FloatRange(0),
    default=IDLE_SECONDS,
    show_default=True,
    help="Exit after so many seconds without a job; 0: never.",
)
@click.option("--replace", is_flag=True, help="First stop the worker that the folder has.")
@click.option("--stop", "is_to_stop", is_flag=True, help="Only stop the worker that the folder has.")
@options.device
@options.styles_dir
@options.as_json
def command(
    folder: Path, idle: float, replace: bool, is_to_stop: bool, device: Device, styles_dir: Path | None, as_json: bool
) -> None:
    """Stylize the pictures that editors put into the folder DIR, and keep the networks loaded.

    DIR is created with mode 0700 if it does not exist. It has one worker. docs/editors.md describes the files.
    """
    from stylecli.editors.spool.worker import serve, stop

    if (replace or is_to_stop) and not stop(folder) and is_to_stop:
        raise UsageError(f"{folder}: has no worker", hint="There is nothing to stop.")
    if is_to_stop:
        return

    def answered(identifier: str, status: str) -> None:
        if as_json:
            emit_json({"event": "result", "job": identifier, "status": status})

    say(f"stylecli: working in {folder}")
    serve(folder, device=device, styles_dir=styles_dir, idle=idle, version=__version__, answered=answered)
