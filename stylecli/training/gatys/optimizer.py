"""Optimise the pixels of a photo at one size (Gatys et al. 2016), step by step."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from stylecli.core.errors import UsageError
from stylecli.training.gatys.options import LEARNING_RATES, Optimization
from stylecli.training.losses.loss_network import LossNetwork
from stylecli.training.losses.perceptual import content_loss, style_loss
from stylecli.training.losses.regularizers import total_variation

HISTORY = 20  # steps that L-BFGS remembers; each takes the memory of two pictures
TRIALS = 25  # most evaluations of a line search; nearly all need one, and PyTorch's default allows none


@dataclass(frozen=True)
class Iteration:
    """The state after `number` steps: unweighted losses, their weighted total, and a CPU copy (1, 3, H, W) in 0..1."""

    number: int
    losses: dict[str, float]
    total: float
    image: Tensor


def compute_losses(
    image: Tensor,
    content_target: Tensor,
    style_grams: Mapping[str, Tensor],
    loss_network: LossNetwork,
    settings: Optimization,
) -> dict[str, Tensor]:
    """Compute the unweighted losses of an image (N, 3, H, W) in 0..1, by name.

    content_target: the photo's feature maps (1, C, h, w) at the content layer.
    style_grams: the painting's Gram matrices (1, C, C) by layer.
    """
    features = loss_network(image, settings.layers)
    return {
        "content": content_loss(features[settings.content_layer], content_target, relative=settings.relative),
        "style": style_loss(features, style_grams, relative=settings.relative),
        "variation": total_variation(image),
    }


def total_loss(losses: Mapping[str, Tensor], settings: Optimization) -> Tensor:
    """Sum the losses, each times its weight (Gatys et al. 2016, eq. 7, plus total variation)."""
    return torch.stack([getattr(settings, f"{name}_weight") * loss for name, loss in losses.items()]).sum()


def iterations(
    photo: Tensor,
    style_grams: Mapping[str, Tensor],
    loss_network: LossNetwork,
    settings: Optimization,
    *,
    start: Tensor | None = None,
) -> Iterator[Iteration]:
    """Optimise a photo (1, 3, H, W), sRGB-encoded RGB in 0..1, and yield after every step, without end.

    Starts from the image `start` (1, 3, H, W), or from the photo. Runs on CUDA if it is available.

    style_grams: the painting's Gram matrices (1, C, C) by layer.

    Raises:
        UsageError: the loss became infinite or NaN.
    """
    device = best_device()
    loss_network.to(device)
    start = photo if start is None else start
    image = start.to(device, copy=True, memory_format=torch.contiguous_format).clamp_(0, 1)
    grams = {layer: gram.to(device) for layer, gram in style_grams.items()}
    with torch.no_grad():
        content = loss_network(photo.to(device), [settings.content_layer])[settings.content_layer]
    closure = _Closure(image, lambda clipped: compute_losses(clipped, content, grams, loss_network, settings), settings)
    optimizer = _optimizer(image, settings)
    for number in itertools.count(1):
        before, closure.step = image.clone(), number
        optimizer.step(closure)
        image.clamp_(0, 1)
        closure()
        yield Iteration(number, closure.losses, closure.total, image.cpu().clone())
        if torch.equal(before, image):  # L-BFGS is stuck: start it again without its history
            optimizer = _optimizer(image, settings)


def best_device() -> torch.device:
    """Return CUDA if it is available, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


class _Closure:
    """The closure that PyTorch's optimizers call: the total loss and the gradient of the current image.

    The last result is cached, since L-BFGS begins a step where the one before ended.
    """

    def __init__(self, image: Tensor, losses_of: Callable[[Tensor], dict[str, Tensor]], settings: Optimization) -> None:
        self.step = 0
        self.losses: dict[str, float] = {}
        self.total = math.nan
        self._image = image
        self._losses_of = losses_of
        self._settings = settings
        self._evaluated = torch.empty(0)  # the clipped image of the last result

    def __call__(self) -> float:
        """Return the total loss of the image clipped to 0..1, and set the image's gradient.

        Raises:
            UsageError: the loss became infinite or NaN.
        """
        clipped = self._image.clamp(0, 1)
        if torch.equal(clipped, self._evaluated):
            return self.total
        with torch.enable_grad():
            losses = self._losses_of(clipped.requires_grad_())
            total = total_loss(losses, self._settings)
            (gradient,) = torch.autograd.grad(total, clipped)
        self._evaluated, self.total = clipped.detach(), total.item()
        self.losses = {name: loss.item() for name, loss in losses.items()}
        if not math.isfinite(self.total):
            hint = f"Give a style weight below {self._settings.style_weight:g}, or another loss network."
            raise UsageError(f"the loss is {self.total} at step {self.step}", hint=hint)
        # No gradient for colours at a limit that would leave 0..1: they would only distort the direction of the step.
        leaving = ((clipped == 0) & (gradient > 0)) | ((clipped == 1) & (gradient < 0))
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
