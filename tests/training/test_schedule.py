from __future__ import annotations

from dataclasses import replace

import pytest

from stylecli.core.errors import UsageError
from stylecli.training.recipe import Painting, Phase, Recipe
from stylecli.training.schedule import BUDGET_SHARE, fit_to_budget, one_cycle, with_plan_of

RECIPE = Recipe(Painting("x"), phases=(Phase(100, 64), Phase(300, 128)))


def seconds_of(phase: Phase) -> float:
    return 0.1 if phase.size == 64 else 0.3


def test_the_learning_rate_rises_and_falls() -> None:
    rates = [one_cycle(step / 100, 4e-3) for step in range(100)]
    assert rates[0] == pytest.approx(4e-3 / 25)
    assert max(rates) == rates[5] == pytest.approx(4e-3)
    assert rates[-1] < 4e-3 / 100
    assert rates[5:] == sorted(rates[5:], reverse=True)


@pytest.mark.parametrize("seconds", [10, 100, 1000])
def test_the_steps_fill_the_budget(seconds: float) -> None:
    fitted = fit_to_budget(RECIPE, seconds_of, seconds=seconds)
    needed = sum(phase.steps * seconds_of(phase) for phase in fitted.phases)
    assert needed == pytest.approx(BUDGET_SHARE * seconds, abs=0.4)
    assert fitted.phases[1].steps / fitted.phases[0].steps == pytest.approx(3, rel=0.1)


def test_a_budget_for_no_step_is_refused() -> None:
    with pytest.raises(UsageError, match="time budget"):
        fit_to_budget(replace(RECIPE, time_budget=0.2), seconds_of, seconds=0.2)


def test_a_resumed_run_keeps_the_steps_that_were_planned() -> None:
    asked = replace(RECIPE, time_budget=60.0)
    planned = asked.with_steps(17)
    assert with_plan_of(asked, planned).steps == 17
    assert with_plan_of(replace(asked, time_budget=90.0), planned).steps == RECIPE.steps
    assert with_plan_of(RECIPE, planned).steps == RECIPE.steps
