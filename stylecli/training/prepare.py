"""Prepare a training: complete the recipe, find the files, read the weights, open the loss networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from torch import Tensor, nn

from stylecli.core.errors import UsageError
from stylecli.training.losses.loss_network import LossNetwork, load_loss_network
from stylecli.training.losses.names import LossName, VggName
from stylecli.training.networks.conditional import average_style
from stylecli.training.networks.registry import network_from_weights, network_name
from stylecli.training.recipe import Painting, Phase, Recipe, check_recipe
from stylecli.training.runs.checkpoints import read_tensors
from stylecli.training.runs.finished import trained_files
from stylecli.training.runs.recipe_files import read_recipe

# A training from another style's weights first adapts colours and contrasts, then all weights.
PHASES_FROM_BASE = (Phase(200, 128, trains="norms"), Phase(1000, 128), Phase(600, 192), Phase(300, 256))

# A finished style needs only few steps at a low rate to become steadier. The consistency loss weakens the style more
# than the content, which a larger style weight compensates.
PHASES_TO_STABILIZE = (Phase(600, 192), Phase(200, 256))
STABILIZING_RATE = 1e-3
STABILIZING_STYLE = 3.0  # factor of the base's style weight
STABILIZING_WEIGHT = 120.0  # of the consistency loss, which is about 0.006 for a style that was trained without it

PIXEL_WEIGHT = 10.0  # default with a teacher: a difference of a tenth of the range then adds 0.1 to the loss


@dataclass(frozen=True)
class RecipeChanges:
    """Values that replace those of a recipe. None keeps the recipe's value; 0 replaces it."""

    teacher: str | None = None
    network: str | None = None
    content_weight: float | None = None
    style_weight: float | None = None
    consistency_weight: float | None = None
    style_sizes: tuple[int, ...] | None = None
    time_budget: float | None = None  # seconds
    loss_network: LossName | None = None  # of all phases
    finish_with: VggName | None = None  # the loss network of the last phase
    steps: int | None = None  # of all phases, in proportion

    def __post_init__(self) -> None:
        if self.steps is not None and self.steps < 1:
            raise UsageError(f"steps is {self.steps}", hint="Give at least 1.")

    def applied_to(self, recipe: Recipe) -> Recipe:
        """Return the recipe with these values."""
        special = ("loss_network", "finish_with", "steps")
        values = {field.name: getattr(self, field.name) for field in fields(self) if field.name not in special}
        recipe = replace(recipe, **{name: value for name, value in values.items() if value is not None})
        if self.loss_network is not None:
            phases = tuple(replace(phase, loss_network="") for phase in recipe.phases)
            recipe = replace(recipe, loss_network=self.loss_network, phases=phases)
        if self.finish_with is not None:
            last = replace(recipe.phases[-1], loss_network=self.finish_with)
            recipe = replace(recipe, phases=(*recipe.phases[:-1], last))
        return recipe if self.steps is None else recipe.with_steps(self.steps)


@dataclass(frozen=True)
class Preparation:
    """Everything that `train.train` needs before its first step."""

    recipe: Recipe
    paintings: tuple[Path, ...]  # files of the recipe's paintings
    loss_networks: Mapping[LossName, LossNetwork]  # those of all phases
    start: Mapping[str, Tensor] | None = None  # initial weights; None: random
    seconds_of_base: float = 0.0  # of the training of the initial weights; part of the training time in the card
    teacher: nn.Module | None = None


def prepare(
    sources: Sequence[Path],
    changes: RecipeChanges = RecipeChanges(),
    *,
    painting: Path | None = None,
    base: str | None = None,
    stabilize: bool = False,
    loss_weights: Path | None = None,
    styles_dir: Path | None = None,
) -> Preparation:
    """Prepare a training from paintings, or from one recipe.toml.

    Args:
        sources: files of paintings, or one recipe.
        changes: values that replace those of the recipe.
        painting: the file of the recipe's painting, or the folder of its paintings; None: the recipe's folder.
        base: a style, a variant such as "great-wave:quality", or a run, whose weights the training starts from.
        stabilize: train `base` by its own recipe, so that it becomes steadier in videos; its painting is the only
            source.
        loss_weights: a local safetensors file of the VGG, with torchvision's keys.
        styles_dir: a folder of styles to search first.

    Raises:
        UsageError: the arguments contradict each other, or a weights file belongs to another network.
        PackError: the base or teacher is unknown.
        MediaError: a file cannot be read, or a download failed.
    """
    if stabilize:
        recipe, paintings = _recipe_to_stabilize(sources, painting, base, styles_dir)
    else:
        recipe, paintings = _recipe_of(sources, painting)
    recipe = recipe if base is None else replace(recipe, base=base)
    if recipe.base and not stabilize and not _is_recipe(sources):
        recipe = _with_network_of_base(replace(recipe, phases=PHASES_FROM_BASE), styles_dir)
    return _prepared(changes.applied_to(recipe), paintings, loss_weights, styles_dir)


def prepare_to_learn(recipe: Recipe, paintings: Sequence[Path], styles_dir: Path | None = None) -> Preparation:
    """Prepare a training of the network of `recipe.base`, with the recipe's dilations; raises as `prepare`."""
    dilations = recipe.dilations
    recipe = replace(_with_network_of_base(recipe, styles_dir), dilations=dilations)
    return _prepared(recipe, tuple(paintings), None, styles_dir)


def _with_network_of_base(recipe: Recipe, styles_dir: Path | None) -> Recipe:
    """Return the recipe with the network and the hyperparameters of its base."""
    weights, _ = _weights_of(recipe.base, styles_dir)
    network = network_from_weights(average_style(weights))
    return replace(recipe, **network.hyperparameters, network=network_name(network))


def _prepared(
    recipe: Recipe, paintings: tuple[Path, ...], loss_weights: Path | None, styles_dir: Path | None
) -> Preparation:
    """Check a recipe, read its weights and open its loss networks."""
    start, seconds_of_base = _weights_of(recipe.base, styles_dir) if recipe.base else (None, 0.0)
    teacher = None
    if recipe.teacher:
        teacher = network_from_weights(_weights_of(recipe.teacher, styles_dir)[0]).requires_grad_(False)
        recipe = recipe if recipe.needs_teacher else replace(recipe, pixel_weight=PIXEL_WEIGHT)
    check_recipe(recipe)
    if loss_weights and set(recipe.loss_networks) == {"distilled"}:
        raise UsageError(
            f"{loss_weights}: weights of a VGG, which this training does not use",
            hint="Use `loss_network=vgg19`, or `finish_with=vgg19` for the last phase.",
        )
    files = {name: loss_weights if name != "distilled" else None for name in recipe.loss_networks}
    loss_networks = {name: load_loss_network(name, recipe.loss_layers, file=file) for name, file in files.items()}
    return Preparation(recipe, paintings, loss_networks, start, seconds_of_base, teacher)


def _recipe_to_stabilize(
    sources: Sequence[Path], painting: Path | None, base: str | None, styles_dir: Path | None
) -> tuple[Recipe, tuple[Path, ...]]:
    """Return the recipe that makes a base steadier, and the file of its painting."""
    if not base or painting or len(sources) != 1 or _is_recipe(sources):
        raise UsageError(
            "`stabilize` takes a style as `base` and the file of its painting, nothing else",
            hint="Leave the other arguments out.",
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
    """Return the recipe and the files of its paintings."""
    if not _is_recipe(sources):
        if painting:
            raise UsageError("`painting` goes with a recipe", hint="Give paintings, or a recipe.toml and its painting.")
        first, *others = (Painting(file=source.name) for source in sources)
        return Recipe(first, tuple(others)), tuple(sources)
    if len(sources) > 1:
        raise UsageError(
            f"{sources[0]}: only one recipe can be given", hint="Name further paintings in it: [[others]]."
        )
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
    """Return the weights of a style or a finished run, and the seconds of their training."""
    tensors, metadata = read_tensors(trained_files(name, styles_dir).weights)
    return tensors, float(metadata.get("seconds", 0))
