"""Callbacks of long work: its progress, and messages for the user."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Step:
    """Work done so far: `done` of `total` units; `total` is None while it is unknown."""

    done: float
    total: float | None
    unit: str  # what is counted: "pictures", "frames", "steps"
    label: str = ""  # the current item, such as a file name
    values: Mapping[str, float] = field(default_factory=dict)  # current measurements, such as losses


Progress = Callable[[Step], None]
Notice = Callable[[str], None]


def ignore(_: Step) -> None:
    """Show no progress: the default of functions that report it."""


def unnoticed(_: str) -> None:
    """Show no message: the default of functions that send messages."""
