"""The training loop: a painting and a folder of photos to the weights of a style network."""

from __future__ import annotations

import dataclasses
import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn

from stylecli.engine import quantize
from stylecli.errors import MediaError, UsageError
from stylecli.images import picture_from_pixels, write_picture
from stylecli.progress import Progress, Step, ignore
from stylecli.training.checkpoints import WEIGHTS, load_checkpoint, save_checkpoint, write_tensors
from stylecli.training.data import PhotoFolder, read_photo
from stylecli.training.loss_network import LossNetwork
from stylecli.training.losses import content_loss, gram_matrix, grid_loss, style_loss, total_variation
from stylecli.training.network import NETWORKS
from stylecli.training.recipe import Recipe, check_recipe, read_recipe, write_recipe

RECIPE = "recipe.toml"
LOG = "log.jsonl"
SAMPLES = "samples"
WARM_UP = 0.05  # share of the steps in which the learning rate rises
GRADIENT_NORM = 1.0  # the gradient is clipped to it: one odd crop must not throw the network off
LOG_EVERY = 10  # steps
SAVE_EVERY = 250  # steps between checkpoints, each with a sample grid
SAMPLE_PHOTOS = 6
SAMPLE_STEP = -1  # whose crops are shown: one that no training takes
SAMPLE_SIZE = 256  # pixels
ONLY_TOLD = ("painting", "licence", "photos")  # of a recipe: they change nothing in the result
NETWORK_SIZE_KEYS = ("stem", "trunk", "blocks")


def train(
    recipe: Recipe,
    painting: Path,
    photos: PhotoFolder,
    run: Path,
    *,
    loss_network: LossNetwork,
    start: Mapping[str, Tensor] | None = None,
    seconds_of_base: float = 0.0,
    progress: Progress = ignore,
    note: Callable[[str], None] = lambda _: None,
) -> Path:
    """Train a style network into the folder `run`, or go on with what is there; returns the file of the weights.

    Johnson et al. 2016, section 3, with relative losses (see `losses`). On the CPU a run that was interrupted ends with
    the same bits as one that was not. `start` gives the weights of the first step, random ones when None; the time that
    they took counts as part of this training.

    Raises:
        UsageError: `run` holds a training with another recipe, or the loss became infinite or NaN.
        MediaError: a photo, the painting or the run's folder cannot be read or written.
    """
    check_recipe(recipe)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    with _blamed_on(run):
        _open_run(run, recipe)
    torch.manual_seed(recipe.seed)
    network = NETWORKS[recipe.network](**{key: getattr(recipe, key) for key in NETWORK_SIZE_KEYS})
    if start is not None:
        _start_from(network, start, recipe)
    network.to(device).to(memory_format=torch.channels_last)
    loss_network.to(device)
    optimizer = torch.optim.Adam(network.parameters(), recipe.learning_rate)
    first, seconds_before = load_checkpoint(run, network, optimizer)
    if first:
        note(f"{run}: resumed at step {first}")
    with torch.no_grad():
        style_image = read_photo(painting, short_side=recipe.style_size)[None].to(device)
        targets = {layer: gram_matrix(f) for layer, f in loss_network(style_image, recipe.style_layers).items()}

    started, seconds = time.monotonic(), seconds_before
    for step in range(first, recipe.steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, recipe)
        crops = photos.batch(step, count=recipe.batch, size=recipe.size_at(step))
        image = crops.to(device, memory_format=torch.channels_last)
        losses = _losses(network, loss_network, image, targets, recipe)
        total = sum_of_losses(losses, recipe)
        if not math.isfinite(total.item()):
            raise UsageError(
                f"{run}: the loss is {total.item()} at step {step}",
                hint=f"Start again with a learning_rate below {recipe.learning_rate:g}; the last checkpoint is kept.",
            )
        optimizer.zero_grad()
        torch.autograd.backward(total)
        nn.utils.clip_grad_norm_(network.parameters(), GRADIENT_NORM)
        optimizer.step()

        done = step + 1
        seconds = seconds_before + time.monotonic() - started
        if done % LOG_EVERY == 0:
            values = {name: round(loss.item(), 6) for name, loss in losses.items()}
            _log(run, {"step": done, "seconds": round(seconds, 1), "total": round(total.item(), 5), **values})
        label = "  ".join(f"{name} {loss.item():.3f}" for name, loss in losses.items())
        progress(Step(done, recipe.steps, "steps", label))
        if done % SAVE_EVERY == 0 or done == recipe.steps:
            save_checkpoint(run, done, network, optimizer, seconds)
            _write_sample(run, done, network, photos)
    facts = TrainingFacts(_device_name(device), seconds_of_base + seconds, loss_network.name, loss_network.sha256)
    write_tensors(network.state_dict(), run / WEIGHTS, facts.as_metadata())
    return run / WEIGHTS


@dataclass(frozen=True)
class TrainingFacts:
    """How weights came about: kept in the metadata of their file, told in the model card."""

    device: str
    seconds: float
    loss_network: str
    loss_network_sha256: str

    def as_metadata(self) -> dict[str, str]:
        """As safetensors keeps it: text only."""
        return {name: str(value) for name, value in dataclasses.asdict(self).items()}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> Self:
        """Undo `as_metadata`; raises KeyError when something is missing."""
        seconds = round(float(metadata["seconds"]), 1)
        return cls(metadata["device"], seconds, metadata["loss_network"], metadata["loss_network_sha256"])


def learning_rate(step: int, recipe: Recipe) -> float:
    """One cycle (Smith and Topin 2018): a cosine from a 25th of the peak up to it, and down to nearly nothing."""
    peak, progress = recipe.learning_rate, step / recipe.steps
    if progress < WARM_UP:
        return _cosine(peak / 25, peak, progress / WARM_UP)
    return _cosine(peak, peak * 1e-4, (progress - WARM_UP) / (1 - WARM_UP))


def sum_of_losses(losses: dict[str, Tensor], recipe: Recipe) -> Tensor:
    """The total (Johnson et al. 2016, eq. 5), each loss by the recipe's weight of its name."""
    return torch.stack([getattr(recipe, f"{name}_weight") * loss for name, loss in losses.items()]).sum()


def _losses(
    network: nn.Module, loss_network: LossNetwork, image: Tensor, targets: dict[str, Tensor], recipe: Recipe
) -> dict[str, Tensor]:
    with torch.no_grad():
        content = loss_network(image, [recipe.content_layer])[recipe.content_layer]
    stylized = network(image)
    features = loss_network(stylized)
    return {
        "content": content_loss(features[recipe.content_layer], content),
        "style": style_loss(features, targets),
        "variation": total_variation(stylized),
        "grid": grid_loss(stylized),
    }


def _start_from(network: nn.Module, start: Mapping[str, Tensor], recipe: Recipe) -> None:
    try:
        network.load_state_dict(dict(start))
    except RuntimeError as err:  # torch lists every tensor that does not fit
        raise UsageError(
            f"{recipe.base}: its network has another shape than this recipe's",
            hint="Choose another base, or its network, stem, trunk and blocks.",
        ) from err


def _open_run(run: Path, recipe: Recipe) -> None:
    """Make the run's folder; one that holds another recipe is refused."""
    (run / SAMPLES).mkdir(parents=True, exist_ok=True)
    written = run / RECIPE
    if written.exists():
        before = read_recipe(written)
        names = [field.name for field in dataclasses.fields(recipe) if field.name not in ONLY_TOLD]
        changed = [name for name in names if getattr(before, name) != getattr(recipe, name)]
        if changed:
            raise UsageError(
                f"{run}: holds a training with another recipe ({', '.join(changed)} differ)",
                hint="Choose another folder with -o, or remove this one.",
            )
    write_recipe(recipe, written)


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"CPU, {torch.get_num_threads()} threads"


def _cosine(start: float, end: float, progress: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * progress)) / 2


def _log(run: Path, entry: dict[str, float]) -> None:
    with _blamed_on(run), (run / LOG).open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")


@contextmanager
def _blamed_on(run: Path) -> Iterator[None]:
    """Name the folder when the disk is full or it must not be written to."""
    try:
        yield
    except OSError as err:
        raise MediaError(f"{run}: {err.strerror}", hint="Make room, or choose another folder with -o.") from err


@torch.no_grad()
def _write_sample(run: Path, step: int, network: nn.Module, photos: PhotoFolder) -> None:
    """A grid of some photos, the same every time: as they are above, stylized below."""
    crops = photos.batch(SAMPLE_STEP, count=SAMPLE_PHOTOS, size=SAMPLE_SIZE)
    stylized = network(crops.to(next(network.parameters()).device)).cpu()
    grid = torch.cat([crops, stylized], dim=2).permute(2, 0, 3, 1).flatten(1, 2)  # (2 * size, photos * size, 3)
    picture = picture_from_pixels(quantize(grid.numpy(), np.uint8))
    write_picture(picture, run / SAMPLES / f"step_{step:06d}.png", overwrite=True)
