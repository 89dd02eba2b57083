"""One photo painted by optimisation (Gatys et al. 2016): slow, and the yardstick of the fast networks."""

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
from stylecli.training.gatys.options import LEARNING_RATES, Optimization
from stylecli.training.losses.loss_network import LossNetwork
from stylecli.training.losses.perceptual import content_loss, gram_matrix, style_loss, total_variation

HISTORY = 20  # steps that L-BFGS remembers; each takes the memory of two pictures
TRIALS = 25  # evaluations that a line search may take, nearly all take one; by default it may not take any
COARSEST = 64  # pixels of the short side: on less, faces are lost


@dataclass(frozen=True)
class Iteration:
    """The image after `number` steps, (1, 3, H, W), 0..1, a CPU copy; its losses, unweighted, and weighted total."""

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
    """The losses by name of an image (N, 3, H, W) in 0..1, unweighted.

    `content_target` is the photo's feature maps at the content layer, `style_targets` the painting's Gram matrices.
    """
    features = loss_network(image, settings.layers)
    return {
        "content": content_loss(features[settings.content_layer], content_target, relative=settings.relative),
        "style": style_loss(features, style_targets, relative=settings.relative),
        "variation": total_variation(image),
    }


def total_loss(losses: Mapping[str, Tensor], settings: Optimization) -> Tensor:
    """The sum, each loss by the weight of its name (Gatys et al. 2016, eq. 7, and the total variation)."""
    return torch.stack([getattr(settings, f"{name}_weight") * loss for name, loss in losses.items()]).sum()


def iterations(
    photo: Tensor,
    style_targets: Mapping[str, Tensor],
    loss_network: LossNetwork,
    settings: Optimization,
    *,
    start: Tensor | None = None,
) -> Iterator[Iteration]:
    """Paint a photo (1, 3, H, W), sRGB-encoded RGB in 0..1, step by step without end, on CUDA where that is.

    Begins with `start`, the photo itself when None.

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
        if torch.equal(before, image):  # L-BFGS sees no way down by what it remembers: let it forget
            optimizer = _optimizer(image, settings)


@contextmanager
def memory_faults_named() -> Iterator[None]:
    """Raise DeviceError when torch runs out of memory, of the graphics card or of the machine."""
    try:
        yield
    except RuntimeError as error:  # torch has a type for the graphics card alone; the texts share one word
        if "allocate" not in str(error):
            raise
        raise DeviceError("not enough memory for a picture of this size", hint="Give a smaller `size`.") from error


@memory_faults_named()
def optimize(
    photo: NDArray[Any],
    painting: NDArray[Any],
    loss_network: LossNetwork,
    settings: Optimization,
    *,
    steps: int,
    size: int | None = None,
    scales: int = 1,
    original_colors: bool = False,
    progress: Progress = ignore,
    preview: Callable[[int, NDArray[Any]], None] | None = None,
    preview_every: int = 50,
) -> NDArray[Any]:
    """Paint a photo (H, W, 3) in the style of a painting, both sRGB-encoded RGB of any type; the photo's type.

    The result has the photo's size, or a short side of `size` pixels if that is less. `scales` sizes are painted, each
    started from the result of the one before (see `plan_scales`). `original_colors` takes only brightness from what is
    painted. `progress` hears of each step, with its losses; `preview` gets a step's number and what would be returned.

    Raises:
        UsageError: a picture is too small, a number impossible, or the loss became infinite or NaN.
        DeviceError: too little memory.
    """
    factor = 1.0 if size is None else min(1.0, size / min(photo.shape[:2]))
    height, width = (round(side * factor) for side in photo.shape[:2])
    for name, side in (("photo", min(height, width)), ("painting", min(painting.shape[:2]))):
        if side < settings.least_side:
            hint = f"The loss network needs {settings.least_side} on each side."
            raise UsageError(f"the {name}: {side} pixels are too few", hint=hint)
    if preview_every < 1:
        raise UsageError(f"preview_every is {preview_every}", hint="Give at least 1.")
    image = goal = resize(to_unit(photo), height, width)

    def result() -> NDArray[Any]:
        painted = resize(image, height, width)
        return quantize(with_colors_of(goal, painted) if original_colors else painted, photo.dtype)

    done = 0
    for rows, columns, count in plan_scales(height, width, steps=steps, scales=scales):
        targets = _style_targets(painting, rows * columns, loss_network, settings)
        content, start = (_tensor(resize(picture, rows, columns)) for picture in (goal, image))
        for iteration in itertools.islice(iterations(content, targets, loss_network, settings, start=start), count):
            done += 1
            image = np.ascontiguousarray(iteration.image[0].permute(1, 2, 0).numpy())
            label = "  ".join(f"{name} {loss:.3f}" for name, loss in iteration.losses.items())
            progress(Step(done, steps, "steps", label, {**iteration.losses, "total": iteration.total}))
            if preview and done % preview_every == 0:
                preview(done, result())
    return result()


def plan_scales(height: int, width: int, *, steps: int, scales: int) -> list[tuple[int, int, int]]:
    """(height, width, steps) of each scale: each twice as large as the one before, with about half of its steps.

    There are fewer than `scales` where steps or pixels (COARSEST) do not suffice.

    Raises:
        UsageError: `steps` or `scales` is less than one.
    """
    if min(steps, scales) < 1:
        raise UsageError(f"{steps} steps at {scales} scales", hint="Give at least one of each.")
    scales = min(scales, steps, 1 + max(0, int(math.log2(min(height, width) / COARSEST))))
    # One step each, and the others as 1 : 2 : 4 ... from the finest on; what the divisions leave goes to the coarsest.
    counts = [1 + (steps - scales) * 2**level // (2**scales - 1) for level in range(scales)]
    counts[-1] += steps - sum(counts)
    sizes = [(round(height / 2**level), round(width / 2**level)) for level in range(scales)]
    return [(*size, count) for size, count in zip(reversed(sizes), reversed(counts), strict=True)]


class _View:
    """What is known of the image as it is; L-BFGS begins a step by asking for what it saw at the end of the last."""

    def __init__(self, image: Tensor, losses_of: Callable[[Tensor], dict[str, Tensor]], settings: Optimization) -> None:
        self.step = 0
        self.losses: dict[str, float] = {}
        self.total = math.nan
        self._image = image
        self._losses_of = losses_of
        self._settings = settings
        self._seen = torch.empty(0)

    def look(self) -> float:
        """Give the total loss of the image with its colours clipped to 0..1, and the image its gradient."""
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
        # A colour that could only leave 0..1 must not bend the direction of the others.
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
    """The Gram matrices (1, C, C) by layer of a painting (H, W, 3), resized to about as many pixels as the photo has.

    So strokes keep their share of the picture at every scale, and the longest strip takes no more memory.
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
