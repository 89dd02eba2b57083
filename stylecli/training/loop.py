"""The training loop: from a batch of crops to updated weights, with log, samples and checkpoints.

Read `Training.step` first: crops -> network -> losses -> gradients -> optimizer -> moving average.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Generator, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from stylecli.core.errors import UsageError
from stylecli.core.progress import Progress, Step
from stylecli.core.threads import reading_ahead
from stylecli.training import schedule
from stylecli.training.data import PhotoFolder
from stylecli.training.interrupts import interrupts_deferred
from stylecli.training.losses.consistency import consistency
from stylecli.training.networks.conditional import choose_styles, is_of_norm
from stylecli.training.networks.fast import remove_checkerboard
from stylecli.training.objective import Objective
from stylecli.training.processes import Processes
from stylecli.training.recipe import Phase, Recipe
from stylecli.training.runs.checkpoints import TrainingState
from stylecli.training.runs.folder import log, write_sample

GRADIENT_NORM = 1.0  # largest norm of the gradient: one odd crop must not spoil the network
LOG_EVERY = 10  # steps
SAVE_EVERY = 250  # steps between checkpoints with a sample grid
SAVE_SECONDS = 15.0  # most seconds between checkpoints: the work that a crash can cost
TRIAL_STEPS = 4  # to time a phase; the first one does not count


class Training:
    """One process's part of a training: it advances a TrainingState step by step."""

    def __init__(self, state: TrainingState, objective: Objective, photos: PhotoFolder, processes: Processes) -> None:
        self.state = state
        self.objective = objective
        self.photos = photos
        self.processes = processes
        self.device = next(state.network.parameters()).device
        self.first, self.count = processes.share_of(objective.recipe.batch)
        styles = len(objective.recipe.paintings)
        self.one_of_each = torch.eye(styles, device=self.device)  # row k: style k alone
        self.saved_at = 0.0  # seconds of the training at its last checkpoint

    def run(self, recipe: Recipe, run: Path, progress: Progress) -> None:
        """Take all remaining steps; log, samples and checkpoints go into the folder `run`."""
        state = self.state
        begun_at, seconds_before, started = state.step, state.seconds, time.monotonic()
        self.saved_at = seconds_before
        try:
            with reading_ahead(self._crops(recipe)) as batches:
                for phase, crops in batches:
                    rate = schedule.one_cycle(state.step / recipe.steps, recipe.learning_rate)
                    values = self.step(crops, phase, rate)
                    elapsed = time.monotonic() - started
                    state.seconds = seconds_before + elapsed
                    values["pictures_per_second"] = round((state.step - begun_at) * recipe.batch / elapsed, 2)
                    if self.processes.is_first:
                        progress(Step(state.step, recipe.steps, "steps", _label(values), values))
                        if state.step % LOG_EVERY == 0:
                            timing = {"step": state.step, "seconds": round(state.seconds, 1)}
                            log(run, timing | {"size": phase.size, "learning_rate": rate} | values)
                        self._save_if_due(recipe, run)
        except (KeyboardInterrupt, SystemExit):  # ^C, SIGTERM
            if self.processes.is_first and state.step > begun_at:
                state.save(run)
            raise

    def step(self, crops: Tensor, phase: Phase, rate: float) -> dict[str, float]:
        """Take one optimizer step on this process's crops (N, 3, H, W); returns all losses and their weighted total.

        rate: the learning rate of this step. The pictures of a batch take the paintings of the recipe in turn.

        Raises:
            UsageError: the loss is infinite or NaN; the weights are unchanged.
        """
        # Forward: stylize the crops and measure the losses.
        state = self.state
        image = crops.to(self.device, memory_format=torch.channels_last)
        styles = [
            (state.step * self.objective.recipe.batch + self.first + k) % len(self.one_of_each)
            for k in range(self.count)
        ]
        choose_styles(state.network, self.one_of_each[styles])
        _freeze_untrained(state.network, phase)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            stylized = state.network(image)
            seed = f"{self.objective.recipe.seed} {state.step} {self.first}"
            losses = self.objective.losses(image, stylized, styles, phase, seed=seed)
            if self.objective.recipe.consistency_weight:
                losses["consistency"] = consistency(state.network, image, stylized, seed)
        losses["total"] = self.objective.total(losses)
        values = self.processes.average_losses(losses)
        if not math.isfinite(values["total"]):
            raise UsageError(
                f"the loss is {values['total']} at step {state.step}",
                hint=f"Start again with smaller weights of the losses, or with a learning_rate below {rate:g}"
                + ("; the last checkpoint is kept." if state.step else "."),
            )
        # Backward: gradients, averaged over all processes and clipped.
        state.optimizer.zero_grad()
        torch.autograd.backward(losses["total"])
        self.processes.average_gradients(state.network.parameters())
        nn.utils.clip_grad_norm_(state.network.parameters(), GRADIENT_NORM)
        for group in state.optimizer.param_groups:
            group["lr"] = rate
        # Update: weights, the constraint on them, their moving average.
        with interrupts_deferred():
            state.optimizer.step()
            remove_checkerboard(state.network)
            state.average.update_parameters(state.network)
            state.step += 1
        return {name: round(value, 6) for name, value in values.items()}

    def fit_to_budget(self, recipe: Recipe) -> Recipe:
        """Return the recipe with as many steps as fit into its time budget here; times a copy of the state."""
        trial = Training(copy.deepcopy(self.state), self.objective, self.photos, self.processes)

        def seconds_of(phase: Phase) -> float:
            for number in range(TRIAL_STEPS):
                if number == 1:  # the first step of a size is slow, since it allocates memory
                    started = time.monotonic()
                crops = self.photos.batch(-2, count=self.count, size=phase.size)
                trial.step(crops, phase, 0.0)
            return (time.monotonic() - started) / (TRIAL_STEPS - 1)

        began = time.monotonic()
        seconds = {phase: seconds_of(phase) for phase in recipe.phases}
        left = recipe.time_budget - (time.monotonic() - began)
        return schedule.fit_to_budget(recipe, seconds.__getitem__, seconds=left)

    def _save_if_due(self, recipe: Recipe, run: Path) -> None:
        """Write a checkpoint every SAVE_SECONDS, and with a sample every SAVE_EVERY steps and at the recipe's own."""
        step = self.state.step
        is_sampled = step in recipe.sample_steps or step % SAVE_EVERY == 0 or step == recipe.steps
        if is_sampled or self.state.seconds - self.saved_at > SAVE_SECONDS:
            self.state.save(run)
            self.saved_at = self.state.seconds
        if is_sampled:
            write_sample(run, step, self._sample, self.photos)

    def _crops(self, recipe: Recipe) -> Generator[tuple[Phase, Tensor]]:
        for step in range(self.state.step, recipe.steps):
            phase = recipe.phase_at(step)
            yield phase, self.photos.batch(step, count=self.count, size=phase.size, first=self.first)

    def _sample(self, number: int, image: Tensor) -> Tensor:
        """Stylize photo `number` of a sample (1, 3, H, W) with the average of the weights; styles take turns."""
        network = self.state.average.module
        choose_styles(network, self.one_of_each[[number % len(self.one_of_each)]])
        stylized: Tensor = network(image.to(self.device))
        return stylized.cpu()


def _freeze_untrained(network: nn.Module, phase: Phase) -> None:
    """Take gradients of all parameters, or in a phase that trains "norms" of gamma and beta alone."""
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(phase.trains == "all" or is_of_norm(name))


def _label(values: Mapping[str, float]) -> str:
    parts = (f"{name.replace('_per_', '/').replace('second', 's')} {value:.3g}" for name, value in values.items())
    return "  ".join(parts)
