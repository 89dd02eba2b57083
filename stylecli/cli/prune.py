"""`stylecli prune`: a smaller, faster network that paints like a trained one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stylecli.cli import options
from stylecli.cli.bars import progress_shown
from stylecli.cli.extras import needs_extra
from stylecli.cli.output import emit_json, say

if TYPE_CHECKING:
    from stylecli.training.importance import Importance

IMPORTANCES = ("rebuild", "taylor", "gamma", "l1")  # as stylecli.training.importance, which --help must not import


@click.command()
@click.argument("run", type=click.Path(file_okay=False, path_type=Path))
@options.photos_to_train_with
@options.run_folder
@click.option("--ratio", type=float, help="Cut this share of the channels, such as 0.6.")
@click.option("--target-params", "params", type=float, metavar="N", help="Cut down to N parameters.")
@click.option("--target-macs", "macs", type=float, metavar="N", help="Cut down to N multiply-accumulates a pixel.")
@click.option("--target-ms", "ms", type=float, metavar="N", help="Cut down to N ms for 1280 x 720 pixels here.")
@click.option(
    "--importance",
    type=click.Choice(IMPORTANCES),
    default="rebuild",
    show_default=True,
    help="Which channels stay: those that best rebuild the others; by the loss, the normalisation, the weights.",
)
@click.option("--painting", type=click.Path(path_type=Path), help="The painting, or its folder; default: in RUN.")
@options.loss_network("that of RUN's last phase")
@options.finish_with
@options.loss_weights
@options.steps
@options.time_budget
@options.as_json
@needs_extra("train")
def command(
    run: Path,
    data: Path,
    output: Path,
    ratio: float | None,
    params: float | None,
    macs: float | None,
    ms: float | None,
    importance: Importance,
    as_json: bool,
    **how: Any,  # it is healed
) -> None:
    """Make a smaller, faster network of a finished RUN or style: cut channels, fit the rest, heal.

    What is left is fitted to the whole network by least squares, then trained on the losses of RUN's recipe and on the
    whole network's pictures. The same command goes on with one that was interrupted. The result is a run like those of
    `stylecli train`, for `stylecli evaluate`, `export` and `train --base`.
    """
    from stylecli.training.data import PhotoFolder
    from stylecli.training.pruning import Healing, Target, prune

    target = Target(ratio, params, macs, ms)
    photos = PhotoFolder(data, note=say)
    with progress_shown(as_json=as_json) as progress:
        weights = prune(
            run,
            photos,
            output,
            target=target,
            importance=importance,
            healing=Healing(**how),
            progress=progress,
            note=say,
        )
    if as_json:
        emit_json({"event": "result", "weights": weights, "unreadable_photos": len(photos.broken)})
    else:
        click.echo(weights)
