"""The race between a network and the optimisation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from stylecli.evaluation.quality.equivalence import Equivalence, Race, loss_of_recipe, measure_equivalence
from stylecli.evaluation.selection import spread
from stylecli.training.gatys.options import Optimization
from stylecli.training.losses.distilled import DistilledNetwork


class Untouched:
    def stylize(self, unit: NDArray[np.float32]) -> NDArray[np.float32]:
        return unit


def race(iterations: int | None, optimizer_seconds: float) -> Race:
    return Race("cat.png", 1.0, (2.0,), iterations, 0.5, optimizer_seconds)


def test_the_photo_itself_is_overtaken_at_once(photo_file: Path, distilled_network: DistilledNetwork) -> None:
    measured = measure_equivalence(
        Untouched(), [photo_file], photo_file, loss_network=distilled_network, settings=Optimization(), limit=4
    )
    (only,) = measured.races
    assert only.iterations == len(only.totals)
    assert only.totals[-1] < only.network_total
    assert all(total >= only.network_total for total in only.totals[:-1])


def test_the_race_ends_at_the_limit(photo_file: Path, distilled_network: DistilledNetwork) -> None:
    # Only the content counts, and the photo itself is what the network gives: nothing is below its loss of 0.
    settings = Optimization(style_weight=0, variation_weight=0)
    measured = measure_equivalence(
        Untouched(), [photo_file] * 5, photo_file, loss_network=distilled_network, settings=settings, limit=2
    )
    assert len(measured.races) == 3  # of the five photos
    assert all(one.iterations is None and len(one.totals) == 2 for one in measured.races)


def test_medians_are_told() -> None:
    record = Equivalence((race(3, 10.0), race(9, 40.0), race(5, 20.0)), limit=10).as_record()
    assert record["equivalent_iterations"] == 5
    assert record["network_seconds"] == 0.5
    assert record["optimizer_seconds"] == 20
    assert record["times_faster"] == 40


def test_a_limit_that_most_races_reach_leaves_the_steps_open() -> None:
    record = Equivalence((race(3, 10.0), race(None, 40.0), race(None, 40.0)), limit=10).as_record()
    assert record["equivalent_iterations"] is None
    assert record["times_faster"] == 80  # at least


def test_the_loss_is_that_of_the_recipe(tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text('content_weight = 3.0\nlearning_rate = 9.0\n[painting]\nfile = "a.png"\n')
    loss = loss_of_recipe(tmp_path / "recipe.toml")
    assert loss.content_weight == 3
    assert loss.content_layer == "relu3_3"  # the recipe's default, not the optimisation's
    assert loss.learning_rate is None  # the network's own is none of the optimisation's business


def test_without_a_recipe_it_is_the_loss_of_the_optimisation(tmp_path: Path) -> None:
    assert loss_of_recipe(tmp_path / "recipe.toml") == Optimization()


@pytest.mark.parametrize(("count", "chosen"), [(0, []), (1, [0]), (3, [0, 1, 2]), (9, [0, 4, 8]), (100, [0, 50, 99])])
def test_few_of_many_are_evenly_spread(count: int, chosen: list[int]) -> None:
    assert spread(count, 3) == chosen
