"""Read a run: the losses of its log, its samples, the values of its recipe."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stylecli.core.errors import MediaError
from stylecli.evaluation.selection import spread
from stylecli.training.runs.folder import LOG, RECIPE, SAMPLES

SHOWN_SAMPLES = 4  # iterations of which a report shows the sample
FINAL_LINES = 10  # of the log whose mean is the final loss: that of one batch is chance


@dataclass(frozen=True)
class Curves:
    """The log of a run: `values` holds for each key (total, content, style, variation, ...) one number a step."""

    steps: tuple[int, ...]
    values: Mapping[str, tuple[float, ...]]  # NaN where a line lacks the key

    def final(self, key: str) -> float | None:
        """Return the mean of the last lines; None when no line has the key."""
        last = [value for value in self.values.get(key, ())[-FINAL_LINES:] if not math.isnan(value)]
        return float(np.mean(last)) if last else None


def read_curves(run: Path) -> Curves:
    """Read a run's log; lines that are not whole are skipped, and none is found in a run that has no log.

    Of a step that was taken twice, as after an interruption, the later line counts.

    Raises:
        MediaError: the log cannot be read.
    """
    try:
        lines = (run / LOG).read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        lines = []
    except OSError as error:
        raise MediaError(f"{run / LOG}: {error.strerror}", hint="Give a folder that `stylecli train` wrote.") from error
    by_step: dict[int, dict[str, float]] = {}
    for line in lines:
        entry = _numbers_in(line)
        if "step" in entry:
            by_step[int(entry.pop("step"))] = entry
    steps = tuple(sorted(by_step))
    keys = dict.fromkeys(key for step in steps for key in by_step[step])
    return Curves(steps, {key: tuple(by_step[step].get(key, math.nan) for step in steps) for key in keys})


def sample_files(run: Path) -> dict[int, Path]:
    """Find the samples of some iterations by their step, evenly spread, the first and the last among them."""
    found = {}
    for path in (run / SAMPLES).glob("step_*.png"):
        number = path.stem.removeprefix("step_")
        if number.isdigit():
            found[int(number)] = path
    steps = sorted(found)
    return {steps[index]: found[steps[index]] for index in spread(len(steps), SHOWN_SAMPLES)}


def read_settings(run: Path) -> dict[str, Any]:
    """Read every value of a run's recipe by its key, lists as text; empty if no recipe can be read.

    Not by `read_recipe`: runs of other versions, with other keys, are compared too.
    """
    try:
        table = tomllib.loads((run / RECIPE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return dict(_flattened(table))


def _numbers_in(line: str) -> dict[str, float]:
    try:
        entry = json.loads(line)
    except ValueError:  # the half line of a run that was killed
        return {}
    if not isinstance(entry, dict):
        return {}
    numbers = {key: value for key, value in entry.items() if isinstance(value, int | float)}
    return {key: float(value) for key, value in numbers.items() if math.isfinite(value)}


def _flattened(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flattened(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", _text(value) if isinstance(value, list) else value


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "; ".join(map(_text, value)) if value and isinstance(value[0], dict) else ", ".join(map(_text, value))
    if isinstance(value, dict) and "file" in value:  # a painting
        return str(value["file"])
    if isinstance(value, dict):  # a phase: "steps 1000, size 128"
        return ", ".join(f"{key} {_text(one)}" for key, one in value.items() if one != "")
    return str(value)
