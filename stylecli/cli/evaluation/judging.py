"""Options and messages that the evaluation commands share."""

from __future__ import annotations

from typing import get_args

import click

from stylecli.cli.console import say
from stylecli.cli.parameters import PathType
from stylecli.evaluation.speed.options import BenchOptions, White

photos = click.option("--photos", multiple=True, type=PathType(), help="A photo or folder; may be repeated.")
white = click.option(
    "--white",
    type=click.Choice(get_args(White)),
    default=BenchOptions.against_white,
    show_default=True,
    help="Value of white at the input of networks given as ONNX files.",
)


def notice(text: str) -> None:
    """Print a message of the core, with the program's name before it."""
    say(f"stylecli: {text}")
