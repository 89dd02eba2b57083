"""Train the distilled loss network to predict VGG-19, on batches of photos and paintings, some of them stylized."""

from __future__ import annotations

import functools
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from stylecli.core.files import blamed_on, check_writable
from stylecli.core.progress import Progress, Step, ignore
from stylecli.packs.shelves import list_styles
from stylecli.training.data import PhotoFolder
from stylecli.training.distillation.batches import draw_batch
from stylecli.training.distillation.initialization import initialize_from_vgg
from stylecli.training.losses.distilled import MAPPED, DistilledNetwork
from stylecli.training.losses.loss_network import VggNetwork
from stylecli.training.losses.perceptual import gram_matrix
from stylecli.training.networks.registry import network_from_weights
from stylecli.training.runs.checkpoints import WEIGHTS, TrainingState, moving_average, read_tensors, write_tensors
from stylecli.training.runs.folder import log
from stylecli.training.schedule import one_cycle

DISTILLED_FILE = "distilled.safetensors"
GRAM_WEIGHT = 0.5  # of the relative Gram distance, beside the relative distance of the features
PEAK_RATE = 1.5e-3  # of Adam, in a one-cycle schedule
AVERAGE = 0.99  # decay of the moving average of the weights, which is what is kept
LOG_EVERY = 25  # steps
SAVE_EVERY = 250  # steps
FITTED_BATCHES = 12  # that the scales of VGG-19's features and the initial weights are estimated on


def distill(
    teacher: VggNetwork,
    photos: Sequence[PhotoFolder],
    run: Path,
    *,
    styles: Sequence[nn.Module] = (),
    steps: int = 2000,
    batch: int = 4,
    size: int = 128,
    progress: Progress = ignore,
) -> Path:
    """Train a distilled loss network into the folder `run`, or resume the training there.

    The loss is the sum over the layers of MAPPED of mean (F - F_vgg)² / mean F_vgg² +
    GRAM_WEIGHT ||G - G_vgg||² / ||G_vgg||² with the feature maps F and their Gram matrices G.

    Args:
        teacher: VGG-19 with all layers of MAPPED.
        photos: folders of photos and paintings; each batch comes from one of them.
        run: the folder to write to.
        styles: style networks that stylize a share of the pictures.
        steps: optimiser steps.
        batch: pictures of a step.
        size: side of the square crops, in pixels.
        progress: called after every step.

    Returns:
        The file of the distilled network.

    Raises:
        MediaError: a photo or the run's folder cannot be read or written.
    """
    check_writable(run)
    with blamed_on(run):
        run.mkdir(parents=True, exist_ok=True)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(0)
    network = DistilledNetwork().to(device)
    for fixed in (teacher, *styles):
        fixed.to(device)
    average = AveragedModel(network, avg_fn=functools.partial(moving_average, AVERAGE))
    state = TrainingState(network, average, torch.optim.Adam(network.parameters(), PEAK_RATE))
    fitted = torch.cat(
        [draw_batch(photos, styles, -1 - k, count=batch, size=size, device=device) for k in range(FITTED_BATCHES)]
    )
    scales = _scales(teacher, fitted)
    if not state.load(run):
        initialize_from_vgg(network, teacher, fitted, scales)
    seconds_before, started = state.seconds, time.monotonic()
    while state.step < steps:
        image = draw_batch(photos, styles, state.step, count=batch, size=size, device=device)
        values = _step(state, teacher, scales, image, rate=one_cycle(state.step / steps, PEAK_RATE))
        state.seconds = seconds_before + time.monotonic() - started
        progress(Step(state.step, steps, "steps", f"loss {values['total']:.3f}", values))
        if state.step % LOG_EVERY == 0:
            timing = {"step": state.step, "seconds": round(state.seconds, 1)}
            log(run, timing | {name: round(value, 4) for name, value in values.items()})
        if state.step % SAVE_EVERY == 0 or state.step == steps:
            state.save(run)
    _write(average.module, scales, teacher, run / DISTILLED_FILE)
    return run / DISTILLED_FILE


def shelved_networks(styles_dir: Path | None) -> list[nn.Module]:
    """Load the networks of all styles on the shelves, without gradients."""
    weights = (read_tensors(pack.folder / WEIGHTS)[0] for pack in list_styles(styles_dir))
    return [network_from_weights(tensors).requires_grad_(False) for tensors in weights]


def _step(
    state: TrainingState, teacher: VggNetwork, scales: Mapping[str, Tensor], image: Tensor, *, rate: float
) -> dict[str, float]:
    """Take one optimizer step on pictures (N, 3, H, W) at the learning rate `rate`; returns the losses by name."""
    with torch.no_grad():
        wanted = {layer: features / scales[layer] for layer, features in teacher(image, MAPPED).items()}
    losses = _losses(state.network(image), wanted)
    total = torch.stack(list(losses.values())).sum()
    state.optimizer.zero_grad()
    torch.autograd.backward(total)
    for group in state.optimizer.param_groups:
        group["lr"] = rate
    state.optimizer.step()
    state.average.update_parameters(state.network)
    state.step += 1
    return {"total": total.item(), **{name: loss.item() for name, loss in losses.items()}}


def _losses(features: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    losses = {}
    for layer, target in wanted.items():
        gram, wanted_gram = gram_matrix(features[layer]), gram_matrix(target)
        feature_distance = (features[layer] - target).square().mean() / target.square().mean()
        gram_distance = (gram - wanted_gram).square().sum((1, 2)) / wanted_gram.square().sum((1, 2))
        losses[f"features {layer}"] = feature_distance
        losses[f"gram {layer}"] = GRAM_WEIGHT * gram_distance.mean()
    return losses


@torch.no_grad()
def _scales(teacher: VggNetwork, images: Tensor) -> dict[str, Tensor]:
    """Return the root mean square of every layer. Divided by it, targets are about 1, whatever VGG's weights are."""
    return {layer: features.square().mean().sqrt() for layer, features in teacher(images, MAPPED).items()}


def _write(network: nn.Module, scales: Mapping[str, Tensor], teacher: VggNetwork, file: Path) -> None:
    """Write the weights in half precision, with each layer's scale folded into its map: ReLU is homogeneous."""
    tensors = dict(network.state_dict())
    for layer, scale in scales.items():
        for kind in ("weight", "bias"):
            tensors[f"maps.{layer}.{kind}"] = tensors[f"maps.{layer}.{kind}"] * scale
    halves = {name: tensor.half() for name, tensor in tensors.items()}
    write_tensors(halves, file, {"teacher": teacher.name, "teacher_sha256": teacher.sha256})
