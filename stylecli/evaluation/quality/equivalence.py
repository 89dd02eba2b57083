"""Measure how many steps the optimisation of Gatys et al. needs to reach the loss of a network's picture."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from stylecli.core.errors import StyleError
from stylecli.core.progress import Progress, Step, ignore
from stylecli.evaluation.quality.measures import style_grams
from stylecli.evaluation.quality.metrics.stylized_photo import Stylizer, as_judged, device_of, image_tensor
from stylecli.evaluation.selection import spread
from stylecli.media.images.files import read_picture
from stylecli.media.pixels import quantize, to_unit
from stylecli.training.gatys.optimizer import compute_losses, iterations, total_loss
from stylecli.training.gatys.options import Optimization
from stylecli.training.losses.loss_network import LossNetwork
from stylecli.training.runs.recipe_files import read_recipe

SHORT_SIDE = 256  # pixels: a step on the CPU then takes about a second
PHOTOS = 3  # most photos to measure on
LOSS_KEYS = ("relative", "content_layer", "content_weight", "style_layers", "style_weight", "variation_weight")


@dataclass(frozen=True)
class Race:
    """One photo: the total loss of the network's picture, and that of the optimisation after every step.

    `iterations` is the first step below the network, None if there was none.
    """

    photo: str
    network_total: float
    totals: tuple[float, ...]
    iterations: int | None
    network_seconds: float
    optimizer_seconds: float  # of the steps up to `iterations`, or of all


@dataclass(frozen=True)
class Equivalence:
    """The races of one style, each of at most `limit` steps."""

    races: tuple[Race, ...]
    limit: int

    def as_record(self) -> dict[str, Any]:
        """Return medians for tables and JSON. If the limit was too low, `times_faster` is a lower bound."""
        middle = statistics.median_high(race.iterations or self.limit + 1 for race in self.races)
        network = statistics.median(race.network_seconds for race in self.races)
        optimizer = statistics.median(race.optimizer_seconds for race in self.races)
        return {
            "equivalent_iterations": middle if middle <= self.limit else None,
            "equivalent_limit": self.limit,
            "network_seconds": float(f"{network:.3g}"),
            "optimizer_seconds": float(f"{optimizer:.3g}"),
            "times_faster": round(optimizer / network),
        }


def loss_of_recipe(recipe: Path) -> Optimization:
    """Return the loss that a network was trained with, or the optimisation's default if its recipe cannot be read.

    The grid loss is left out, since only networks leave a grid.
    """
    try:
        trained = read_recipe(recipe)
    except StyleError:
        return Optimization()
    return Optimization(**{key: getattr(trained, key) for key in LOSS_KEYS})


def measure_equivalence(
    stylizer: Stylizer,
    photos: Sequence[Path],
    painting: Path,
    *,
    loss_network: LossNetwork,
    settings: Optimization,
    limit: int,
    progress: Progress = ignore,
) -> Equivalence:
    """Optimise some photos until their loss is below that of the network's picture, or for `limit` steps.

    Raises:
        MediaError: a picture cannot be read.
    """
    grams = style_grams(painting, loss_network, settings.style_layers)
    chosen = [photos[index] for index in spread(len(photos), PHOTOS)]
    races = []
    for number, path in enumerate(chosen):

        def on_step(done: int, *, number: int = number, path: Path = path) -> None:
            progress(Step(number * limit + done, len(chosen) * limit, "optimiser steps", path.name))

        races.append(
            _race(stylizer, path, grams, loss_network=loss_network, settings=settings, limit=limit, on_step=on_step)
        )
    return Equivalence(tuple(races), limit)


def _race(
    stylizer: Stylizer,
    path: Path,
    grams: Mapping[str, Tensor],
    *,
    loss_network: LossNetwork,
    settings: Optimization,
    limit: int,
    on_step: Callable[[int], None],
) -> Race:
    """Paint one photo by the network, then optimise it until the loss is lower, for at most `limit` steps."""
    photo = as_judged(read_picture(path).pixels, SHORT_SIDE)
    unit = to_unit(photo)
    stylizer.stylize(unit)  # the first run of a size is slower
    started = time.perf_counter()
    painted = quantize(stylizer.stylize(unit), np.uint8)
    network_seconds = time.perf_counter() - started

    device = device_of(loss_network)
    image = image_tensor(photo).to(device)
    grams = {layer: gram.to(device) for layer, gram in grams.items()}
    with torch.no_grad():
        content = loss_network(image, [settings.content_layer])[settings.content_layer]
        losses = compute_losses(image_tensor(painted).to(device), content, grams, loss_network, settings)
        goal = total_loss(losses, settings).item()
    totals: list[float] = []
    started = time.perf_counter()
    for iteration in itertools.islice(iterations(image, grams, loss_network, settings), limit):
        totals.append(iteration.total)
        on_step(iteration.number)
        if iteration.total < goal:
            break
    seconds = time.perf_counter() - started
    reached = len(totals) if totals[-1] < goal else None
    name = "".join(filter(str.isprintable, path.name))
    return Race(name, goal, tuple(totals), reached, network_seconds, seconds)
