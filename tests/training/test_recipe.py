from __future__ import annotations

from dataclasses import replace

import pytest

from stylecli.training.recipe import Painting, Recipe


@pytest.mark.parametrize("steps", [1, 2, 7, 100, 3601])
def test_with_steps_keeps_the_phases_in_proportion(steps: int) -> None:
    recipe = Recipe(Painting("x"))
    shorter = recipe.with_steps(steps)
    assert shorter.steps == steps
    for done in range(steps):
        assert abs(shorter.phase_at(done).size - recipe.phase_at(int((done + 0.5) * recipe.steps / steps)).size) <= 64
    assert replace(shorter, phases=recipe.phases) == recipe
