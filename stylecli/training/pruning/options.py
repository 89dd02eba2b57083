"""The options of pruning and their defaults. Importing this loads no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from stylecli.core.errors import UsageError
from stylecli.training.losses.names import LossName, VggName

Importance = Literal["rebuild", "taylor", "gamma", "l1"]  # how channels are chosen, see `importance`
IMPORTANCES: tuple[Importance, ...] = get_args(Importance)
TargetKind = Literal["ratio", "params", "macs", "ms", "blocks", "narrow", "few_norms"]
TARGETS: tuple[TargetKind, ...] = get_args(TargetKind)


@dataclass(frozen=True)
class Target:
    """How far to cut: what is limited, and the limit.

    ratio: the share of the channels to cut, between 0 and 1. params: the most parameters left. macs: the most
    multiply-accumulates for each pixel. ms: the most milliseconds for 1280 x 720 pixels on this machine.
    Without cutting channels: blocks: the residual blocks that stay (`shortening`). narrow: split the most expensive
    layer (`narrowing`). few_norms: fold most normalisations (`norm_folding`).

    Raises:
        UsageError: the limit is out of range.
    """

    kind: TargetKind
    limit: float = 1

    def __post_init__(self) -> None:
        if not 0 < self.limit < float("inf") or (self.kind == "ratio" and self.limit >= 1):
            raise UsageError(f"{self}: cuts nothing, or everything", hint="A ratio lies between 0 and 1.")

    def __str__(self) -> str:
        return f"{self.kind} {self.limit:g}"


def given_targets(**limits: float | None) -> tuple[Target, ...]:
    """Return a target for each limit that is not None."""
    given = {kind: limit for kind in TARGETS if (limit := limits.get(kind)) is not None}
    return tuple(Target(kind, float(limit)) for kind, limit in given.items())


def only_target(targets: Sequence[Target]) -> Target:
    """Return the one target there is; raises UsageError if there are none or several."""
    if len(targets) != 1:
        raise UsageError("say how far to cut, in one way", hint=f"Give one of: {', '.join(TARGETS)}.")
    return targets[0]


@dataclass(frozen=True)
class Healing:
    """How a cut network is trained. None: as the recipe of the whole network, or HEALING, says."""

    painting: Path | None = None  # its file or folder; None: it is in the run
    loss_network: LossName | None = None
    finish_with: VggName | None = None
    loss_weights: Path | None = None
    steps: int | None = None
    time_budget: float | None = None  # seconds, including the cut
