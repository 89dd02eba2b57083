"""The options of pruning and their defaults. Importing this loads no torch."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, get_args

from stylecli.core.errors import UsageError
from stylecli.training.losses.names import LossName, VggName

Importance = Literal["rebuild", "taylor", "gamma", "l1"]  # how channels are chosen, see `importance`
IMPORTANCES: tuple[Importance, ...] = get_args(Importance)


@dataclass(frozen=True)
class Target:
    """How far to cut. Exactly one field is given.

    ratio: the share of the channels to cut, between 0 and 1. params: the most parameters left. macs: the most
    multiply-accumulates for each pixel. ms: the most milliseconds for 1280 x 720 pixels on this machine.
    Without cutting channels: blocks: the residual blocks that stay (`shortening`). narrow: split the most expensive
    layer (`narrowing`). few_norms: fold most normalisations (`freezing`).
    """

    ratio: float | None = None
    params: float | None = None
    macs: float | None = None
    ms: float | None = None
    blocks: int | None = None
    narrow: bool | None = None
    few_norms: bool | None = None

    @property
    def chosen(self) -> tuple[str, float]:
        """The name and value of the field that is given.

        Raises:
            UsageError: none or several are given, or the value is out of range.
        """
        known = {field.name: getattr(self, field.name) for field in fields(self)}
        given = [(name, value) for name, value in known.items() if value is not None]
        if len(given) != 1:
            raise UsageError("say how far to cut, in one way", hint=f"Give one of: {', '.join(known)}.")
        name, value = given[0][0], float(given[0][1])
        if not 0 < value < float("inf") or (name == "ratio" and value >= 1):
            raise UsageError(f"{name} {value:g}: cuts nothing, or everything", hint="A ratio lies between 0 and 1.")
        return name, value


@dataclass(frozen=True)
class Healing:
    """How a cut network is trained. None: as the recipe of the whole network, or HEALING, says."""

    painting: Path | None = None  # its file or folder; None: it is in the run
    loss_network: LossName | None = None
    finish_with: VggName | None = None
    loss_weights: Path | None = None
    steps: int | None = None
    time_budget: float | None = None  # seconds, including the cut
