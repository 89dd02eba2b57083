"""Where the commands write: results to stdout, everything said to a person to stderr."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click


def emit_json(value: Mapping[str, Any]) -> None:
    """Print one JSON object on one line of stdout."""
    click.echo(json.dumps(value, default=str))


def say(text: str) -> None:
    """Print a message to the user on stderr."""
    click.echo(text, err=True)
