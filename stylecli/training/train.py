"""Train a style network: from a Preparation to the file of the weights."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from stylecli.core.progress import Notice, Progress, ignore
from stylecli.training.data import PhotoFolder
from stylecli.training.loop import Training
from stylecli.training.losses.loss_network import LossNetwork
from stylecli.training.networks.blocks import count_blocks
from stylecli.training.networks.conditional import average_style, make_conditional
from stylecli.training.networks.fast import FastNetwork, remove_checkerboard, with_dilations
from stylecli.training.networks.growing import grow_from
from stylecli.training.networks.registry import network_class, network_from_weights
from stylecli.training.networks.style_network import StyleNetwork
from stylecli.training.objective import Objective
from stylecli.training.paintings import style_images
from stylecli.training.prepare import Preparation
from stylecli.training.processes import process_group
from stylecli.training.recipe import Recipe, check_recipe
from stylecli.training.runs.checkpoints import WEIGHTS, TrainingState, moving_average, write_tensors
from stylecli.training.runs.finished import TrainingFacts
from stylecli.training.runs.folder import keep_paintings, open_run, removed_unless_begun, save_recipe, truncate_log


def train(
    ready: Preparation,
    photos: PhotoFolder,
    run: Path,
    *,
    progress: Progress = ignore,
    notice: Notice = lambda _: None,
) -> Path:
    """Train a style network into the folder `run`, or resume the training there; returns the file of the weights.

    Johnson et al. 2016, section 3. On the CPU an interrupted and resumed run ends with the same bits as an
    uninterrupted one. Several paintings make a network of several styles. Under `torchrun` all processes train
    together and the first one writes.

    Raises:
        UsageError: `run` holds a training with another recipe, or the loss became infinite or NaN.
        MediaError: a photo, a painting or the run's folder cannot be read or written.
    """
    recipe, teacher = ready.recipe, ready.teacher
    check_recipe(recipe)
    with process_group() as processes, removed_unless_begun(run) if processes.is_first else nullcontext():
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        paintings = style_images(ready.paintings, recipe, device, notice)  # before the folder is made
        resumed = processes.broadcast(open_run(run, recipe) if processes.is_first else None)
        recipe = resumed or recipe
        for network in (*ready.loss_networks.values(), *([teacher] if teacher else [])):
            network.to(device)
        objective = Objective(recipe, paintings, ready.loss_networks, teacher=teacher)
        training = Training(_initial_state(recipe, ready.start, device), objective, photos, processes)
        if not resumed:
            if recipe.time_budget:
                recipe = processes.broadcast(training.fit_to_budget(recipe))
                notice(f"{run}: {recipe.steps} steps fit into {recipe.time_budget:g} s")
            if processes.is_first:
                keep_paintings(run, recipe, ready.paintings)
                save_recipe(run, recipe)
        if training.state.load(run):
            notice(f"{run}: resumed at step {training.state.step}")
        if processes.is_first:
            truncate_log(run, training.state.step)
        training.run(recipe, run, progress)
        if processes.is_first:
            seconds = training.state.seconds + ready.seconds_of_base
            facts = _facts(device, seconds, [ready.loss_networks[name] for name in recipe.loss_networks])
            write_tensors(training.state.average.module.state_dict(), run / WEIGHTS, facts.as_metadata())
    return run / WEIGHTS


def _initial_state(recipe: Recipe, start: Mapping[str, Tensor] | None, device: torch.device) -> TrainingState:
    torch.manual_seed(recipe.seed)
    network: StyleNetwork = network_class(recipe.network)(**recipe.hyperparameters)
    if start is not None:
        plain = average_style(start)
        base = network_to_start_from(plain, recipe)
        if type(base) is type(network) and base.hyperparameters == network.hyperparameters:
            network = base  # unchanged: a recipe does not store the widths of a pruned network's blocks
        else:
            grow_from(network, plain)
    if recipe.others:
        make_conditional(network, len(recipe.paintings))
    remove_checkerboard(network)
    network.to(device).to(memory_format=torch.channels_last)
    average = AveragedModel(network, avg_fn=functools.partial(moving_average, recipe.average))
    optimizer = torch.optim.Adam(network.parameters(), recipe.learning_rate)
    return TrainingState(network, average, optimizer)


def network_to_start_from(weights: Mapping[str, Tensor], recipe: Recipe) -> StyleNetwork:
    """Rebuild the network of a base, with the recipe's dilations if it is a `fast` network with as many blocks."""
    is_fast_of_as_many = FastNetwork.matches(weights) and len(recipe.dilations) in (0, count_blocks(weights, "blocks"))
    return network_from_weights(with_dilations(weights, recipe.dilations) if is_fast_of_as_many else weights)


def _facts(device: torch.device, seconds: float, loss_networks: Sequence[LossNetwork]) -> TrainingFacts:
    is_cuda = device.type == "cuda"
    name = torch.cuda.get_device_name(device) if is_cuda else f"CPU, {torch.get_num_threads()} threads"
    names = ", then ".join(network.name for network in loss_networks)
    return TrainingFacts(name, seconds, names, loss_networks[-1].sha256)
