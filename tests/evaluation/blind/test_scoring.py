"""Strengths from answers whose truth is known."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping

import numpy as np
import pytest

from stylecli.evaluation.blind.answers import Duel
from stylecli.evaluation.blind.scoring import encounters, fit_strengths, preferences, wilson


def answers(strengths: Mapping[str, float], count: int, *, seed: int, ties: float = 0.0) -> list[Duel]:
    """Answers of people who choose by the model of Bradley and Terry."""
    chance = random.Random(seed)
    duels = []
    for _ in range(count):
        left, right = chance.sample([*strengths], 2)
        wins = 1 / (1 + math.exp(strengths[right] - strengths[left]))
        share = 0.5 if chance.random() < ties else float(chance.random() < wins)
        duels.append(Duel("hang", left, right, share))
    return duels


def test_strengths_of_many_answers_are_the_true_ones() -> None:
    truth = {"a": 1.0, "b": 0.2, "c": -1.2}
    strengths, errors = fit_strengths(answers(truth, 6000, seed=0), [*truth])
    assert strengths.tolist() == pytest.approx([*truth.values()], abs=0.12)  # three standard errors
    assert all(0.02 < error < 0.05 for error in errors)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    truth = {"a": 0.6, "b": 0.0, "c": -0.6}
    covered = 0
    trials = 200
    for seed in range(trials):
        strengths, errors = fit_strengths(answers(truth, 120, seed=seed), [*truth])
        covered += sum(np.abs(strengths - [*truth.values()]) < 1.96 * errors)
    # 95 % of 600 with a standard deviation below 1.5 %.
    assert 0.91 < covered / (3 * trials) < 0.99


def test_a_style_that_always_wins_has_a_finite_strength() -> None:
    first, second = preferences([Duel("hang", "a", "b", 1.0)] * 20)
    assert (first.style, first.wins, first.ties, first.losses) == ("a", 20, 0, 0)
    assert 0.5 < first.low < first.preferred < first.high < 1
    assert second.preferred == pytest.approx(1 - first.preferred)


def test_ties_alone_are_a_draw() -> None:
    for row in preferences([Duel("hang", "a", "b", 0.5)] * 10):
        assert row.preferred == pytest.approx(0.5)
        assert row.ties == 10


def test_the_side_makes_no_difference() -> None:
    duels = answers({"a": 1.0, "b": 0.0}, 50, seed=2, ties=0.2)
    swapped = [Duel(duel.question, duel.right, duel.left, 1 - duel.share) for duel in duels]
    assert [row.as_record() for row in preferences(duels)] == [row.as_record() for row in preferences(swapped)]


def test_every_question_is_counted_by_itself() -> None:
    duels = [Duel("hang", "a", "b", 1.0)] * 5 + [Duel("painting", "a", "b", 0.0)] * 5
    assert [(row.question, row.style) for row in preferences(duels)] == [
        ("hang", "a"),
        ("hang", "b"),
        ("painting", "b"),
        ("painting", "a"),
    ]


def test_shares_of_two_are_counted_with_ties_as_halves() -> None:
    duels = [Duel("hang", "a", "b", 1.0), Duel("hang", "b", "a", 0.0), Duel("hang", "b", "a", 0.5)]
    (row,) = encounters(duels)
    assert (row.style, row.against, row.pairs) == ("a", "b", 3)
    assert row.share == pytest.approx(2.5 / 3)
    assert row.low < row.share < row.high


def test_wilsons_interval_by_hand() -> None:
    # Newcombe 1998, table I: 81 of 263 gives 0.2553 to 0.3662.
    assert wilson(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson(0.0, 20)[0] == 0
    assert wilson(1.0, 20)[1] == 1
