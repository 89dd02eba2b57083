"""The schedule of a training: the learning rate of every step, and phases that fit into a time budget."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from stylecli.core.errors import UsageError
from stylecli.training.recipe import Phase, Recipe

WARM_UP = 0.05  # share of the steps in which the learning rate rises
BUDGET_SHARE = 0.9  # share of the time budget for steps; the rest is for samples, checkpoints and delays


def one_cycle(progress: float, peak: float) -> float:
    """Return the learning rate when a share `progress` of the steps is done (Smith and Topin 2018).

    It follows a cosine from peak / 25 up to the peak, then another one down to peak / 10,000.
    """
    if progress < WARM_UP:
        return _cosine(peak / 25, peak, progress / WARM_UP)
    return _cosine(peak, peak * 1e-4, (progress - WARM_UP) / (1 - WARM_UP))


def fit_to_budget(recipe: Recipe, seconds_of: Callable[[Phase], float], *, seconds: float) -> Recipe:
    """Return the recipe with as many steps as `seconds` allow, its phases in proportion.

    seconds_of: returns the seconds of one step of a phase.

    Raises:
        UsageError: not even one step of each phase fits.
    """
    whole = sum(phase.steps * seconds_of(phase) for phase in recipe.phases)
    steps = int(recipe.steps * BUDGET_SHARE * seconds / whole)
    fitted = recipe.with_steps(max(1, steps))
    if steps < 1 or len(fitted.phases) < len(recipe.phases):
        raise UsageError(
            f"time budget of {recipe.time_budget:g} s: only {max(0, steps)} steps fit into it on this machine",
            hint="Allow more time, or use a smaller network or the distilled loss network.",
        )
    return fitted


def with_plan_of(recipe: Recipe, before: Recipe) -> Recipe:
    """Return the recipe with the phases of `before`, the recipe of its run, if both have the same time budget."""
    if recipe.time_budget and recipe.time_budget == before.time_budget:
        return replace(recipe, phases=before.phases)
    return recipe


def _cosine(start: float, end: float, progress: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * progress)) / 2
