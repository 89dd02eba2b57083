"""`stylecli prune`: a smaller, faster network that paints like a trained one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from stylecli.cli import options
from stylecli.cli.console import emit_json, print_table, progress_shown, say
from stylecli.cli.extras import needs_extra
from stylecli.cli.parameters import Ratios
from stylecli.core.errors import UsageError
from stylecli.training.pruning.options import IMPORTANCES, Healing, Importance, Target

if TYPE_CHECKING:
    from stylecli.training.data import PhotoFolder
    from stylecli.training.losses.names import LossName, VggName


@click.command()
@click.argument("run")
@options.photos_to_train_with
@options.run_folder
@click.option("--ratio", type=float, help="Cut this share of the channels, such as 0.6.")
@click.option("--target-params", "params", type=float, metavar="N", help="Cut down to N parameters.")
@click.option("--target-macs", "macs", type=float, metavar="N", help="Cut down to N multiply-accumulates a pixel.")
@click.option("--target-ms", "ms", type=float, metavar="N", help="Cut down to N ms for 1280 x 720 pixels here.")
@click.option("--blocks", type=int, metavar="N", help="Cut no channel, but leave N residual blocks.")
@click.option("--narrow", is_flag=True, default=None, help="Cut no channel, but halve the dearest layer of `fast`.")
@click.option("--few-norms", is_flag=True, default=None, help="Cut no channel, but most normalisations of `fast`.")
@click.option("--sweep", "ratios", type=Ratios(), help="Cut at each of these ratios, into folders in RUN; compare.")
@click.option("--baseline", is_flag=True, help="With --sweep: train thin networks of the same sizes from nothing too.")
@click.option(
    "--photos",
    "judged",
    multiple=True,
    type=click.Path(path_type=Path),
    help="With --sweep: photos to judge by; repeatable. Default: some of --data, left out of the healing.",
)
@click.option(
    "--importance",
    type=click.Choice(IMPORTANCES),
    default=IMPORTANCES[0],
    show_default=True,
    help="Which channels stay: those that best rebuild the others; or by loss, normalisation, weights.",
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
    run: str,
    data: Path,
    output: Path,
    ratio: float | None,
    params: float | None,
    macs: float | None,
    ms: float | None,
    blocks: int | None,
    narrow: bool | None,
    few_norms: bool | None,
    ratios: tuple[float, ...] | None,
    baseline: bool,
    judged: tuple[Path, ...],
    importance: Importance,
    painting: Path | None,
    loss_network: LossName | None,
    finish_with: VggName | None,
    loss_weights: Path | None,
    steps: int | None,
    time_budget: float | None,
    as_json: bool,
) -> None:
    """Make a smaller, faster network of a finished RUN, or a style: cut channels, fit the rest, heal.

    What is left is fitted to the whole network by least squares, then trained on the losses of RUN's recipe and on the
    whole network's pictures. The same command goes on with one that was interrupted. The result is a run like those of
    `stylecli train`, for `stylecli evaluate`, `export` and `train --base`.

    --sweep writes sweep.json and sweep.svg beside the runs. A time budget is that of all of them.
    """
    from stylecli.training.data import PhotoFolder

    target = Target(ratio, params, macs, ms, blocks, narrow, few_norms)
    healing = Healing(painting, loss_network, finish_with, loss_weights, steps, time_budget)
    photos = PhotoFolder(data, notice=say)
    if ratios is None:
        if baseline or judged:
            raise UsageError("--baseline and --photos go with --sweep", hint="Add --sweep 0.3,0.6,0.8.")
        _prune(run, photos, output, target, importance, healing, as_json=as_json)
    else:
        if target != Target():
            raise UsageError("--sweep with another target", hint="Give the ratios of --sweep alone.")
        _sweep(run, photos, output, ratios, baseline, judged, importance, healing, as_json=as_json)


def _prune(
    run: str,
    photos: PhotoFolder,
    output: Path,
    target: Target,
    importance: Importance,
    healing: Healing,
    *,
    as_json: bool,
) -> None:
    from stylecli.training.pruning.prune import prune

    with progress_shown(as_json=as_json) as progress:
        weights = prune(
            run,
            photos,
            output,
            target=target,
            importance=importance,
            healing=healing,
            progress=progress,
            notice=say,
        )
    if as_json:
        emit_json({"event": "result", "weights": weights, "unreadable_photos": len(photos.broken)})
    else:
        click.echo(weights)


def _sweep(
    run: str,
    photos: PhotoFolder,
    output: Path,
    ratios: tuple[float, ...],
    baseline: bool,
    judged: tuple[Path, ...],
    importance: Importance,
    healing: Healing,
    *,
    as_json: bool,
) -> None:
    from stylecli.evaluation.quality.judges import choose_judge
    from stylecli.evaluation.quality.metrics.specimen import JUDGE_LAYERS
    from stylecli.evaluation.sweep import Bench, judged_photos, sweep
    from stylecli.media.images.files import pictures_in
    from stylecli.training.pruning.prune import painting_of, read_whole

    painting = painting_of(run, read_whole(run).recipe, healing.painting)
    judge = choose_judge("auto", JUDGE_LAYERS, file=healing.loss_weights, notice=say)
    chosen = pictures_in(judged_photos(photos, judged, say))
    with progress_shown(as_json=as_json) as progress:
        rows = sweep(
            run,
            photos,
            output,
            ratios,
            bench=Bench(chosen, painting, judge),
            healing=healing,
            importance=importance,
            baseline=baseline,
            progress=progress,
            note=say,
        )
    if as_json:
        for row in rows:
            emit_json({"event": "result", **row})
    else:
        print_table([{key: value for key, value in row.items() if key != "run"} for row in rows])
