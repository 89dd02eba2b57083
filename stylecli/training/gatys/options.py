"""The options of the optimisation (Gatys et al. 2016) and their defaults. Importing this loads no torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from stylecli.core.errors import UsageError
from stylecli.training.losses.names import STYLE_LAYERS, LossName

LEARNING_RATES: Mapping[str, float] = {"lbfgs": 1.0, "adam": 0.03}  # 1: the step that L-BFGS proposes


@dataclass(frozen=True)
class Optimization:
    """The losses and the optimiser. learning_rate: None for LEARNING_RATES. relative: see `losses.perceptual`."""

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
        """All layers of the loss network that the losses need."""
        return (*dict.fromkeys((*self.style_layers, self.content_layer)),)

    @property
    def least_side(self) -> int:
        """The smallest side, in pixels, that leaves one pixel at the deepest layer: each pooling halves it."""
        return max(1 << (int(layer.removeprefix("relu")[0]) - 1) for layer in self.layers)


@dataclass(frozen=True)
class OptimizationJob:
    """How one photo is painted, apart from the losses.

    size: the largest short side of the result, in pixels; a smaller photo keeps its size. scales: how many sizes to
    paint, from coarse to fine, each twice the one before and started from its result. original_colors: take only the
    brightness from the painted picture. preview_every: steps between previews; None: no previews. loss_network: None
    for the best that needs no download. loss_weights: a local file of its weights.
    """

    steps: int = 300
    size: int = 512
    scales: int = 2
    original_colors: bool = False
    preview_every: int | None = None
    loss_network: LossName | None = None
    loss_weights: Path | None = None

    def __post_init__(self) -> None:
        if self.preview_every is not None and self.preview_every < 1:
            raise UsageError(f"preview_every is {self.preview_every}", hint="Give at least 1.")
