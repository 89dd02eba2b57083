"""A sweep prunes one network to several sizes and compares what each costs and how well it paints."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from stylecli.core.errors import UsageError
from stylecli.core.files import blamed_on, check_writable
from stylecli.core.progress import Notice, Progress, ignore
from stylecli.evaluation.quality.judges import choose_judge
from stylecli.evaluation.quality.measures import distances, open_photo, style_grams
from stylecli.evaluation.quality.metrics.stylized_photo import JUDGE_LAYERS
from stylecli.evaluation.quality.stylizers import RunNetwork
from stylecli.evaluation.report.files import write_text
from stylecli.evaluation.report.plots import INK, add_legend, as_svg, decorate, drawn, palette
from stylecli.evaluation.selection import spread
from stylecli.media.images.files import pictures_in
from stylecli.media.pixels import quantize, to_unit
from stylecli.training.data import PhotoFolder
from stylecli.training.export.cost import measure_cost
from stylecli.training.losses.loss_network import LossNetwork
from stylecli.training.networks.registry import count_parameters, network_class, network_from_weights, network_name
from stylecli.training.networks.style_network import StyleNetwork
from stylecli.training.pruning.options import Healing, Importance, Target
from stylecli.training.pruning.prune import CUT, HEALING_AS_THE_RUN, painting_of, prepare_healing, prune, read_whole
from stylecli.training.runs.checkpoints import WEIGHTS, read_tensors
from stylecli.training.runs.folder import RECIPE
from stylecli.training.runs.recipe_files import read_recipe, write_recipe
from stylecli.training.train import train

TABLE = "sweep.json"
PLOT = "sweep.svg"
JUDGED_PHOTOS = 8  # of those to train with, when no others are given


@dataclass(frozen=True)
class SweepPoint:
    """One measured network. `kind`: whole, pruned or thin; `ratio`: the share of channels cut; `run`: its folder."""

    kind: str
    ratio: float
    run: str
    parameters: int
    model_bytes: int
    milliseconds: float  # of 1280 x 720 pixels in onnxruntime on the CPU
    megabytes: float | None  # peak memory of that run; None where the system does not tell
    content: float
    style: float

    def as_record(self, whole: SweepPoint) -> dict[str, Any]:
        """Return a row for tables and JSON, with the distances also in percent above those of the whole network."""
        record = dataclasses.asdict(self)
        for name in ("content", "style"):
            record[name] = round(record[name], 4)
            record[f"{name}_percent"] = round(100 * (getattr(self, name) / getattr(whole, name) - 1), 1)
        return record


@dataclass(frozen=True)
class SweepJudge:
    """What every network of a sweep is judged by."""

    photos: Sequence[Path]
    painting: Path
    loss_network: LossNetwork


def sweep(
    run: str,
    photos: PhotoFolder,
    output: Path,
    ratios: Sequence[float],
    *,
    judged: Sequence[Path] = (),
    healing: Healing = HEALING_AS_THE_RUN,
    importance: Importance = "rebuild",
    baseline: bool = False,
    progress: Progress = ignore,
    notice: Notice = lambda _: None,
) -> list[dict[str, Any]]:
    """Prune a finished training at several ratios, measure every network, and write TABLE and PLOT into `output`.

    Each ratio gets a folder in `output`. A folder that is finished already is only measured again.

    Args:
        run: a finished training, a style, or a variant of one.
        photos: photos to heal with.
        output: the folder to write to.
        ratios: the shares of channels to cut, each between 0 and 1.
        judged: photos or folders to judge by; without any, some of `photos` are set aside for it.
        healing: how the cut networks are trained. A time budget is shared by all networks; measuring comes on top.
        importance: how channels are chosen.
        baseline: whether to train a thin network of as many parameters from random weights beside each.
        progress: hears of every training step.
        notice: hears which loss network and which photos judge.

    Returns:
        A row for each network, the whole one first: see `SweepPoint`.

    Raises:
        UsageError, MediaError: as `prune`; or there are no photos to judge by.
    """
    targets = {ratio: Target("ratio", ratio) for ratio in sorted(set(ratios))}
    whole = read_whole(run)
    check_writable(output)
    painting = painting_of(run, whole.recipe, healing.painting)
    judge = choose_judge("auto", JUDGE_LAYERS, file=healing.loss_weights, notice=notice)
    sweep_judge = SweepJudge(pictures_in(judged_photos(photos, judged, notice)), painting, judge)
    healing = replace(healing, painting=painting)
    if healing.time_budget:
        healing = replace(healing, time_budget=healing.time_budget / (len(targets) * (2 if baseline else 1)))
    points = [_measured("whole", 0.0, run, whole.network, sweep_judge)]
    for ratio, target in targets.items():
        folder = output / f"ratio-{ratio:g}"
        prune(
            run, photos, folder, target=target, importance=importance, healing=healing, progress=progress, notice=notice
        )
        points.append(_measured("pruned", ratio, str(folder), _network_of(folder), sweep_judge))
        if baseline:
            thin = output / f"thin-{ratio:g}"
            _train_thin(thin, folder, photos, healing, progress, notice)
            points.append(_measured("thin", ratio, str(thin), _network_of(thin), sweep_judge))
    rows = [point.as_record(points[0]) for point in points]
    write_text(json.dumps(rows, indent=1) + "\n", output / TABLE)
    write_text(trade_off_plot(rows).decode(), output / PLOT)
    return rows


def judged_photos(photos: PhotoFolder, given: Sequence[Path], notice: Notice) -> list[Path]:
    """Return `given`, or else JUDGED_PHOTOS of the training photos, which are removed from `photos`.

    Raises:
        UsageError: there are too few to set some aside, or they are in a zip.
    """
    if given:
        return list(given)
    if photos.source.is_file() or len(photos.photos) < 2 * JUDGED_PHOTOS:
        raise UsageError(f"{photos.source}: no photos to spare for judging", hint="Give some as `judged`.")
    chosen = [photos.photos[place] for place in spread(len(photos.photos), JUDGED_PHOTOS)]
    photos.photos = [name for name in photos.photos if name not in chosen]
    notice(f"judged by {JUDGED_PHOTOS} photos of {photos.source}, which the healing does not see")
    return [photos.source / name for name in chosen]


def _measured(kind: str, ratio: float, run: str, network: StyleNetwork, sweep_judge: SweepJudge) -> SweepPoint:
    cost = measure_cost(network)
    targets = style_grams(sweep_judge.painting, sweep_judge.loss_network)
    pairs = []
    with RunNetwork(run, network) as painter:
        for path in sweep_judge.photos:
            photo = open_photo(path, sweep_judge.loss_network)
            painted = quantize(painter.stylize(to_unit(photo.pixels)), np.uint8)
            pairs.append(distances(painted, photo, loss_network=sweep_judge.loss_network, targets=targets))
    content, style = np.mean(np.array(pairs, dtype=float), axis=0).tolist()
    return SweepPoint(
        kind,
        ratio,
        run,
        count_parameters(network),
        cost.model_bytes,
        cost.milliseconds,
        cost.megabytes,
        content,
        style,
    )


def _train_thin(
    thin: Path,
    pruned: Path,
    photos: PhotoFolder,
    healing: Healing,
    progress: Progress,
    notice: Notice,
) -> None:
    """Train a uniform network of as many parameters as the pruned one, from random weights and without a teacher."""
    recipe = read_recipe(pruned / CUT / RECIPE)
    recipe = replace(recipe, base="", teacher="", pixel_weight=0.0, time_budget=healing.time_budget or 0.0)
    stem, trunk = _thin_widths(_network_of(pruned))
    recipe = replace(recipe, stem=stem, trunk=trunk)
    with blamed_on(thin):
        (thin / CUT).mkdir(parents=True, exist_ok=True)
        write_recipe(recipe, thin / CUT / RECIPE)
    train(prepare_healing(thin / CUT / RECIPE, healing), photos, thin, progress=progress, notice=notice)


def _thin_widths(network: StyleNetwork) -> tuple[int, int]:
    """Return the stem and trunk of the widest uniform network of the same kind with no more parameters."""
    kind = network_class(network_name(network))
    full: Mapping[str, int] = kind().hyperparameters

    def stem_at(trunk: int) -> int:
        return max(1, round(full["stem"] * trunk / full["trunk"]))

    trunk = 2
    while True:
        wider = kind(**{**network.hyperparameters, "stem": stem_at(trunk + 1), "trunk": trunk + 1})
        if count_parameters(wider) > count_parameters(network):
            return stem_at(trunk), trunk
        trunk += 1


def _network_of(run: Path) -> StyleNetwork:
    return network_from_weights(read_tensors(run / WEIGHTS)[0])


def trade_off_plot(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Plot style and content distance over parameters and over milliseconds, a line for each kind; returns SVG."""
    kinds = dict.fromkeys(row["kind"] for row in rows if row["kind"] != "whole")
    with drawn(columns=2, rows=2, row_height=2.8) as (figure, axes):
        for place, (cost, score) in enumerate(
            [("parameters", "style"), ("milliseconds", "style"), ("parameters", "content"), ("milliseconds", "content")]
        ):
            ax = axes[place]
            for color, kind in zip(palette(), kinds, strict=False):
                line = sorted((row[cost], row[score]) for row in rows if row["kind"] in (kind, "whole"))
                ax.plot(*zip(*line, strict=True), "o-", color=color, linewidth=1.8, markersize=5, mew=0)
            decorate(ax, f"{score} distance")
            ax.set_xscale("log")
            ax.set_xlabel(cost, color=INK)
        add_legend(figure, list(kinds))
        return as_svg(figure)
