"""Writes the table of ways to take a picture's statistics: how each paints, by VGG-19, and how long measuring takes.

    python docs/compare_statistics.py STYLE PAINTING VGG19.safetensors PHOTO...

Photos are painted and judged at their own size.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from math import ceil
from pathlib import Path
from typing import Any

import click
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from stylecli.engine import Engine, quantize, to_unit
from stylecli.evaluation.judges import choose_judge
from stylecli.evaluation.quality import CONTENT_LAYER, JUDGE_LAYERS, Photo, distances, image_tensor, style_targets
from stylecli.images import read_picture
from stylecli.normalization import Statistics, statistics_model
from stylecli.pack import find_style
from stylecli.resizing import resize

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


def main(style: str, painting: str, weights: str, *photos: str) -> None:
    """Paint every photo in every way, and print the means."""
    pack, judge = find_style(style), choose_judge("vgg19", JUDGE_LAYERS, file=Path(weights))
    session = onnxruntime.InferenceSession(statistics_model(pack.model_bytes()), providers=["CPUExecutionProvider"])
    targets = style_targets(Path(painting), judge)
    pictures = [read_picture(Path(photo)).pixels for photo in photos]

    def measure(batch: NDArray[np.float32]) -> Statistics:
        statistics: Statistics = session.run(None, {"image": np.ascontiguousarray(batch.transpose(0, 3, 1, 2))})
        return statistics

    own = [measure(whole(pixels)) for pixels in pictures]
    scores: dict[str, list[tuple[float, float, float]]] = {name: [] for name in (*WAYS, FROZEN)}
    with Engine(pack, device="cpu") as engine:
        for number, pixels in enumerate(pictures):
            photo = Photo(photos[number], pixels, judge(image_tensor(pixels), [CONTENT_LAYER])[CONTENT_LAYER])
            others = [one for place, one in enumerate(own) if place != number]
            for name, rows in scores.items():
                started = time.perf_counter()
                if name == FROZEN:
                    statistics: Any = [np.mean(maps, 0) for maps in zip(*others, strict=True)]
                else:
                    statistics = measure(WAYS[name](pixels))
                milliseconds = (time.perf_counter() - started) * 1000
                painted = quantize(engine.stylize(pixels, statistics), np.uint8)
                content, distance = distances(painted, photo, loss_network=judge, targets=targets)
                rows.append((content, distance or 0.0, 0.0 if name == FROZEN else milliseconds))
    click.echo("| statistics of | content | style | ms |\n| --- | --- | --- | --- |")
    for name, rows in scores.items():
        content, distance, milliseconds = np.mean(rows, 0)
        click.echo(f"| {name} | {content:.3f} | {distance:.3f} | {milliseconds:.0f} |")


if __name__ == "__main__":
    main(*sys.argv[1:])
