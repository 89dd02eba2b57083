"""The settings of the optimisation of Gatys et al. 2016, and their defaults; importing them loads no torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from stylecli.core.errors import UsageError
from stylecli.training.losses.names import STYLE_LAYERS, LossName

LEARNING_RATES: Mapping[str, float] = {"lbfgs": 1.0, "adam": 0.03}  # 1: the step that L-BFGS itself thinks best


@dataclass(frozen=True)
class Optimization:
    """What is optimised and how. learning_rate: None for that of LEARNING_RATES. relative: see `losses`."""

    optimizer: Literal["lbfgs", "adam"] = "lbfgs"
    content_layer: str = "relu4_2"  # as Gatys et al. 2016, section 3
    content_weight: float = 1.0
    style_layers: tuple[str, ...] = STYLE_LAYERS
    style_weight: float = 10.0
    variation_weight: float = 5.0
    learning_rate: float | None = None
    relative: bool = True

    def __post_init__(self) -> None:
        if self.optimizer not in LEARNING_RATES:
            raise UsageError(f"no optimizer {self.optimizer!r}", hint=f"Known: {', '.join(LEARNING_RATES)}.")
        if not self.style_layers:
            raise UsageError("style_layers must not be empty", hint="Leave them out for the defaults.")
        for name in ("content_weight", "style_weight", "variation_weight"):
            if not 0 <= getattr(self, name) < math.inf:  # written so that NaN is refused too
                raise UsageError(f"{name} is {getattr(self, name):g}", hint="Give 0 or more.")
        if self.learning_rate is not None and not 0 < self.learning_rate < math.inf:
            raise UsageError(f"learning_rate is {self.learning_rate:g}", hint="Give more than 0.")

    @property
    def layers(self) -> tuple[str, ...]:
        """Every layer of the loss network that the losses look at."""
        return (*dict.fromkeys((*self.style_layers, self.content_layer)),)

    @property
    def least_side(self) -> int:
        """Pixels that a side needs so that one is left at the deepest layer: a pooling stands before each block."""
        return max(1 << (int(layer.removeprefix("relu")[0]) - 1) for layer in self.layers)


@dataclass(frozen=True)
class OptimizationJob:
    """How a photo file is optimised, beside the settings of the losses; for `optimize_file`.

    size: short side of the result at most, in pixels; a smaller photo keeps its size. scales: sizes painted from coarse
    to fine, each twice the one before. preview_every: steps between previews; None: none. loss_network: None for the
    best that needs no download. loss_weights: a local file of its weights.
    """

    steps: int = 300
    size: int = 512
    scales: int = 2
    original_colors: bool = False
    preview_every: int | None = None
    loss_network: LossName | None = None
    loss_weights: Path | None = None
