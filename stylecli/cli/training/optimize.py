"""`stylecli optimize`: paint one photo by optimisation, the slow baseline."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from stylecli.cli import options
from stylecli.cli.console import emit, emit_json, progress_shown
from stylecli.cli.extras import needs_extra
from stylecli.cli.parameters import PathType
from stylecli.training.gatys.options import LEARNING_RATES, Optimization, OptimizationJob

if TYPE_CHECKING:
    from stylecli.training.losses.names import LossName

SETTINGS, JOB = Optimization(), OptimizationJob()  # the defaults


@click.command()
@click.argument("photo", type=PathType(dir_okay=False))
@click.option("--painting", required=True, type=PathType(dir_okay=False), help="The painting.")
@click.option("-o", "--output", required=True, type=PathType(), metavar="OUT", help="Output picture.")
@click.option(
    "--steps", type=click.IntRange(1), default=JOB.steps, show_default=True, help="Optimiser steps, over all scales."
)
@click.option(
    "--size",
    type=click.IntRange(8),
    default=JOB.size,
    show_default=True,
    metavar="PIXELS",
    help="Largest short side of the result; a smaller photo keeps its size.",
)
@click.option(
    "--scales",
    type=click.IntRange(1),
    default=JOB.scales,
    show_default=True,
    help="Number of sizes to paint at, each twice the one before: more makes larger strokes.",
)
@click.option(
    "--optimizer",
    type=click.Choice(tuple(LEARNING_RATES)),
    default=SETTINGS.optimizer,
    show_default=True,
    help="lbfgs converges in fewer steps.",
)
@click.option(
    "--style-weight", type=float, default=SETTINGS.style_weight, show_default=True, help="Weight of the style loss."
)
@click.option(
    "--content-weight",
    type=float,
    default=SETTINGS.content_weight,
    show_default=True,
    help="Weight of the content loss.",
)
@click.option(
    "--original-colors", is_flag=True, help="Take the brushwork of the painting, but keep the photo's colours."
)
@click.option(
    "--preview-every",
    type=click.IntRange(1),
    metavar="N",
    help="Write the picture so far every N steps, beside OUT, as OUT-step-000050 and so on.",
)
@options.loss_network("vgg19 if its weights were downloaded before, else distilled, which is noisier")
@options.loss_weights
@options.overwrite
@options.as_json
@needs_extra("train")
def command(
    photo: Path,
    painting: Path,
    output: Path,
    steps: int,
    size: int,
    scales: int,
    optimizer: Literal["lbfgs", "adam"],
    style_weight: float,
    content_weight: float,
    original_colors: bool,
    preview_every: int | None,
    loss_network: LossName | None,
    loss_weights: Path | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Paint one photo by optimisation (Gatys et al. 2016): slow, the baseline for the fast networks.

    The pixels are optimised so that the loss network's features match the content of the photo and the style of the
    painting.
    """
    from stylecli.training.gatys.picture_files import optimize_file

    settings = Optimization(optimizer, content_weight=content_weight, style_weight=style_weight)
    job = OptimizationJob(steps, size, scales, original_colors, preview_every, loss_network, loss_weights)
    started = time.monotonic()
    with progress_shown(as_json=as_json) as progress:
        losses = optimize_file(
            photo, painting, output, settings=settings, job=job, overwrite=overwrite, progress=progress
        )
    if as_json:
        seconds = round(time.monotonic() - started, 1)
        emit_json({"event": "result", "output": output, "steps": steps, "seconds": seconds, **losses})
    else:
        emit(output)
