"""How long work tells how far it is: one value, one callback type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass


@dataclass(frozen=True)
class Step:
    """Work done so far: `done` of `total` units; `total` is None while it is unknown."""

    done: float
    total: float | None
    unit: str  # what is counted: "pictures", "frames", "steps"
    label: str = ""  # what is being done right now, such as a file name
    values: Mapping[str, float] = field(default_factory=dict)  # what can be measured meanwhile, such as losses


Progress = Callable[[Step], None]


def ignore(_: Step) -> None:
    """Let a caller that shows nothing pass nothing."""


Notice = Callable[[str], None]


def unnoticed(_: str) -> None:
    """Let a caller that shows no messages pass nothing."""
