"""Training of the distilled loss network: a narrow VGG-19 learns the features and Gram matrices of the real one.

A style network learns from the loss network's features of *stylized* pictures, so the distilled network must match
VGG-19 on those and not on photos alone. A batch therefore holds photos and paintings, some of them stylized by finished
styles, blended, recoloured or noisy.
"""

from __future__ import annotations

import functools
import random
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from stylecli.core.files import blamed_on
from stylecli.core.progress import Progress, Step, ignore
from stylecli.packs.shelves import list_styles
from stylecli.training.data import PhotoFolder
from stylecli.training.losses.distilled import MAPPED, DistilledNetwork
from stylecli.training.losses.loss_network import VggNetwork
from stylecli.training.losses.perceptual import gram_matrix
from stylecli.training.losses.thinning import begin_as_thinned
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
STYLIZED = 0.35  # share of the pictures that a finished style has painted
BLENDED = 0.2  # share of the pictures that are blended with another one
RECOLOURED = 0.5  # share of the pictures with another gain and offset of each channel
NOISY = 0.4  # share of the pictures with noise
NOISE_MAX = 0.12  # standard deviation, of 0..1
JUDGED_SHORT_SIDE = 384  # pixels, as the judge of styles looks at photos
FIRST_LOOK = 12  # batches that the scales of VGG-19's features and the initial weights are estimated on


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

    The loss is a sum over the layers of MAPPED. For each layer it adds the mean squared difference of the feature maps,
    relative to the mean square of VGG-19's, and GRAM_WEIGHT times the squared Frobenius distance of the Gram matrices,
    relative to the squared norm of VGG-19's.

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
    with blamed_on(run):
        run.mkdir(parents=True, exist_ok=True)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(0)
    network = DistilledNetwork().to(device)
    for fixed in (teacher, *styles):
        fixed.to(device)
    average = AveragedModel(network, avg_fn=functools.partial(moving_average, AVERAGE))
    state = TrainingState(network, average, torch.optim.Adam(network.parameters(), PEAK_RATE))
    first_look = torch.cat(
        [_pictures(photos, styles, -1 - k, count=batch, size=size, device=device) for k in range(FIRST_LOOK)]
    )
    scales = _scales(teacher, first_look)
    if not state.load(run):
        begin_as_thinned(network, teacher, first_look, scales)
    seconds_before, started = state.seconds, time.monotonic()
    while state.step < steps:
        image = _pictures(photos, styles, state.step, count=batch, size=size, device=device)
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


@torch.no_grad()
def correlations(distilled: nn.Module, teacher: nn.Module, images: Sequence[Tensor]) -> dict[str, dict[str, float]]:
    """Compare a distilled network with VGG-19 on pictures (1, 3, H, W).

    Returns:
        For each layer the means over the pictures of `features`, the Pearson correlation of the feature maps; `gram`,
        that of the Gram matrices; and `gram_distance`, ||G - G_vgg||² / ||G_vgg||².
    """
    rows: dict[str, list[tuple[float, float, float]]] = {layer: [] for layer in MAPPED}
    for image in images:
        ours, theirs = distilled(image, MAPPED), teacher(image, MAPPED)
        for layer in MAPPED:
            gram, wanted = gram_matrix(ours[layer]), gram_matrix(theirs[layer])
            distance = (gram - wanted).square().sum() / wanted.square().sum()
            rows[layer].append((_pearson(ours[layer], theirs[layer]), _pearson(gram, wanted), distance.item()))
    return {
        layer: dict(zip(("features", "gram", "gram_distance"), _means(values), strict=True))
        for layer, values in rows.items()
    }


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


@torch.no_grad()
def _pictures(
    photos: Sequence[PhotoFolder],
    styles: Sequence[nn.Module],
    step: int,
    *,
    count: int,
    size: int,
    device: torch.device,
) -> Tensor:
    """Return the pictures of one step, (count, 3, size, size). They depend on the step alone."""
    chance = random.Random(f"distill {step}")
    source = chance.choice(photos)
    image = source.batch(step, count=count, size=size).to(device)
    generator = torch.Generator().manual_seed(step + 1)
    rows = []
    for picture in torch.split(image, 1):
        row = picture
        if styles and chance.random() < STYLIZED:
            row = row.lerp(chance.choice(styles)(row), chance.uniform(0.3, 1))
        if chance.random() < BLENDED:
            row = row.lerp(image[chance.randrange(count)][None].flip(3), chance.uniform(0.2, 0.5))
        if chance.random() < RECOLOURED:
            gain = torch.empty(1, 3, 1, 1).uniform_(0.6, 1.4, generator=generator)
            row = row * gain.to(device) + chance.uniform(-0.2, 0.2)
        if chance.random() < NOISY:
            noise = torch.randn(row.shape, generator=generator).to(device)
            row = row + noise * chance.uniform(0, NOISE_MAX)
        rows.append(row.clamp(0, 1))
    return torch.cat(rows)


def _write(network: nn.Module, scales: Mapping[str, Tensor], teacher: VggNetwork, file: Path) -> None:
    """Write the weights in half precision, with each layer's scale folded into its map: ReLU is homogeneous."""
    tensors = dict(network.state_dict())
    for layer, scale in scales.items():
        for kind in ("weight", "bias"):
            tensors[f"maps.{layer}.{kind}"] = tensors[f"maps.{layer}.{kind}"] * scale
    halves = {name: tensor.half() for name, tensor in tensors.items()}
    write_tensors(halves, file, {"teacher": teacher.name, "teacher_sha256": teacher.sha256})


def _means(rows: Sequence[tuple[float, ...]]) -> list[float]:
    return [round(sum(column) / len(rows), 4) for column in zip(*rows, strict=True)]


def _pearson(a: Tensor, b: Tensor) -> float:
    return torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1].item()
