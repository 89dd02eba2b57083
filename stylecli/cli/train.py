"""`stylecli train`: a painting and photos to the weights of a style network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stylecli.cli import options
from stylecli.cli.bars import progress_shown
from stylecli.cli.extras import needs_extra
from stylecli.cli.output import emit_json, say

if TYPE_CHECKING:
    from stylecli.training.recipe import Recipe


@click.command()
@click.argument("source", type=click.Path(dir_okay=False, path_type=Path), metavar="PAINTING|RECIPE")
@click.option("--data", required=True, type=click.Path(path_type=Path), help="A folder of photos, with subfolders.")
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), metavar="RUN", help="Folder of the run."
)
@click.option(
    "--painting", type=click.Path(dir_okay=False, path_type=Path), help="The painting of a RECIPE, if elsewhere."
)
@click.option("--base", metavar="STYLE", help="Start from this style's weights, which needs fewer steps.")
@click.option(
    "--steps", type=click.IntRange(1), help="Train for so many steps, with the recipe's phases in proportion."
)
@options.loss_weights
@options.styles_dir
@options.as_json
@needs_extra("train")
def command(
    source: Path,
    data: Path,
    output: Path,
    painting: Path | None,
    base: str | None,
    steps: int | None,
    styles_dir: Path | None,
    loss_weights: Path | None,
    as_json: bool,
) -> None:
    """Train a style network from a painting, or from a recipe.toml.

    The same command goes on with a run that was interrupted. RUN gets recipe.toml, log.jsonl, samples/ and, at the end,
    weights.safetensors; `stylecli export` makes a style of it.
    """
    from stylecli.pack import find_style
    from stylecli.training.checkpoints import WEIGHTS, read_tensors
    from stylecli.training.data import PhotoFolder
    from stylecli.training.loop import train
    from stylecli.training.loss_network import load_loss_network

    recipe, painting = _recipe_of(source, painting)
    if base:
        recipe = replace(recipe, base=base)
    if steps:
        recipe = recipe.with_steps(steps)
    base_pack = find_style(recipe.base, styles_dir) if recipe.base else None
    loss_network = load_loss_network(recipe.loss_network, recipe.loss_layers, file=loss_weights)
    photos = PhotoFolder(data, seed=recipe.seed, note=say)
    with progress_shown(as_json=as_json) as progress:
        weights = train(
            recipe,
            painting,
            photos,
            output,
            loss_network=loss_network,
            start=read_tensors(base_pack.folder / WEIGHTS)[0] if base_pack else None,
            seconds_of_base=base_pack.card.training_seconds if base_pack else 0.0,
            progress=progress,
            note=say,
        )
    if as_json:
        emit_json({"event": "result", "weights": weights, "unreadable_photos": len(photos.broken)})
    else:
        click.echo(weights)


def _recipe_of(source: Path, painting: Path | None) -> tuple[Recipe, Path]:
    """The recipe and the painting that PAINTING|RECIPE and --painting name."""
    from stylecli.training.recipe import Painting, Recipe, read_recipe

    if source.suffix != ".toml":
        return Recipe(Painting(file=source.name)), source
    recipe = read_recipe(source)
    if painting:
        recipe = replace(recipe, painting=replace(recipe.painting, file=painting.name))
    return recipe, painting or source.parent / recipe.painting.file
