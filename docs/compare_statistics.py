"""Writes the table of ways to take a picture's statistics: how each paints, by VGG-19, and how long measuring takes.

    python docs/compare_statistics.py --heal-with PHOTOS STYLE PAINTING VGG19.safetensors PHOTO...

Photos are painted and judged at their own size. With --heal-with, the network is also frozen, with the mean statistics
of photos in a folder, and trained again as that, by the losses of its recipe.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from math import ceil
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.optim.swa_utils import AveragedModel

from stylecli.evaluation.quality.judges import choose_judge
from stylecli.evaluation.quality.measures import distances, style_grams
from stylecli.evaluation.quality.metrics.stylized_photo import CONTENT_LAYER, JUDGE_LAYERS, Photo, image_tensor
from stylecli.inference.engine import Engine
from stylecli.inference.normalization import Statistics, statistics_model
from stylecli.inference.sessions import open_cpu_session
from stylecli.media.images.files import read_picture
from stylecli.media.pixels import quantize, to_unit
from stylecli.media.resizing import resize
from stylecli.packs.shelves import find_style
from stylecli.training.data import PhotoFolder
from stylecli.training.loop import Training
from stylecli.training.losses.loss_network import LossNetwork
from stylecli.training.networks.any_size import AnySizeNetwork
from stylecli.training.networks.registry import network_from_weights
from stylecli.training.objective import Objective
from stylecli.training.processes import process_group
from stylecli.training.recipe import Phase
from stylecli.training.runs.checkpoints import TrainingState, moving_average, read_tensors
from stylecli.training.runs.recipe_files import read_recipe
from stylecli.training.schedule import one_cycle
from stylecli.training.train import style_images

Measured = Callable[[NDArray[np.uint8]], NDArray[np.float32]]  # a photo -> what is measured, (N, h, w, 3)


def whole(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """All pixels."""
    return to_unit(pixels)[None]


def patches(pixels: NDArray[np.uint8], *, count: int, side: int) -> NDArray[np.float32]:
    """About `count` squares at native scale, spread over the picture."""
    height, width = pixels.shape[:2]
    rows = max(1, round((count * height / width) ** 0.5))
    columns = ceil(count / rows)
    tops, lefts = (
        np.linspace(0, room - side, number).astype(int) for room, number in ((height, rows), (width, columns))
    )
    return to_unit(np.stack([pixels[top : top + side, left : left + side] for top in tops for left in lefts]))


def thumbnail(pixels: NDArray[np.uint8], *, scale: float) -> NDArray[np.float32]:
    """The picture, shrunken (Chen et al. 2022, thumbnail instance normalisation)."""
    height, width = pixels.shape[:2]
    return resize(pixels, round(height * scale), round(width * scale))[None]


WAYS: dict[str, Measured] = {
    "whole": whole,
    "6 patches of 128": partial(patches, count=6, side=128),
    "12 patches of 96": partial(patches, count=12, side=96),
    "24 patches of 64": partial(patches, count=24, side=64),
    "thumbnail, half size": partial(thumbnail, scale=0.5),
    "thumbnail, quarter size": partial(thumbnail, scale=0.25),
}
FROZEN = "mean of the other photos"
HEALED = "mean of many photos, healed"
FREEZING_PHOTOS = 60
FREEZING_SIZE = 256  # pixels: what is seen of each
FREEZING_STEP = -4  # whose crops they are: one that no training takes
HEALING_RATE = 2e-3
HEALING_SIZE = 192


def healed(folder: Path, painting: Path, loss_network: LossNetwork, photos: PhotoFolder, steps: int) -> nn.Module:
    """The network of a pack with constant statistics, trained for `steps` by the perceptual losses of its recipe."""
    network = network_from_weights(read_tensors(folder / "weights.safetensors")[0])
    freeze(network, photos)
    recipe = read_recipe(folder / "recipe.toml")
    recipe = replace(recipe, teacher="", pixel_weight=0.0, consistency_weight=0.0, loss_network="vgg19")
    recipe = replace(recipe, phases=(Phase(steps, HEALING_SIZE),))
    average = AveragedModel(network, avg_fn=partial(moving_average, recipe.average))
    state = TrainingState(network, average, torch.optim.Adam(network.parameters()))
    images = style_images([painting], recipe, torch.device("cpu"))
    with process_group() as processes:
        training = Training(state, Objective(recipe, images, {"vgg19": loss_network}), photos, processes)
        for step in range(steps):
            rate = one_cycle(step / steps, HEALING_RATE)
            values = training.step(photos.batch(step, count=recipe.batch, size=HEALING_SIZE), recipe.phases[0], rate)
            if step % 50 == 0:
                click.echo(f"{step} {values}", err=True)
    return AnySizeNetwork(average.module).eval()


@torch.no_grad()
def freeze(network: nn.Module, photos: PhotoFolder) -> None:
    """Put the mean statistics of photos in place of each picture's own, layer by layer, in place."""
    images = photos.batch(FREEZING_STEP, count=FREEZING_PHOTOS, size=FREEZING_SIZE)
    for name, live in [*network.named_modules()]:
        if isinstance(live, nn.InstanceNorm2d):
            seen: list[torch.Tensor] = []
            hook = live.register_forward_pre_hook(lambda _, inputs, seen=seen: seen.append(inputs[0]))
            network(images)
            hook.remove()
            frozen = nn.BatchNorm2d(live.num_features).eval()
            frozen.load_state_dict(live.state_dict(), strict=False)
            frozen.running_mean = seen[0].mean((0, 2, 3))
            frozen.running_var = seen[0].var((2, 3)).mean(0)
            network.set_submodule(name, frozen)


@click.command()
@click.option("--heal-with", type=click.Path(path_type=Path), help="A folder of photos for the frozen network.")
@click.option("--steps", default=500, show_default=True, help="That it is trained for.")
@click.argument("style")
@click.argument("painting", type=click.Path(path_type=Path))
@click.argument("weights", type=click.Path(path_type=Path))
@click.argument("photos", nargs=-1, required=True, type=click.Path(path_type=Path))
def main(
    style: str, painting: Path, weights: Path, photos: tuple[Path, ...], heal_with: Path | None, steps: int
) -> None:
    """Paint every photo in every way, and print the means."""
    pack, judge = find_style(style), choose_judge("vgg19", JUDGE_LAYERS, file=weights)
    session = open_cpu_session(statistics_model(pack.model_bytes()))
    targets = style_grams(painting, judge)
    pictures = [read_picture(photo).pixels for photo in photos]

    def measure(batch: NDArray[np.float32]) -> Statistics:
        statistics: Statistics = session.run(None, {"image": np.ascontiguousarray(batch.transpose(0, 3, 1, 2))})
        return statistics

    network = healed(pack.folder, painting, judge, PhotoFolder(heal_with), steps) if heal_with else None
    own = [measure(whole(pixels)) for pixels in pictures]
    scores: dict[str, list[tuple[float, float, float]]] = {name: [] for name in (*WAYS, FROZEN)}
    with Engine(pack, device="cpu") as engine:
        for number, pixels in enumerate(pictures):
            photo = Photo(str(photos[number]), pixels, judge(image_tensor(pixels), [CONTENT_LAYER])[CONTENT_LAYER])
            others = [one for place, one in enumerate(own) if place != number]
            for name in (*WAYS, FROZEN):
                started = time.perf_counter()
                if name == FROZEN:
                    statistics: Any = [np.mean(maps, 0) for maps in zip(*others, strict=True)]
                else:
                    statistics = measure(WAYS[name](pixels))
                milliseconds = (time.perf_counter() - started) * 1000
                painted = quantize(engine.stylize(pixels, statistics), np.uint8)
                content, distance = distances(painted, photo, loss_network=judge, targets=targets)
                scores[name].append((content, distance or 0.0, 0.0 if name == FROZEN else milliseconds))
            if network is not None:
                with torch.no_grad():
                    painted = quantize(network(image_tensor(pixels))[0].permute(1, 2, 0).numpy(), np.uint8)
                content, distance = distances(painted, photo, loss_network=judge, targets=targets)
                scores.setdefault(HEALED, []).append((content, distance or 0.0, 0.0))
    click.echo("| statistics of | content | style | ms |\n| --- | --- | --- | --- |")
    for name, rows in scores.items():
        content, distance, milliseconds = np.mean(rows, 0)
        click.echo(f"| {name} | {content:.3f} | {distance:.3f} | {milliseconds:.0f} |")


if __name__ == "__main__":
    main()
