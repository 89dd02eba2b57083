"""Read a finished training: from a run's folder, a style, or a variant of a style."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from torch import Tensor

from stylecli.core.errors import MediaError, UsageError
from stylecli.packs.blend import is_blend
from stylecli.packs.card import CARD_FILE
from stylecli.packs.pack import refuse_blends
from stylecli.packs.shelves import find_style
from stylecli.training.networks.conditional import one_style
from stylecli.training.networks.registry import network_from_weights
from stylecli.training.networks.style_network import StyleNetwork
from stylecli.training.recipe import Painting, Recipe
from stylecli.training.runs.checkpoints import WEIGHTS, read_tensors
from stylecli.training.runs.folder import RECIPE
from stylecli.training.runs.recipe_files import read_recipe


@dataclass(frozen=True)
class TrainedFiles:
    """The files of the weights and the recipe of a training."""

    weights: Path
    recipe: Path


def trained_files(name: str, styles_dir: Path | None = None) -> TrainedFiles:
    """Find the files of a run, a style, or a variant such as "great-wave:quality". Those of a run may not exist yet.

    Raises:
        PackError: there is no such run, style or variant.
        UsageError: `name` is a blend.
    """
    folder = Path(name)
    if any((folder / file).exists() for file in (WEIGHTS, RECIPE)) and not (folder / CARD_FILE).exists():
        return TrainedFiles(folder / WEIGHTS, folder / RECIPE)
    has_variant = ":" in name and not is_blend(name) and not folder.exists()
    style, variant = name.rsplit(":", 1) if has_variant else (name, None)
    pack = find_style(style, styles_dir, variant=variant)
    refuse_blends([pack])
    weights = pack.model().weights or WEIGHTS
    # VARIANT.weights.safetensors lies beside VARIANT.recipe.toml
    return TrainedFiles(pack.folder / weights, pack.folder / weights.replace(WEIGHTS, RECIPE))


@dataclass(frozen=True)
class FinishedRun:
    """The result of a training: the network of one of its styles, its recipe, and facts about the training."""

    weights: Mapping[str, Tensor]
    network: StyleNetwork
    recipe: Recipe
    painting: Painting
    facts: TrainingFacts


def read_run(run: Path, *, number: int = 1) -> FinishedRun:
    """Read the finished training in a run's folder. `number` chooses one of several styles, counted from 1.

    Raises:
        MediaError: the run is not finished or cannot be read.
        UsageError: it has no style of that number.
    """
    return read_training(TrainedFiles(run / WEIGHTS, run / RECIPE), number=number)


def read_training(files: TrainedFiles, *, number: int = 1) -> FinishedRun:
    """Read a finished training from its files, in a run or in a style pack; raises as `read_run`."""
    weights, metadata = read_tensors(files.weights)
    facts = _facts_in(metadata, files.weights)
    recipe = read_recipe(files.recipe)
    if not 1 <= number <= len(recipe.paintings):
        raise UsageError(
            f"{files.weights.parent}: has no style {number}", hint=f"Its last one is {len(recipe.paintings)}."
        )
    weights = one_style(weights, number - 1)
    return FinishedRun(weights, network_from_weights(weights), recipe, recipe.paintings[number - 1], facts)


def _facts_in(metadata: Mapping[str, str], weights: Path) -> TrainingFacts:
    try:
        return TrainingFacts.from_metadata(metadata)
    except KeyError as error:
        raise MediaError(
            f"{weights}: does not tell how it was trained ({error} is missing)",
            hint="Finish the training: start it again with the same recipe and folder.",
        ) from error


@dataclass(frozen=True)
class TrainingFacts:
    """Facts about a training, stored in the metadata of the weights file and in the model card."""

    device: str
    seconds: float
    loss_network: str  # several in the order of their phases
    loss_network_sha256: str  # of the last one

    def as_metadata(self) -> dict[str, str]:
        """Return the facts as safetensors stores them: text only."""
        return {name: str(value) for name, value in dataclasses.asdict(self).items()}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> Self:
        """Read what `as_metadata` gave; raises KeyError if something is missing."""
        seconds = round(float(metadata["seconds"]), 1)
        return cls(metadata["device"], seconds, metadata["loss_network"], metadata["loss_network_sha256"])
