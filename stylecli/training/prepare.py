"""What a training needs, from what was asked for: the recipe, files found, weights read, loss networks opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from stylecli.core.errors import UsageError
from stylecli.training.losses.loss_network import LossName, LossNetwork, VggName, load_loss_network
from stylecli.training.networks.conditional import average_style
from stylecli.training.networks.registry import network_from_weights, network_name
from stylecli.training.recipe import (
    PHASES_FROM_BASE,
    PHASES_TO_STABILIZE,
    STABILIZING_RATE,
    STABILIZING_STYLE,
    STABILIZING_WEIGHT,
    Painting,
    Recipe,
    read_recipe,
)
from stylecli.training.runs.checkpoints import read_tensors
from stylecli.training.runs.finished import trained_files

PIXEL_WEIGHT = 10.0  # of a teacher's pictures: where they differ by a tenth of the range this adds 0.1 to the loss


@dataclass(frozen=True)
class Preparation:
    """The arguments of `loop.train` that do not say where things go."""

    recipe: Recipe
    paintings: tuple[Path, ...]
    loss_networks: Mapping[LossName, LossNetwork]
    start: Mapping[str, Tensor] | None
    seconds_of_base: float
    teacher: nn.Module | None


def prepare(
    sources: Sequence[Path],
    *,
    painting: Path | None = None,
    base: str | None = None,
    stabilize: bool = False,
    loss_network: LossName | None = None,
    finish_with: VggName | None = None,
    loss_weights: Path | None = None,
    steps: int | None = None,
    styles_dir: Path | None = None,
    **changes: Any,
) -> Preparation:
    """Make a training ready from paintings, or from one recipe.toml whose paintings `painting` may place elsewhere.

    `stabilize` goes on with `base` by its own recipe and painting, whose file is the one source, so that it becomes
    steadier in videos. `base` names a style, one of its variants as in "great-wave:quality", or a run. `changes`
    replace values of the recipe; None leaves one as it is.

    Raises:
        UsageError: the sources make no sense together, a weights file belongs to another network.
        PackError: an unknown base or teacher.
        MediaError: a file that cannot be read, or a failed download.
    """
    if stabilize:
        recipe, paintings = _recipe_to_stabilize(sources, painting, base, styles_dir)
    else:
        recipe, paintings = _recipe_of(sources, painting)
    recipe = replace(recipe, base=base or recipe.base)
    start, seconds_of_base = _weights_of(recipe.base, styles_dir) if recipe.base else (None, 0.0)
    if (
        start is not None and not stabilize and not _is_recipe(sources)
    ):  # the new style gets the network of the one that it starts from
        network = network_from_weights(average_style(start))
        recipe = replace(recipe, **network.widths, network=network_name(network), phases=PHASES_FROM_BASE)
    recipe = replace(recipe, **{key: value for key, value in changes.items() if value})
    if loss_network:
        phases = tuple(replace(phase, loss_network="") for phase in recipe.phases)
        recipe = replace(recipe, loss_network=loss_network, phases=phases)
    if finish_with:
        recipe = replace(recipe, phases=(*recipe.phases[:-1], replace(recipe.phases[-1], loss_network=finish_with)))
    if steps:
        recipe = recipe.with_steps(steps)
    teacher = None
    if recipe.teacher:
        teacher = network_from_weights(_weights_of(recipe.teacher, styles_dir)[0]).requires_grad_(False)
        recipe = recipe if recipe.pixel_weight else replace(recipe, pixel_weight=PIXEL_WEIGHT)
    if loss_weights and set(recipe.loss_networks) == {"distilled"}:
        raise UsageError(
            f"{loss_weights}: weights of a VGG, which this training does not use",
            hint="Add --loss-network vgg19, or --finish-with vgg19 for the last phase.",
        )
    files = {name: loss_weights if name != "distilled" else None for name in recipe.loss_networks}
    loss_networks = {name: load_loss_network(name, recipe.loss_layers, file=file) for name, file in files.items()}
    return Preparation(recipe, paintings, loss_networks, start, seconds_of_base, teacher)


def _recipe_to_stabilize(
    sources: Sequence[Path], painting: Path | None, base: str | None, styles_dir: Path | None
) -> tuple[Recipe, tuple[Path, ...]]:
    """The recipe of a base with the term and the phases that make it steady, and the file of its painting."""
    if not base or painting or len(sources) != 1 or _is_recipe(sources):
        raise UsageError(
            "--stabilize goes on with a style and its own recipe", hint="Give its painting and --base STYLE, no more."
        )
    recipe, paintings = _recipe_of([trained_files(base, styles_dir).recipe], sources[0])
    steady = replace(
        recipe,
        consistency_weight=STABILIZING_WEIGHT,
        style_weight=STABILIZING_STYLE * recipe.style_weight,
        learning_rate=STABILIZING_RATE,
        phases=PHASES_TO_STABILIZE,
    )
    return steady, paintings


def _recipe_of(sources: Sequence[Path], painting: Path | None) -> tuple[Recipe, tuple[Path, ...]]:
    """The recipe, and the files of its paintings."""
    if not _is_recipe(sources):
        if painting:
            raise UsageError("--painting goes with a recipe", hint="Give paintings as arguments, or a recipe.toml.")
        first, *others = (Painting(file=source.name) for source in sources)
        return Recipe(first, tuple(others)), tuple(sources)
    if len(sources) > 1:
        raise UsageError(f"{sources[0]}: a recipe stands alone", hint="Name further paintings inside, as [[others]].")
    recipe = read_recipe(sources[0])
    if painting and painting.is_file():
        if recipe.others:
            raise UsageError(f"{painting}: one painting for a recipe of several", hint="Give the folder of them.")
        return replace(recipe, painting=replace(recipe.painting, file=painting.name)), (painting,)
    folder = painting or sources[0].parent
    return recipe, tuple(folder / one.file for one in recipe.paintings)


def _is_recipe(sources: Sequence[Path]) -> bool:
    return any(source.suffix == ".toml" for source in sources)


def _weights_of(name: str, styles_dir: Path | None) -> tuple[dict[str, Tensor], float]:
    """The weights of a style or a finished run, and the seconds that they took to train."""
    tensors, metadata = read_tensors(trained_files(name, styles_dir).weights)
    return tensors, float(metadata.get("seconds", 0))
