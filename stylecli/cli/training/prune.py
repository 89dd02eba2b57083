"""`stylecli prune`: make a smaller, faster network of a trained one."""

from __future__ import annotations

from pathlib import Path

import click

from stylecli.cli import options
from stylecli.cli.console import emit, emit_json, print_results, progress_shown, say
from stylecli.cli.extras import needs_extra
from stylecli.cli.parameters import PathType, Ratios
from stylecli.core.errors import UsageError
from stylecli.training.pruning.options import IMPORTANCES, Healing, Importance, Target, given_targets, only_target

target_options = options.gathered(
    "targets",
    given_targets,
    click.option("--ratio", type=float, help="Remove this share of the channels, such as 0.6."),
    click.option("--target-params", "params", type=float, metavar="N", help="Prune to N parameters."),
    click.option("--target-macs", "macs", type=float, metavar="N", help="Prune to N multiply-accumulates per pixel."),
    click.option(
        "--target-ms",
        "ms",
        type=float,
        metavar="N",
        help="Prune to N milliseconds for 1280 x 720 pixels on this machine.",
    ),
    click.option("--blocks", type=int, metavar="N", help="Instead of channels: keep N residual blocks."),
    click.option(
        "--narrow", is_flag=True, default=None, help="Instead of channels: narrow the most expensive layer of `fast`."
    ),
    click.option(
        "--few-norms", is_flag=True, default=None, help="Instead of channels: remove most normalisations of `fast`."
    ),
)


healing_options = options.gathered(
    "healing",
    Healing,
    click.option("--painting", type=PathType(), help="The painting, or its folder; default: the copy in RUN."),
    options.loss_network("that of RUN's last phase"),
    options.finish_with,
    options.loss_weights,
    options.steps,
    options.time_budget,
)


@click.command()
@click.argument("run")
@options.photos_to_train_with
@options.run_folder
@target_options
@click.option("--sweep", "ratios", type=Ratios(), help="Prune with each of these ratios, into subfolders, and compare.")
@click.option("--baseline", is_flag=True, help="With --sweep: also train networks of these sizes from random weights.")
@click.option(
    "--photos",
    "judged",
    multiple=True,
    type=PathType(),
    help="With --sweep: photos to evaluate on; may be repeated. Default: some of --data, left out of the healing.",
)
@click.option(
    "--importance",
    type=click.Choice(IMPORTANCES),
    default=IMPORTANCES[0],
    show_default=True,
    help="How channels are ranked: how well they rebuild the others, or by loss, normalisation or weights.",
)
@healing_options
@options.as_json
@needs_extra("train")
def command(
    run: str,
    data: Path,
    output: Path,
    targets: tuple[Target, ...],
    ratios: tuple[float, ...] | None,
    baseline: bool,
    judged: tuple[Path, ...],
    importance: Importance,
    healing: Healing,
    as_json: bool,
) -> None:
    """Make a smaller, faster network of a finished RUN or a style: cut channels, fit the rest, heal.

    The remaining weights are fitted to the whole network by least squares, then trained with the losses of RUN's recipe
    and on the whole network's pictures. The same command resumes an interrupted one. The result is a run like those of
    `stylecli train`, for `stylecli evaluate`, `export` and `train --base`.

    --sweep writes sweep.json and sweep.svg beside the runs; the time budget is for all of them together.
    """
    from stylecli.training.data import PhotoFolder

    photos = PhotoFolder(data, notice=say)
    if ratios is None:
        if baseline or judged:
            raise UsageError("--baseline and --photos go with --sweep", hint="Add --sweep 0.3,0.6,0.8.")
        from stylecli.training.pruning.prune import prune

        with progress_shown(as_json=as_json) as progress:
            weights = prune(
                run,
                photos,
                output,
                target=only_target(targets),
                importance=importance,
                healing=healing,
                progress=progress,
                notice=say,
            )
        _print_pruned(weights, len(photos.broken), as_json=as_json)
    else:
        if targets:
            raise UsageError("--sweep with another target", hint="Give the ratios of --sweep alone.")
        from stylecli.evaluation.sweep import sweep

        with progress_shown(as_json=as_json) as progress:
            rows = sweep(
                run,
                photos,
                output,
                ratios,
                judged=judged,
                healing=healing,
                importance=importance,
                baseline=baseline,
                progress=progress,
                notice=say,
            )
        print_results(rows, as_json=as_json, hidden=("run",))


def _print_pruned(weights: Path, unreadable: int, *, as_json: bool) -> None:
    if as_json:
        emit_json({"event": "result", "weights": weights, "unreadable_photos": unreadable})
    else:
        emit(weights)
