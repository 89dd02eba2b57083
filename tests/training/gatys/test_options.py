from __future__ import annotations

from typing import Any

import pytest

from stylecli.core.errors import UsageError
from stylecli.training.gatys.options import Optimization, OptimizationJob


@pytest.mark.parametrize(
    "values",
    [
        {"optimizer": "newton"},
        {"style_layers": ()},
        {"style_weight": -1.0},
        {"content_weight": float("nan")},
        {"variation_weight": float("inf")},
        {"learning_rate": 0.0},
        {"learning_rate": float("nan")},
    ],
)
def test_impossible_settings_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(values))):
        Optimization(**values)


@pytest.mark.parametrize(("layer", "least"), [("relu1_2", 1), ("relu2_2", 2), ("relu3_3", 4), ("relu4_2", 8)])
def test_each_pooling_doubles_the_least_side(layer: str, least: int) -> None:
    assert Optimization(content_layer=layer, style_layers=("relu1_2",)).least_side == least


def test_previews_after_no_step_are_refused() -> None:
    with pytest.raises(UsageError, match="preview_every is 0"):
        OptimizationJob(preview_every=0)
