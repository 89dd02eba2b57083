"""Style transfer by optimisation, coarse to fine: each scale starts from the enlarged result of the one before."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
from stylecli.training.gatys.optimizer import best_device, iterations
from stylecli.training.gatys.options import Optimization, OptimizationJob
from stylecli.training.losses.loss_network import LossNetwork
from stylecli.training.losses.perceptual import gram_matrix

COARSEST = 64  # pixels of the short side of the smallest scale: with fewer, faces are lost


@contextmanager
def out_of_memory_as_device_error() -> Iterator[None]:
    """Turn the out-of-memory errors of torch, of the graphics card or the machine, into DeviceError."""
    try:
        yield
    except RuntimeError as error:  # torch has an exception type only for graphics cards; all texts have this word
        if "allocate" not in str(error):
            raise
        raise DeviceError("not enough memory for a picture of this size", hint="Give a smaller `size`.") from error


@out_of_memory_as_device_error()
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
        grams = _style_grams(painting, rows * columns, loss_network, settings)
        content, start = (_tensor(resize(picture, rows, columns)) for picture in (goal, image))
        for iteration in itertools.islice(iterations(content, grams, loss_network, settings, start=start), count):
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


@torch.no_grad()
def _style_grams(
    painting: NDArray[Any], pixels: int, loss_network: LossNetwork, settings: Optimization
) -> dict[str, Tensor]:
    """Compute the Gram matrices (1, C, C) of a painting (H, W, 3) by layer, at about as many `pixels` as the photo has.

    So strokes keep their size relative to the picture at every scale, and a long strip takes no more memory.
    """
    height, width = painting.shape[:2]
    factor = math.sqrt(pixels / (height * width))
    sides = (max(settings.least_side, round(side * factor)) for side in (height, width))
    device = best_device()
    image = _tensor(resize(to_unit(painting), *sides)).to(device)
    features = loss_network.to(device)(image, settings.style_layers)
    return {layer: gram_matrix(maps) for layer, maps in features.items()}


def _tensor(pixels: NDArray[np.float32]) -> Tensor:
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].contiguous()
