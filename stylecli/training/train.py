"""Training a style: what was prepared, the loop over it, and the weights that come out."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from stylecli.core.errors import UsageError
from stylecli.core.progress import Progress, ignore
from stylecli.media.images.files import read_picture
from stylecli.training.data import PhotoFolder, read_photo
from stylecli.training.loop import Training
from stylecli.training.losses.loss_network import LossName, LossNetwork
from stylecli.training.networks.conditional import average_style, make_conditional
from stylecli.training.networks.fast import level_pixels
from stylecli.training.networks.growing import grow_from
from stylecli.training.networks.registry import NETWORKS, StyleNetwork, network_from_weights
from stylecli.training.objective import Objective
from stylecli.training.prepare import Preparation
from stylecli.training.processes import joined_processes
from stylecli.training.recipe import (
    Recipe,
    check_recipe,
)
from stylecli.training.runs.checkpoints import WEIGHTS, State, moving_average, write_tensors
from stylecli.training.runs.finished import TrainingFacts
from stylecli.training.runs.folder import forget_log_after, keep_paintings, open_run, save_recipe

PAINTING_SHORT_SIDE_MIN = 64  # pixels


def train(
    recipe: Recipe,
    paintings: Sequence[Path],
    photos: PhotoFolder,
    run: Path,
    *,
    loss_networks: Mapping[LossName, LossNetwork],
    start: Mapping[str, Tensor] | None = None,
    teacher: nn.Module | None = None,
    seconds_of_base: float = 0.0,
    progress: Progress = ignore,
    note: Callable[[str], None] = lambda _: None,
) -> Path:
    """Train a style network into the folder `run`, or go on with what is there; returns the file of the weights.

    Johnson et al. 2016, section 3. On the CPU a run that was interrupted ends with the same bits as one that was not.
    `paintings` are the files of the recipe's paintings; more than one makes a network of several styles. `start` gives
    the weights of the first step, random ones when None; the time that they took counts as part of this training.
    Under `torchrun` all processes train together and the first one writes.

    Raises:
        UsageError: `run` holds a training with another recipe, or the loss became infinite or NaN.
        MediaError: a photo, a painting or the run's folder cannot be read or written.
    """
    check_recipe(recipe)
    with joined_processes() as processes:
        planned = processes.agree_on(open_run(run, recipe) if processes.is_first else None)
        recipe = planned or recipe
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        for network in (*loss_networks.values(), *([teacher] if teacher else [])):
            network.to(device)
        objective = Objective(recipe, style_images(paintings, recipe, device), loss_networks, teacher=teacher)
        training = Training(_initial_state(recipe, start, device), objective, photos, processes)
        if not planned:
            if recipe.time_budget:
                recipe = processes.agree_on(training.planned(recipe))
                note(f"{run}: {recipe.steps} steps fit into {recipe.time_budget:g} s")
            if processes.is_first:
                keep_paintings(run, recipe, paintings)
                save_recipe(run, recipe)
        if training.state.load(run):
            note(f"{run}: resumed at step {training.state.step}")
            if processes.is_first:
                forget_log_after(run, training.state.step)
        training.run(recipe, run, progress)
        if processes.is_first:
            seconds = training.state.seconds + seconds_of_base
            facts = _facts(device, seconds, [loss_networks[name] for name in recipe.loss_networks])
            write_tensors(training.state.average.module.state_dict(), run / WEIGHTS, facts.as_metadata())
    return run / WEIGHTS


def _initial_state(recipe: Recipe, start: Mapping[str, Tensor] | None, device: torch.device) -> State:
    torch.manual_seed(recipe.seed)
    network: StyleNetwork = NETWORKS[recipe.network](**recipe.widths)
    if start is not None:
        plain = average_style(start)
        base = network_from_weights(plain)
        if type(base) is type(network) and base.widths == network.widths:
            network = base  # as it is: the blocks of a pruned network have widths that no recipe tells
        else:
            grow_from(network, plain)
    if recipe.others:
        make_conditional(network, len(recipe.paintings))
    level_pixels(network)
    network.to(device).to(memory_format=torch.channels_last)
    average = AveragedModel(network, avg_fn=functools.partial(moving_average, recipe.average))
    optimizer = torch.optim.Adam(network.parameters(), recipe.learning_rate)
    return State(network, average, optimizer)


def style_images(paintings: Sequence[Path], recipe: Recipe, device: torch.device) -> list[list[Tensor]]:
    """Each painting at every size of the recipe: (1, 3, H, W)."""
    rows = []
    for file in paintings:
        height, width = read_picture(file).pixels.shape[:2]
        if min(height, width) < PAINTING_SHORT_SIDE_MIN:
            raise UsageError(
                f"{file}: a painting of {width} x {height} pixels shows no brushwork",
                hint=f"Give one of {PAINTING_SHORT_SIDE_MIN} pixels or more, better {max(recipe.style_sizes)}.",
            )
        rows.append([read_photo(file, short_side=size)[None].to(device) for size in recipe.style_sizes])
    return rows


def _facts(device: torch.device, seconds: float, loss_networks: Sequence[LossNetwork]) -> TrainingFacts:
    is_cuda = device.type == "cuda"
    name = torch.cuda.get_device_name(device) if is_cuda else f"CPU, {torch.get_num_threads()} threads"
    names = ", then ".join(network.name for network in loss_networks)
    return TrainingFacts(name, seconds, names, loss_networks[-1].sha256)


def train_prepared(
    ready: Preparation,
    photos: PhotoFolder,
    run: Path,
    *,
    progress: Progress = ignore,
    note: Callable[[str], None] = lambda _: None,
) -> Path:
    """`train` with what was prepared."""
    return train(
        ready.recipe,
        ready.paintings,
        photos,
        run,
        loss_networks=ready.loss_networks,
        start=ready.start,
        teacher=ready.teacher,
        seconds_of_base=ready.seconds_of_base,
        progress=progress,
        note=note,
    )
