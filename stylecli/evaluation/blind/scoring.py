"""Rank styles by the answers of people, with confidence intervals, by the model of Bradley and Terry 1952."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylecli.evaluation.blind.answers import Duel

SURE = 1.96  # half the width of a 95 % interval, in standard errors
PRIOR = 3.0  # standard deviation of the prior of the strengths: keeps them finite if a style always wins
ROUNDS = 100  # most iterations of Newton's method, which needs about 5
CLOSE = 1e-10  # size of a step that ends them


@dataclass(frozen=True)
class Preference:
    """How often one style is preferred to an average one of the others, 0..1, with its 95 % interval.

    wins, ties, losses: of its pairs.
    """

    question: str
    style: str
    preferred: float
    low: float
    high: float
    wins: int
    ties: int
    losses: int

    def as_record(self) -> dict[str, Any]:
        """Return a row for tables, JSON and CSV, with rounded numbers."""
        return _rounded(asdict(self))


@dataclass(frozen=True)
class Encounter:
    """The share of the pairs of two styles in which the first was chosen, with its 95 % interval; a tie is half."""

    question: str
    style: str
    against: str
    share: float
    low: float
    high: float
    pairs: int

    def as_record(self) -> dict[str, Any]:
        """Return a row for tables, JSON and CSV, with rounded numbers."""
        return _rounded(asdict(self))


def preferences(duels: Sequence[Duel]) -> list[Preference]:
    """Rank the styles for each question, the most preferred first."""
    found = []
    for question in dict.fromkeys(duel.question for duel in duels):
        asked = [duel for duel in duels if duel.question == question]
        names = sorted({name for duel in asked for name in (duel.left, duel.right)})
        strengths, errors = fit_strengths(asked, names)
        rows = [
            Preference(
                question,
                name,
                _chance(strength),
                _chance(strength - SURE * error),
                _chance(strength + SURE * error),
                *_counts(asked, name),
            )
            for name, strength, error in zip(names, strengths.tolist(), errors.tolist(), strict=True)
        ]
        found += sorted(rows, key=lambda row: -row.preferred)
    return found


def encounters(duels: Sequence[Duel]) -> list[Encounter]:
    """Count the answers on every two styles that were compared, for each question."""
    found = []
    for question in dict.fromkeys(duel.question for duel in duels):
        shares: dict[tuple[str, str], list[float]] = {}
        for duel in duels:
            if duel.question == question:
                first, second = sorted((duel.left, duel.right))
                shares.setdefault((first, second), []).append(duel.share if first == duel.left else 1 - duel.share)
        for (first, second), values in sorted(shares.items()):
            share = float(np.mean(values))
            found.append(Encounter(question, first, second, share, *wilson(share, len(values)), len(values)))
    return found


def fit_strengths(duels: Sequence[Duel], names: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fit the strengths of styles and their standard errors, (N,) each, in logits; the mean strength is 0.

    A style of strength s is chosen before one of strength t with the probability 1 / (1 + exp(t - s)). A tie counts as
    half a win of each. The maximum of the posterior, by Newton's method; errors by its curvature.
    """
    place = {name: number for number, name in enumerate(names)}
    design = np.zeros((len(duels), len(names)))
    for row, duel in enumerate(duels):
        design[row, place[duel.left]] += 1
        design[row, place[duel.right]] -= 1
    shares = np.array([duel.share for duel in duels])
    centre = np.eye(len(names)) - 1 / len(names)
    strengths = np.zeros(len(names))
    curvature = np.eye(len(names))
    for _ in range(ROUNDS):
        chances = 1 / (1 + np.exp(-design @ strengths))
        slope = design.T @ (shares - chances) - strengths / PRIOR**2
        curvature = (design * (chances * (1 - chances))[:, None]).T @ design + np.eye(len(names)) / PRIOR**2
        step = np.linalg.solve(curvature, slope)
        strengths = centre @ (strengths + np.clip(step, -2, 2))
        if np.abs(step).max() < CLOSE:
            break
    covariance = centre @ np.linalg.inv(curvature) @ centre
    return strengths, np.sqrt(np.diag(covariance))


def wilson(share: float, count: int) -> tuple[float, float]:
    """Return the 95 % interval of a share of `count` answers (Wilson 1927)."""
    middle = (share + SURE**2 / (2 * count)) / (1 + SURE**2 / count)
    reach = SURE / (1 + SURE**2 / count) * math.sqrt(share * (1 - share) / count + (SURE / (2 * count)) ** 2)
    return max(0.0, middle - reach), min(1.0, middle + reach)


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    return {key: round(value, 3) if isinstance(value, float) else value for key, value in row.items()}


def _chance(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


def _counts(duels: Sequence[Duel], name: str) -> tuple[int, int, int]:
    """Wins, ties and losses of a style."""
    own = [duel.share if duel.left == name else 1 - duel.share for duel in duels if name in (duel.left, duel.right)]
    return own.count(1.0), own.count(0.5), own.count(0.0)
