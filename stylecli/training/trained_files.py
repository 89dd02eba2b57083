"""The files of what was trained, by its name: a run's folder, a style, or a variant of a style."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stylecli.card import CARD_FILE
from stylecli.pack import find_style
from stylecli.training.checkpoints import WEIGHTS
from stylecli.training.run_folder import RECIPE


@dataclass(frozen=True)
class TrainedFiles:
    """Where the weights and the recipe of a training are."""

    weights: Path
    recipe: Path


def trained_files(name: str, styles_dir: Path | None = None) -> TrainedFiles:
    """Those of a run, of a style, or of a variant as in "great-wave:quality". A run's may not be there yet.

    Raises:
        PackError: it is none of these.
    """
    folder = Path(name)
    if any((folder / file).exists() for file in (WEIGHTS, RECIPE)) and not (folder / CARD_FILE).exists():
        return TrainedFiles(folder / WEIGHTS, folder / RECIPE)
    has_variant = ":" in name and not folder.exists()
    style, variant = name.rsplit(":", 1) if has_variant else (name, None)
    pack = find_style(style, styles_dir, variant=variant)
    weights = pack.model().weights or WEIGHTS
    # VARIANT.weights.safetensors lies beside VARIANT.recipe.toml
    return TrainedFiles(pack.folder / weights, pack.folder / weights.replace(WEIGHTS, RECIPE))
