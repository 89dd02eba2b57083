"""Style transfer by optimising the pixels of one photo (Gatys et al. 2016): slow, the baseline for the networks."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stylecli.core.errors import DeviceError, UsageError
from stylecli.core.progress import Progress, Step, ignore
from stylecli.media.pixels import quantize, to_unit
from stylecli.media.resizing import resize
from stylecli.stylize.painting import with_colors_of
from stylecli.training.gatys.options import LEARNING_RATES, Optimization, OptimizationJob
from stylecli.training.losses.loss_network import LossNetwork
from stylecli.training.losses.perceptual import content_loss, gram_matrix, style_loss, total_variation

HISTORY = 20  # steps that L-BFGS remembers; each takes the memory of two pictures
TRIALS = 25  # most evaluations of a line search; nearly all need one, and PyTorch's default allows none
COARSEST = 64  # pixels of the short side of the smallest scale: with fewer, faces are lost


@dataclass(frozen=True)
class Iteration:
    """The state after `number` steps: unweighted losses, their weighted total, and a CPU copy (1, 3, H, W) in 0..1."""

    number: int
    losses: dict[str, float]
    total: float
    image: Tensor


def objective(
    image: Tensor,
    content_target: Tensor,
    style_targets: Mapping[str, Tensor],
    loss_network: LossNetwork,
    settings: Optimization,
) -> dict[str, Tensor]:
    """Compute the unweighted losses of an image (N, 3, H, W) in 0..1, by name.

    content_target: the photo's feature maps at the content layer. style_targets: the painting's Gram matrices by layer.
    """
    features = loss_network(image, settings.layers)
    return {
        "content": content_loss(features[settings.content_layer], content_target, relative=settings.relative),
        "style": style_loss(features, style_targets, relative=settings.relative),
        "variation": total_variation(image),
    }


def total_loss(losses: Mapping[str, Tensor], settings: Optimization) -> Tensor:
    """Sum the losses, each times its weight (Gatys et al. 2016, eq. 7, plus total variation)."""
    return torch.stack([getattr(settings, f"{name}_weight") * loss for name, loss in losses.items()]).sum()


def iterations(
    photo: Tensor,
    style_targets: Mapping[str, Tensor],
    loss_network: LossNetwork,
    settings: Optimization,
    *,
    start: Tensor | None = None,
) -> Iterator[Iteration]:
    """Optimise a photo (1, 3, H, W), sRGB-encoded RGB in 0..1, and yield after every step, without end.

    Starts from the image `start`, or from the photo. Runs on CUDA if it is available.

    Raises:
        UsageError: the loss became infinite or NaN.
    """
    device = _best_device()
    loss_network.to(device)
    start = photo if start is None else start
    image = start.to(device, copy=True, memory_format=torch.contiguous_format).clamp_(0, 1)
    targets = {layer: target.to(device) for layer, target in style_targets.items()}
    with torch.no_grad():
        content = loss_network(photo.to(device), [settings.content_layer])[settings.content_layer]
    view = _View(image, lambda seen: objective(seen, content, targets, loss_network, settings), settings)
    optimizer = _optimizer(image, settings)
    for number in itertools.count(1):
        before, view.step = image.clone(), number
        optimizer.step(view.look)
        image.clamp_(0, 1)
        view.look()
        yield Iteration(number, view.losses, view.total, image.cpu().clone())
        if torch.equal(before, image):  # L-BFGS is stuck: start it again without its history
            optimizer = _optimizer(image, settings)


@contextmanager
def memory_faults_named() -> Iterator[None]:
    """Turn the out-of-memory errors of torch, of the graphics card or the machine, into DeviceError."""
    try:
        yield
    except RuntimeError as error:  # torch has an exception type only for graphics cards; all texts have this word
        if "allocate" not in str(error):
            raise
        raise DeviceError("not enough memory for a picture of this size", hint="Give a smaller `size`.") from error


@memory_faults_named()
def optimize(
    photo: NDArray[Any],
    painting: NDArray[Any],
    loss_network: LossNetwork,
    settings: Optimization,
    job: OptimizationJob,
    *,
    progress: Progress = ignore,
    preview: Callable[[int, NDArray[Any]], None] = lambda _, __: None,
) -> NDArray[Any]:
    """Paint a photo (H, W, 3) in the style of a painting, both sRGB-encoded RGB of any type.

    Args:
        photo: the photo.
        painting: the painting.
        loss_network: has all `settings.layers`.
        settings: the losses and the optimiser.
        job: steps, size, scales, colours and how often `preview` is called.
        progress: called after each step with its losses.
        preview: called with the number of a step and the picture that would be returned after it.

    Returns:
        The painted photo, of the photo's type.

    Raises:
        UsageError: a picture is too small, a number is out of range, or the loss became infinite or NaN.
        DeviceError: too little memory.
    """
    factor = min(1.0, job.size / min(photo.shape[:2]))
    height, width = (round(side * factor) for side in photo.shape[:2])
    for name, side in (("photo", min(height, width)), ("painting", min(painting.shape[:2]))):
        if side < settings.least_side:
            hint = f"The loss network needs {settings.least_side} on each side."
            raise UsageError(f"the {name}: {side} pixels are too few", hint=hint)
    image = goal = resize(to_unit(photo), height, width)

    def result() -> NDArray[Any]:
        painted = resize(image, height, width)
        return quantize(with_colors_of(goal, painted) if job.original_colors else painted, photo.dtype)

    done = 0
    for rows, columns, count in plan_scales(height, width, steps=job.steps, scales=job.scales):
        targets = _style_targets(painting, rows * columns, loss_network, settings)
        content, start = (_tensor(resize(picture, rows, columns)) for picture in (goal, image))
        for iteration in itertools.islice(iterations(content, targets, loss_network, settings, start=start), count):
            done += 1
            image = np.ascontiguousarray(iteration.image[0].permute(1, 2, 0).numpy())
            label = "  ".join(f"{name} {loss:.3f}" for name, loss in iteration.losses.items())
            progress(Step(done, job.steps, "steps", label, {**iteration.losses, "total": iteration.total}))
            if job.preview_every and done % job.preview_every == 0:
                preview(done, result())
    return result()


def plan_scales(height: int, width: int, *, steps: int, scales: int) -> list[tuple[int, int, int]]:
    """Plan (height, width, steps) of each scale; each is twice as large as the one before, with about half its steps.

    There are fewer than `scales` if the steps or the pixels (COARSEST) do not suffice.

    Raises:
        UsageError: `steps` or `scales` is less than one.
    """
    if min(steps, scales) < 1:
        raise UsageError(f"{steps} steps at {scales} scales", hint="Give at least one of each.")
    scales = min(scales, steps, 1 + max(0, int(math.log2(min(height, width) / COARSEST))))
    # One step each; the others in the ratio 1 : 2 : 4 ... from the finest scale on, the remainder to the coarsest.
    counts = [1 + (steps - scales) * 2**level // (2**scales - 1) for level in range(scales)]
    counts[-1] += steps - sum(counts)
    sizes = [(round(height / 2**level), round(width / 2**level)) for level in range(scales)]
    return [(*size, count) for size, count in zip(reversed(sizes), reversed(counts), strict=True)]


class _View:
    """The loss and gradient of the current image, cached: L-BFGS begins a step where the one before ended."""

    def __init__(self, image: Tensor, losses_of: Callable[[Tensor], dict[str, Tensor]], settings: Optimization) -> None:
        self.step = 0
        self.losses: dict[str, float] = {}
        self.total = math.nan
        self._image = image
        self._losses_of = losses_of
        self._settings = settings
        self._seen = torch.empty(0)

    def look(self) -> float:
        """Return the total loss of the image clipped to 0..1, and set the image's gradient."""
        seen = self._image.clamp(0, 1)
        if torch.equal(seen, self._seen):
            return self.total
        with torch.enable_grad():
            losses = self._losses_of(seen.requires_grad_())
            total = total_loss(losses, self._settings)
            (gradient,) = torch.autograd.grad(total, seen)
        self._seen, self.total = seen.detach(), total.item()
        self.losses = {name: loss.item() for name, loss in losses.items()}
        if not math.isfinite(self.total):
            hint = f"Give a style weight below {self._settings.style_weight:g}, or another loss network."
            raise UsageError(f"the loss is {self.total} at step {self.step}", hint=hint)
        # No gradient for colours at a limit that would leave 0..1: they would only distort the direction of the step.
        leaving = ((seen == 0) & (gradient > 0)) | ((seen == 1) & (gradient < 0))
        self._image.grad = gradient.masked_fill(leaving, 0).contiguous()
        return self.total


def _optimizer(image: Tensor, settings: Optimization) -> torch.optim.Optimizer:
    given = settings.learning_rate
    rate = LEARNING_RATES[settings.optimizer] if given is None else given
    if settings.optimizer == "adam":
        return torch.optim.Adam([image], rate)
    return torch.optim.LBFGS(
        [image],
        rate,
        max_iter=1,
        max_eval=1 + TRIALS,
        tolerance_grad=0,  # a large picture's gradient is small at every pixel
        history_size=HISTORY,
        line_search_fn="strong_wolfe",
    )


@torch.no_grad()
def _style_targets(
    painting: NDArray[Any], pixels: int, loss_network: LossNetwork, settings: Optimization
) -> dict[str, Tensor]:
    """Compute the Gram matrices (1, C, C) of a painting (H, W, 3) by layer, at about as many `pixels` as the photo has.

    So strokes keep their size relative to the picture at every scale, and a long strip takes no more memory.
    """
    height, width = painting.shape[:2]
    factor = math.sqrt(pixels / (height * width))
    sides = (max(settings.least_side, round(side * factor)) for side in (height, width))
    device = _best_device()
    image = _tensor(resize(to_unit(painting), *sides)).to(device)
    features = loss_network.to(device)(image, settings.style_layers)
    return {layer: gram_matrix(maps) for layer, maps in features.items()}


def _tensor(pixels: NDArray[np.float32]) -> Tensor:
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].contiguous()


def _best_device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
