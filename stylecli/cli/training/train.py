"""`stylecli train`: train a style network from a painting and photos."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from stylecli.cli import options
from stylecli.cli.console import emit, emit_json, progress_shown, say
from stylecli.cli.extras import needs_extra
from stylecli.cli.parameters import PathType
from stylecli.training.networks.registry import NETWORKS

if TYPE_CHECKING:
    from stylecli.training.losses.names import LossName, VggName


@click.command()
@click.argument("sources", nargs=-1, required=True, type=PathType(dir_okay=False), metavar="PAINTING...|RECIPE")
@options.photos_to_train_with
@options.run_folder
@click.option("--painting", type=PathType(), help="The painting of a RECIPE, or the folder of its paintings.")
@click.option(
    "--base", metavar="STYLE|RUN", help="Start from the weights of a style, of STYLE:VARIANT or of a run: minutes."
)
@click.option("--stabilize", is_flag=True, help="Train the base further, by its own recipe, to be steadier in videos.")
@click.option("--teacher", metavar="STYLE", help="Also imitate this style's pictures (per-pixel loss).")
@click.option(
    "--network", type=click.Choice(tuple(NETWORKS)), help="Network to train; default: that of the base, else fast."
)
@options.loss_network("distilled, which ships with stylecli")
@options.finish_with
@options.loss_weights
@click.option("--content-weight", type=float, help="Weight of the content loss: more keeps more of the photo.")
@click.option("--style-weight", type=float, help="Weight of the style loss: more brings more of the painting.")
@click.option(
    "--consistency-weight",
    type=float,
    help="Weight of the consistency loss: more makes steadier videos; default: 0, except with --stabilize.",
)
@click.option(
    "--stroke",
    "style_sizes",
    type=click.IntRange(64),
    multiple=True,
    help="Short side of the painting in pixels: more makes larger strokes; repeat it for two scales.",
)
@options.steps
@options.time_budget
@options.styles_dir
@options.as_json
@needs_extra("train")
def command(
    sources: tuple[Path, ...],
    data: Path,
    output: Path,
    painting: Path | None,
    base: str | None,
    stabilize: bool,
    teacher: str | None,
    network: str | None,
    loss_network: LossName | None,
    finish_with: VggName | None,
    loss_weights: Path | None,
    content_weight: float | None,
    style_weight: float | None,
    consistency_weight: float | None,
    style_sizes: tuple[int, ...],
    steps: int | None,
    time_budget: float | None,
    styles_dir: Path | None,
    as_json: bool,
) -> None:
    """Train a style network from a painting, or from a recipe.toml.

    The same command resumes an interrupted run. RUN gets recipe.toml, log.jsonl, samples/ and, at the end,
    weights.safetensors; `stylecli export` makes a style of it. Several paintings make one network of several styles.

    The default loss network (distilled) ships with stylecli and halves the time of a step, but leaves fine speckles in
    flat areas. vgg19 does not, and needs a download. --finish-with vgg19 uses VGG-19 for the last phase only.

    With `torchrun --nproc_per_node N -m stylecli train ...` N processes share each batch.
    """
    from stylecli.core.files import check_writable
    from stylecli.training.data import PhotoFolder
    from stylecli.training.prepare import RecipeChanges, prepare
    from stylecli.training.train import train

    changes = RecipeChanges(
        teacher=teacher,
        network=network,
        content_weight=content_weight,
        style_weight=style_weight,
        consistency_weight=consistency_weight,
        style_sizes=style_sizes or None,
        time_budget=time_budget,
        loss_network=loss_network,
        finish_with=finish_with,
        steps=steps,
    )
    check_writable(output)  # before a loss network is downloaded
    ready = prepare(
        sources,
        changes,
        painting=painting,
        base=base,
        stabilize=stabilize,
        loss_weights=loss_weights,
        styles_dir=styles_dir,
    )
    photos = PhotoFolder(data, seed=ready.recipe.seed, notice=say)
    with progress_shown(as_json=as_json) as progress:
        weights = train(ready, photos, output, progress=progress, notice=say)
    if as_json:
        emit_json({"event": "result", "weights": weights, "unreadable_photos": len(photos.broken)})
    else:
        emit(weights)
