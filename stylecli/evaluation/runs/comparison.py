"""Compare runs: their cost, their final losses, and the differences of their recipes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stylecli.core.errors import MediaError
from stylecli.core.files import name_of_place
from stylecli.evaluation.runs.curves import Curves, read_curves, read_settings, sample_files
from stylecli.training.runs.checkpoints import WEIGHTS, read_tensors

LOSSES = ("total", "content", "style", "variation", "grid", "consistency")
TOLD = ("network", "loss_network", "content_weight", "style_weight", "variation_weight")  # of the recipe, in the table
# Of the recipe: what is only told, and changes nothing.
NOT_COMPARED = (*(f"painting.{key}" for key in ("title", "artist", "year", "licence", "source")), "licence", "photos")


@dataclass(frozen=True)
class Run:
    """The folder of a training, finished or not. `parameters` is None before there are weights."""

    name: str
    folder: Path
    curves: Curves
    settings: Mapping[str, Any]
    samples: Mapping[int, Path]
    parameters: int | None

    def as_record(self) -> dict[str, Any]:
        """Return a row for tables, JSON and CSV. A final loss is the mean over the last lines of the log, else None."""
        final = {key: self.curves.final(key) for key in LOSSES}
        seconds = max((value for value in self.curves.values.get("seconds", ()) if not math.isnan(value)), default=None)
        return {
            "run": self.name,
            **{key: None if value is None else float(f"{value:.4g}") for key, value in final.items()},
            "steps": self.curves.steps[-1] if self.curves.steps else None,
            "seconds": seconds,
            "parameters": self.parameters,
            **{key: self.settings.get(key) for key in TOLD},
        }


def open_runs(folders: Sequence[Path]) -> list[Run]:
    """Read the logs, recipes and samples of runs.

    Raises:
        MediaError: a folder is no run: neither recipe nor log nor weights are in it; or they are damaged.
    """
    names = [name_of_place(folder) for folder in folders]
    return [
        _open_run(folder, str(folder) if names.count(name) > 1 else name)
        for folder, name in zip(folders, names, strict=True)
    ]


def differing_settings(runs: Sequence[Run]) -> dict[str, list[str]]:
    """Return the keys of the recipes that differ between runs, with the value of each run as text.

    A recipe of another version may lack a key: its value is "", which alone is no difference.
    """
    keys = dict.fromkeys(key for run in runs for key in run.settings if key not in NOT_COMPARED)
    differing = [key for key in keys if len({str(run.settings[key]) for run in runs if key in run.settings}) > 1]
    return {key: [str(run.settings.get(key, "")) for run in runs] for key in differing}


def _open_run(folder: Path, name: str) -> Run:
    curves, settings = read_curves(folder), read_settings(folder)
    weights = folder / WEIGHTS
    if not (curves.steps or settings or weights.exists()):
        raise MediaError(f"{folder}: no run of `stylecli train`", hint="Give a folder with recipe.toml and log.jsonl.")
    parameters = sum(tensor.numel() for tensor in read_tensors(weights)[0].values()) if weights.exists() else None
    return Run(name, folder, curves, settings, sample_files(folder), parameters)
