"""Structured pruning of a trained network: cut channels, refit the rest by least squares, heal by training.

The cut and refitted network is written to the folder `cut` of its run, with the recipe of its healing. Healing is an
ordinary training that starts from these weights and also learns from the whole network's pictures, so
`training.train` can resume or repeat it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from stylecli.core.errors import UsageError
from stylecli.core.files import blamed_on, check_writable
from stylecli.core.progress import Notice, Progress, ignore
from stylecli.training.data import PhotoFolder
from stylecli.training.export.cost import measure_cost
from stylecli.training.losses.loss_network import load_loss_network
from stylecli.training.networks.registry import count_parameters, network_from_weights, network_name
from stylecli.training.networks.style_network import StyleNetwork
from stylecli.training.objective import Objective
from stylecli.training.paintings import style_images
from stylecli.training.prepare import Preparation, RecipeChanges, prepare
from stylecli.training.pruning.channels import ChannelGroup, CostTable, channel_groups, cut_channels
from stylecli.training.pruning.cutting import choose_widths, cut_network
from stylecli.training.pruning.importance import Orders, by_gamma, by_loss, by_rebuilding, by_weights
from stylecli.training.pruning.narrowing import narrowed
from stylecli.training.pruning.norm_folding import with_few_norms
from stylecli.training.pruning.options import Healing, Importance, Target
from stylecli.training.pruning.shortening import shortened
from stylecli.training.recipe import Phase, Recipe
from stylecli.training.runs.checkpoints import WEIGHTS, read_tensors, write_tensors
from stylecli.training.runs.finished import FinishedRun, read_training, trained_files
from stylecli.training.runs.folder import RECIPE
from stylecli.training.runs.recipe_files import read_recipe, write_recipe
from stylecli.training.train import train

CUT = "cut"  # folder in the run
CALIBRATION_STEP = -3  # the step whose crops the cut is fitted on; no training takes it
CALIBRATION_CROPS = 16
CALIBRATION_SIZE = 192  # pixels
HEALING = (Phase(600, 128), Phase(450, 192), Phase(150, 256))
HEALING_RATE = 4e-3
PIXEL_WEIGHT = 10.0
HEALING_AS_THE_RUN = Healing()


def prune(
    run: str,
    photos: PhotoFolder,
    output: Path,
    *,
    target: Target,
    importance: Importance = "rebuild",
    healing: Healing = HEALING_AS_THE_RUN,
    progress: Progress = ignore,
    notice: Notice = lambda _: None,
) -> Path:
    """Prune a trained network and heal it; a run that was interrupted is resumed.

    Args:
        run: a finished training, a style, or a variant of one ("great-wave:quality").
        photos: photos to cut and heal by.
        output: the folder of the new run.
        target: how far to cut.
        importance: how channels are chosen.
        healing: how the cut network is trained.
        progress: hears of every training step.
        notice: hears how many parameters are left.

    Returns:
        The file of the weights.

    Raises:
        UsageError: the target is impossible, the network holds several styles, or `output` holds something else.
        PackError: `run` is neither a run nor a style.
        MediaError: `run` is not finished, a photo or the painting cannot be read, `output` cannot be written.
    """
    whole = read_whole(run)
    check_writable(output)
    RecipeChanges(steps=healing.steps)  # refuses bad steps before the cut
    painting = painting_of(run, whole.recipe, healing.painting)
    style_images([painting], whole.recipe, torch.device("cpu"))  # refuses a bad painting before the cut
    healing = replace(healing, painting=painting)
    asked = {
        "pruned": run,
        "target": str(target),
        "importance": importance,
        "steps": str(healing.steps),
        "time_budget": str(healing.time_budget),
    }
    if not _is_cut(output, asked):
        started = time.monotonic()
        network = _cut(whole, photos, target, importance, healing)
        recipe = _recipe_of_healing(whole, run, output, network, healing, spent=time.monotonic() - started)
        _write_cut(output / CUT, network, recipe, {**whole.facts.as_metadata(), **asked})
        notice(f"{output}: from {count_parameters(whole.network):,} to {count_parameters(network):,} parameters")
    ready = prepare_healing(output / CUT / RECIPE, healing)
    return train(ready, photos, output, progress=progress, notice=notice)


def read_whole(run: str) -> FinishedRun:
    """Read the finished training to prune; raises as `prune`."""
    whole = read_training(trained_files(run))
    if whole.recipe.others:
        raise UsageError(f"{run}: holds several styles", hint="Export each as a style, and prune that.")
    return whole


def painting_of(run: str, recipe: Recipe, painting: Path | None) -> Path:
    """Return the file of a run's painting: `painting` itself, in the folder `painting`, or in the run.

    Raises:
        UsageError: there is no such file.
    """
    file = (painting or Path(run)) / Path(recipe.painting.file).name
    if painting and painting.is_file():
        file = painting
    if not file.is_file():
        raise UsageError(f"{file}: the painting is not there", hint="Give its file or folder as `painting`.")
    return file


def prepare_healing(recipe: Path, healing: Healing) -> Preparation:
    """Prepare the training that heals a cut network, from the recipe beside it."""
    names = {healing.loss_network, healing.finish_with, *read_recipe(recipe).loss_networks}
    return prepare(
        [recipe],
        RecipeChanges(loss_network=healing.loss_network, finish_with=healing.finish_with),
        painting=healing.painting,
        loss_weights=healing.loss_weights
        if names & {"vgg16", "vgg19"}
        else None,  # else they only serve to judge a sweep
    )


def _is_cut(output: Path, asked: Mapping[str, str]) -> bool:
    """Whether `output` already holds the cut network that was asked for.

    Raises:
        UsageError: it holds something else.
    """
    if not (output / CUT / WEIGHTS).exists():
        if (output / RECIPE).exists():
            raise UsageError(f"{output}: holds a training, not a pruning", hint="Choose another folder.")
        return False
    _, before = read_tensors(output / CUT / WEIGHTS)
    if changed := [name.replace("_", " ") for name, value in asked.items() if before.get(name) != value]:
        raise UsageError(
            f"{output}: holds another pruning ({', '.join(changed)} differ)",
            hint="Choose another folder, or remove this one.",
        )
    return True


def _cut(
    whole: FinishedRun, photos: PhotoFolder, target: Target, importance: Importance, healing: Healing
) -> StyleNetwork:
    network = whole.network
    images = photos.batch(CALIBRATION_STEP, count=CALIBRATION_CROPS, size=CALIBRATION_SIZE)
    match target.kind:
        case "blocks":
            return shortened(network, images, int(target.limit))
        case "narrow":
            return narrowed(network, images)
        case "few_norms":
            return with_few_norms(network, images)
    groups = channel_groups(network)
    weights = network.state_dict()

    def milliseconds(widths: Mapping[ChannelGroup, int]) -> float:
        kept = {group: range(width) for group, width in widths.items()}
        return measure_cost(network_from_weights(cut_channels(weights, kept)), any_size=False).milliseconds

    widths = choose_widths(CostTable(network, groups), target, milliseconds)
    orders: Orders
    if importance == "rebuild":
        orders = by_rebuilding(network, groups, images)
    elif importance == "taylor":
        orders = by_loss(network, groups, _losses(whole, images, healing))
    else:
        orders = (by_gamma if importance == "gamma" else by_weights)(network, groups)
    return cut_network(network, orders, widths, images)


def _losses(whole: FinishedRun, images: Tensor, healing: Healing) -> Iterator[Tensor]:
    """Yield the total loss of each of the whole network's pictures, by the loss network that the healing ends with."""
    name = healing.finish_with or healing.loss_network or whole.recipe.loss_network_of(whole.recipe.phases[-1])
    recipe = replace(
        whole.recipe, teacher="", pixel_weight=0.0, loss_network=name, phases=(Phase(1, CALIBRATION_SIZE),)
    )
    file = healing.loss_weights if name != "distilled" else None
    loss_network = load_loss_network(name, recipe.loss_layers, file=file)
    paintings = style_images([healing.painting] if healing.painting else [], recipe, torch.device("cpu"))
    objective = Objective(recipe, paintings, {name: loss_network})
    for image in torch.split(images, 1):
        yield objective.total(objective.losses(image, whole.network(image), [0], recipe.phases[0]))


def _recipe_of_healing(
    whole: FinishedRun, run: str, output: Path, network: StyleNetwork, healing: Healing, *, spent: float
) -> Recipe:
    """Make the recipe of the healing: the losses of the whole network's recipe, its pictures, and the phases HEALING.

    `spent`: seconds that the cut took, which count against a time budget.
    """
    recipe = replace(
        whole.recipe,
        **network.hyperparameters,
        network=network_name(network),
        base=str(output / CUT),
        teacher=run,
        loss_network=whole.recipe.loss_network_of(whole.recipe.phases[-1]),
        pixel_weight=PIXEL_WEIGHT,
        learning_rate=HEALING_RATE,
        time_budget=0.0 if healing.time_budget is None else max(1.0, round(healing.time_budget - spent, 1)),
        phases=HEALING,
        sample_steps=(),
    )
    return RecipeChanges(steps=healing.steps).applied_to(recipe)


def _write_cut(cut: Path, network: StyleNetwork, recipe: Recipe, metadata: Mapping[str, str]) -> None:
    """Write the recipe, then the weights: once the weights exist, the cut is complete."""
    with blamed_on(cut):
        cut.mkdir(parents=True, exist_ok=True)
        write_recipe(recipe, cut / RECIPE)
    write_tensors(network.state_dict(), cut / WEIGHTS, metadata)
