"""`stylecli train`: paintings and photos to the weights of a style network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from stylecli.cli import options
from stylecli.cli.console import emit_json, progress_shown, say
from stylecli.cli.extras import needs_extra
from stylecli.training.networks.registry import NETWORKS

if TYPE_CHECKING:
    from stylecli.training.losses.names import LossName, VggName


@click.command()
@click.argument(
    "sources", nargs=-1, required=True, type=click.Path(dir_okay=False, path_type=Path), metavar="PAINTING...|RECIPE"
)
@options.photos_to_train_with
@options.run_folder
@click.option("--painting", type=click.Path(path_type=Path), help="The painting of a RECIPE, or the folder of them.")
@click.option(
    "--base", metavar="STYLE|RUN", help="Start from these weights (or STYLE:VARIANT): a new style in minutes."
)
@click.option("--stabilize", is_flag=True, help="Make the base, by its own recipe and PAINTING, steadier in videos.")
@click.option("--teacher", metavar="STYLE", help="Learn from this style's pictures too (per-pixel loss).")
@click.option("--network", type=click.Choice(tuple(NETWORKS)), help="What is trained; default: fast, or as the base.")
@options.loss_network("distilled, which ships with stylecli")
@options.finish_with
@options.loss_weights
@click.option("--content-weight", type=float, help="More keeps more of the photo.")
@click.option("--style-weight", type=float, help="More brings more of the painting.")
@click.option("--consistency-weight", type=float, help="More makes steadier videos; 0 unless the base is stabilized.")
@click.option(
    "--stroke",
    "style_sizes",
    type=click.IntRange(64),
    multiple=True,
    help="Short side in pixels at which the painting is looked at: more makes larger strokes; twice for two scales.",
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

    The same command goes on with a run that was interrupted. RUN gets recipe.toml, log.jsonl, samples/ and, at the end,
    weights.safetensors; `stylecli export` makes a style of it. Several paintings make one network of several styles.

    The loss network decides what the training sees. The one that ships (distilled) needs no download, and a step takes
    less than half the time; flat areas get fine speckles, which those of vgg19 do not: docs/training.md has numbers.
    vgg19 and vgg16 are the real ones. --finish-with vgg19 takes VGG-19 for the last phase alone.

    Under `torchrun --nproc_per_node N -m stylecli train ...` N processes share each batch.
    """
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
        click.echo(weights)
