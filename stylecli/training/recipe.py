"""A recipe: everything that decides what a training makes, as a TOML file that a person reads and edits."""

from __future__ import annotations

import dataclasses
import difflib
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stylecli.errors import MediaError, UsageError
from stylecli.training.loss_network import VggName
from stylecli.training.losses import STYLE_LAYERS


@dataclass(frozen=True)
class Painting:
    """The style image: its file, and what is known about the work."""

    file: str  # relative to the recipe's folder
    title: str = ""
    artist: str = ""
    year: int = 0  # 0: unknown
    licence: str = ""
    source: str = ""


@dataclass(frozen=True)
class Phase:
    """A stretch of the training at one size: `steps` optimiser steps on square crops of `size` pixels."""

    steps: int
    size: int


@dataclass(frozen=True)
class Recipe:
    """What is trained and how; `docs/training.md` tells what the values do."""

    painting: Painting
    licence: str = ""  # of the style; like `photos` only told in the card
    photos: str = ""  # what the training photos are, with their terms
    base: str = ""  # a style whose weights the training starts from; random weights when empty
    network: str = "fast"
    stem: int = 16  # channels at half the picture's resolution (`johnson`: at full resolution)
    trunk: int = 48  # channels of the residual blocks, at a quarter of the resolution
    blocks: int = 4
    loss_network: VggName = "vgg19"
    content_layer: str = "relu3_3"
    content_weight: float = 1.0
    style_layers: tuple[str, ...] = STYLE_LAYERS
    style_weight: float = 2.0
    style_size: int = 512  # pixels of the painting's short side: larger makes larger strokes
    variation_weight: float = 0.05
    grid_weight: float = 500.0
    batch: int = 2
    learning_rate: float = 4e-3  # the peak of the one-cycle schedule (Smith and Topin 2018)
    seed: int = 0
    phases: tuple[Phase, ...] = field(default=(Phase(1000, 128), Phase(2000, 192), Phase(600, 256)))

    @property
    def steps(self) -> int:
        """Optimiser steps of all phases."""
        return sum(phase.steps for phase in self.phases)

    @property
    def loss_layers(self) -> tuple[str, ...]:
        """Every layer of the loss network that the losses look at."""
        return (*dict.fromkeys((*self.style_layers, self.content_layer)),)

    def with_steps(self, steps: int) -> Recipe:
        """The same recipe stretched or shrunk to `steps`, its phases in proportion."""
        ends = [round(steps * sum(p.steps for p in self.phases[: k + 1]) / self.steps) for k in range(len(self.phases))]
        counts = [end - start for start, end in zip([0, *ends], ends, strict=False)]
        phases = tuple(Phase(count, p.size) for count, p in zip(counts, self.phases, strict=True) if count)
        return dataclasses.replace(self, phases=phases)

    def size_at(self, step: int) -> int:
        """Crop size in pixels of a step, counted from 0."""
        for phase in self.phases:
            if step < phase.steps:
                return phase.size
            step -= phase.steps
        raise IndexError(step)


def read_recipe(path: Path) -> Recipe:
    """Read a recipe.

    Raises:
        MediaError: the file cannot be read.
        UsageError: it is not TOML, or a key or value of it is impossible.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as err:
        raise MediaError(f"{path}: {err.strerror}", hint="Give a painting or a recipe.toml.") from err
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as err:
        raise UsageError(f"{path}: not TOML ({err})", hint="Mend the file.") from err
    phases = table.pop("phases", None)
    painting = table.pop("painting", None)
    if not isinstance(painting, dict) or "file" not in painting:
        raise UsageError(f"{path}: [painting] names no file", hint='Add: [painting] with file = "painting.jpg".')
    recipe: Recipe = _build(Recipe, {**table, "painting": _build(Painting, painting, path)}, path)
    if phases is not None:
        if not isinstance(phases, list) or not all(isinstance(phase, dict) for phase in phases):
            raise UsageError(f"{path}: phases is not a list of tables", hint="Write [[phases]] with steps and size.")
        recipe = dataclasses.replace(recipe, phases=tuple(_build(Phase, phase, path) for phase in phases))
    check_recipe(recipe, str(path))
    return recipe


def check_recipe(recipe: Recipe, name: str = "recipe") -> None:
    """Refuse values that no training can have.

    Raises:
        UsageError: names the value and the range.
    """
    from stylecli.training.network import NETWORKS, STRIDE

    if recipe.network not in NETWORKS:
        raise UsageError(f"{name}: no network {recipe.network!r}", hint=f"Known: {', '.join(NETWORKS)}.")
    if recipe.loss_network not in ("vgg16", "vgg19"):
        raise UsageError(f"{name}: no loss network {recipe.loss_network!r}", hint="Known: vgg16, vgg19.")
    if not recipe.phases or not recipe.style_layers:
        raise UsageError(f"{name}: phases and style_layers must not be empty", hint="Leave them out for the defaults.")
    at_least: dict[str, tuple[float, float]] = {
        "stem": (recipe.stem, 1),
        "trunk": (recipe.trunk, 2),
        "blocks": (recipe.blocks, 1),
        "batch": (recipe.batch, 1),
        "style_size": (recipe.style_size, 64),
        "learning_rate": (recipe.learning_rate, 1e-8),
        "content_weight": (recipe.content_weight, 0),
        "style_weight": (recipe.style_weight, 0),
        "variation_weight": (recipe.variation_weight, 0),
        "grid_weight": (recipe.grid_weight, 0),
        "steps of a phase": (min(phase.steps for phase in recipe.phases), 1),
        "size of a phase": (min(phase.size for phase in recipe.phases), 64),
    }
    for key, (value, least) in at_least.items():
        if not value >= least:  # written so that NaN is refused too
            raise UsageError(f"{name}: {key} is {value}", hint=f"It must be at least {least:g}.")
    for phase in recipe.phases:
        if phase.size % STRIDE:
            raise UsageError(f"{name}: a phase's size is {phase.size}", hint=f"It must be a multiple of {STRIDE}.")


def write_recipe(recipe: Recipe, path: Path) -> None:
    """Write every value, defaults too: a later version's defaults must not change what this recipe means."""
    import tomli_w  # part of the extra `train`

    table = dataclasses.asdict(recipe)
    path.write_text(tomli_w.dumps(table), encoding="utf-8")


def _build(kind: type[Any], table: dict[str, Any], path: Path) -> Any:
    """A dataclass from a TOML table, each value checked against the field's annotated type."""
    fields = {one.name: str(one.type) for one in dataclasses.fields(kind)}
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in fields:
            near = difflib.get_close_matches(key, fields, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"Known keys: {', '.join(fields)}."
            raise UsageError(f"{path}: unknown key {key!r}", hint=hint)
        values[key] = _check(value, fields[key], f"{path}: {key}")
    missing = [
        one.name for one in dataclasses.fields(kind) if one.default is one.default_factory and one.name not in values
    ]
    if missing:
        raise UsageError(f"{path}: {missing[0]} is missing", hint="Add it.")
    return kind(**values)


def _check(value: Any, annotation: str, where: str) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if annotation == "float" and is_number:
        return float(value)
    if annotation == "int" and is_number and isinstance(value, int):
        return value
    if annotation in ("str", "VggName") and isinstance(value, str):
        return value
    if annotation == "tuple[str, ...]" and isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    if annotation == "Painting" and isinstance(value, Painting):
        return value
    raise UsageError(f"{where} is {value!r}", hint=f"It must be of type {annotation}.")
