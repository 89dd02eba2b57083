"""Read the answers of blind comparisons, and look up which style was on which side."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stylecli.core.errors import MediaError, UsageError
from stylecli.evaluation.blind.pairs import unsealed

FORMAT = 1
HINT = "Give the file that the page saved."
SHARE = {"left": 1.0, "right": 0.0, "equal": 0.5}


@dataclass(frozen=True)
class Duel:
    """One answer. left, right: the styles shown; share: 1 if the left one was chosen, 0 the right one, 0.5 neither."""

    question: str
    left: str
    right: str
    share: float


def read_answers(paths: Sequence[Path]) -> list[Duel]:
    """Read files of answers, of one page or of several.

    Raises:
        MediaError: a file cannot be read.
        UsageError: it holds no answers, or those of another version.
    """
    return [duel for path in paths for duel in _duels(path)]


def _duels(path: Path) -> list[Duel]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MediaError(f"{path}: {error.strerror}", hint=HINT) from error
    except ValueError as error:
        raise UsageError(f"{path}: no answers of a blind comparison", hint=HINT) from error
    if isinstance(found, dict) and found.get("format", FORMAT) != FORMAT:
        raise UsageError(f"{path}: format {found['format']}, this stylecli reads {FORMAT}", hint="Upgrade stylecli.")
    try:
        names = unsealed(found["key"])
        duels = [_duel(answer, names) for answer in found["answers"]]
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise UsageError(f"{path}: no answers of a blind comparison", hint=HINT) from error
    if not duels:
        raise UsageError(f"{path}: nothing was answered", hint="Answer some pairs and save again.")
    return duels


def _duel(answer: Any, names: Sequence[tuple[str, str]]) -> Duel:
    number = answer["pair"]
    if not isinstance(number, int) or number < 0:
        raise ValueError("no number of a pair")
    left, right = names[number]
    return Duel(str(answer["question"]), left, right, SHARE[answer["choice"]])
