"""The E statistic of Gaussians whose divergence is known."""

from __future__ import annotations

import math

import pytest
import torch

from stylecli.evaluation.quality.metrics.feature_statistics import (
    LEAST_DIVERGENCE,
    FeatureStatistics,
    e_statistic,
    statistics_of,
    style_distance,
)


def features(deviations: list[float], mean: list[float], *, seed: int = 0) -> dict[str, torch.Tensor]:
    """Feature maps (1, 2, 200, 200) of independent channels."""
    noise = torch.randn(1, len(mean), 200, 200, generator=torch.Generator().manual_seed(seed))
    scale, shift = (torch.tensor(values).view(1, -1, 1, 1) for values in (deviations, mean))
    return {"layer": noise * scale + shift}


def statistics(deviations: list[float], mean: list[float], *, seed: int = 0) -> FeatureStatistics:
    return statistics_of(features(deviations, mean, seed=seed))["layer"]


def test_mean_and_covariance_are_those_of_the_positions() -> None:
    found = statistics([1, 2], [3, -1])
    assert found.mean.tolist() == pytest.approx([3, -1], abs=0.05)
    assert found.covariance.diag().tolist() == pytest.approx([1, 4], rel=0.05)
    assert abs(found.covariance[0, 1].item()) < 0.05


def test_the_same_distribution_has_the_most() -> None:
    one = statistics([1, 2], [0, 0])
    assert e_statistic(one, one) == pytest.approx(-math.log(LEAST_DIVERGENCE))
    assert e_statistic(statistics([1, 2], [0, 0], seed=1), one) > 5


def test_the_divergence_of_a_shifted_gaussian() -> None:
    # Equal covariances: half the squared shift in standard deviations, 0.5 (1 / 1 + 4 / 4) = 1.
    value = e_statistic(statistics([1, 2], [1, 2]), statistics([1, 2], [0, 0]))
    assert value == pytest.approx(-math.log(1.0), abs=0.05)


def test_the_divergence_of_a_wider_gaussian() -> None:
    # Twice the deviation in both channels: 0.5 (4 + 4 - 2 - 2 ln 4) = 1.614.
    value = e_statistic(statistics([2, 2], [0, 0]), statistics([1, 1], [0, 0]))
    assert value == pytest.approx(-math.log(3 - math.log(4)), abs=0.05)


def test_what_the_painting_does_not_vary_in_does_not_count() -> None:
    painting = statistics([1, 0.01], [0, 0])
    assert painting.components.shape == (2, 1)
    assert e_statistic(statistics([1, 0.01], [0, 5]), painting) > 5


def test_a_flat_picture_and_a_flat_painting_give_numbers() -> None:
    flat, lively = statistics([0, 0], [1, 1]), statistics([1, 2], [0, 0])
    assert math.isfinite(e_statistic(flat, lively))
    assert math.isfinite(e_statistic(lively, flat))
    assert math.isfinite(e_statistic(flat, flat))


def test_the_distance_of_style_is_relative_to_the_painting() -> None:
    one = statistics_of(features([1, 2], [0, 0]))
    twice = statistics_of(features([2, 4], [0, 0]))
    assert style_distance(one, one) == 0
    assert style_distance(twice, one) == pytest.approx(9)  # (4 - 1)²
