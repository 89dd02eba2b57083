"""What can be asked of a pruning, and the defaults; importing them loads no torch."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, get_args

from stylecli.core.errors import UsageError
from stylecli.training.losses.names import LossName, VggName

Importance = Literal["rebuild", "taylor", "gamma", "l1"]  # by which channels are chosen (`importance`)
IMPORTANCES: tuple[Importance, ...] = get_args(Importance)


@dataclass(frozen=True)
class Target:
    """How far to cut, by one of: the share of the channels that go, parameters, multiply-accumulates a pixel, ms.

    Or by what is no channel: the residual blocks that stay (`shortening`), the most expensive layer, which becomes two
    (`narrowing`), the normalisations that matter little (`freezing`).
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
        """The one that is given, by name.

        Raises:
            UsageError: none or several are, or it is out of range.
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
    """How a cut network is trained; None leaves what the recipe of the whole network, or HEALING, says."""

    painting: Path | None = None  # its file, or the folder of it; None: it is in the run
    loss_network: LossName | None = None
    finish_with: VggName | None = None
    loss_weights: Path | None = None
    steps: int | None = None
    time_budget: float | None = None  # seconds, those of the cut among them
