"""One network pruned to several sizes: what each costs and how well it paints, beside thin ones from random weights."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from stylecli.core.errors import UsageError
from stylecli.core.files import blamed_on
from stylecli.core.progress import Progress, ignore
from stylecli.evaluation.quality.measures import distances, open_photo, style_targets
from stylecli.evaluation.quality.subjects import RunNetwork
from stylecli.evaluation.report.files import write_text
from stylecli.evaluation.report.plots import INK, add_legend, as_svg, decorate, drawn, palette
from stylecli.evaluation.selection import spread
from stylecli.media.pixels import quantize, to_unit
from stylecli.training.data import PhotoFolder
from stylecli.training.export.cost import time_network
from stylecli.training.losses.loss_network import LossNetwork
from stylecli.training.networks.registry import count_parameters, network_class, network_from_weights, network_name
from stylecli.training.networks.style_network import StyleNetwork
from stylecli.training.pruning.options import Healing, Importance, Target
from stylecli.training.pruning.prune import CUT, prepare_healing, prune, read_whole
from stylecli.training.recipe import read_recipe, write_recipe
from stylecli.training.runs.checkpoints import WEIGHTS, read_tensors
from stylecli.training.runs.folder import RECIPE
from stylecli.training.train import train

TABLE = "sweep.json"
PLOT = "sweep.svg"
JUDGED_PHOTOS = 8  # of those to train with, when no others are given


@dataclass(frozen=True)
class SweepPoint:
    """A network of the curve; `kind` is whole, pruned or thin, `ratio` the share of channels cut, `run` its name."""

    kind: str
    ratio: float
    run: str
    parameters: int
    model_bytes: int
    milliseconds: float  # of 1280 x 720 pixels in onnxruntime on the CPU
    megabytes: float | None  # at the peak, for that
    content: float
    style: float

    def as_record(self, whole: SweepPoint) -> dict[str, Any]:
        """For tables and JSON, with how far the distances are from those of the whole network, in percent."""
        record = dataclasses.asdict(self)
        for name in ("content", "style"):
            record[name] = round(record[name], 4)
            record[f"{name}_percent"] = round(100 * (getattr(self, name) / getattr(whole, name) - 1), 1)
        return record


@dataclass(frozen=True)
class Bench:
    """By what the networks of a curve are judged."""

    photos: Sequence[Path]
    painting: Path
    loss_network: LossNetwork


def sweep(
    run: str,
    photos: PhotoFolder,
    output: Path,
    ratios: Sequence[float],
    *,
    bench: Bench,
    healing: Healing,
    importance: Importance = "rebuild",
    baseline: bool = False,
    progress: Progress = ignore,
    note: Callable[[str], None] = lambda _: None,
) -> list[dict[str, Any]]:
    """Prune a finished training at each ratio, into folders in `output`, and measure; the whole network comes first.

    With `baseline` each gets a thin network of as many parameters beside it, trained from random weights in the same
    phases. A time budget is that of all together, and measuring comes on top of it. Writes TABLE and PLOT.

    Raises:
        UsageError, MediaError: as `prune`.
    """
    targets = {ratio: Target(ratio=ratio) for ratio in sorted(set(ratios))}
    for target in targets.values():
        _ = target.chosen  # all are checked before hours are spent on the first
    whole = read_whole(run)
    healing = replace(healing, painting=bench.painting)
    if healing.time_budget:
        healing = replace(healing, time_budget=healing.time_budget / (len(targets) * (2 if baseline else 1)))
    points = [_measured("whole", 0.0, run, whole.network, bench)]
    for ratio, target in targets.items():
        folder = output / f"ratio-{ratio:g}"
        prune(
            run, photos, folder, target=target, importance=importance, healing=healing, progress=progress, notice=note
        )
        points.append(_measured("pruned", ratio, str(folder), _network_of(folder), bench))
        if baseline:
            thin = output / f"thin-{ratio:g}"
            _train_thin(thin, folder, photos, healing, progress, note)
            points.append(_measured("thin", ratio, str(thin), _network_of(thin), bench))
    rows = [point.as_record(points[0]) for point in points]
    write_text(json.dumps(rows, indent=1) + "\n", output / TABLE)
    write_text(trade_off_plot(rows).decode(), output / PLOT)
    return rows


def judged_photos(photos: PhotoFolder, given: Sequence[Path], note: Callable[[str], None]) -> list[Path]:
    """The photos to judge by: those given, or some of the training's, which then does not see them.

    Raises:
        UsageError: there are too few to spare some, or they are in a zip.
    """
    if given:
        return list(given)
    if photos.source.is_file() or len(photos.photos) < 2 * JUDGED_PHOTOS:
        raise UsageError(f"{photos.source}: no photos to spare for judging", hint="Give some as `photos`.")
    chosen = [photos.photos[place] for place in spread(len(photos.photos), JUDGED_PHOTOS)]
    photos.photos = [name for name in photos.photos if name not in chosen]
    note(f"judged by {JUDGED_PHOTOS} photos of {photos.source}, which the healing does not see")
    return [photos.source / name for name in chosen]


def _measured(kind: str, ratio: float, run: str, network: StyleNetwork, bench: Bench) -> SweepPoint:
    expense = time_network(network)
    targets = style_targets(bench.painting, bench.loss_network)
    pairs = []
    with RunNetwork(run, network) as painter:
        for path in bench.photos:
            photo = open_photo(path, bench.loss_network)
            painted = quantize(painter.stylize(to_unit(photo.pixels)), np.uint8)
            pairs.append(distances(painted, photo, loss_network=bench.loss_network, targets=targets))
    content, style = np.mean(np.array(pairs, dtype=float), axis=0).tolist()
    return SweepPoint(
        kind,
        ratio,
        run,
        count_parameters(network),
        expense.model_bytes,
        expense.milliseconds,
        expense.megabytes,
        content,
        style,
    )


def _train_thin(
    thin: Path,
    pruned: Path,
    photos: PhotoFolder,
    healing: Healing,
    progress: Progress,
    note: Callable[[str], None],
) -> None:
    """A uniform network of as many parameters as the pruned one, with its recipe, but from nothing and by itself."""
    recipe = read_recipe(pruned / CUT / RECIPE)
    recipe = replace(recipe, base="", teacher="", pixel_weight=0.0, time_budget=healing.time_budget or 0.0)
    stem, trunk = _thin_widths(_network_of(pruned))
    recipe = replace(recipe, stem=stem, trunk=trunk)
    with blamed_on(thin):
        (thin / CUT).mkdir(parents=True, exist_ok=True)
        write_recipe(recipe, thin / CUT / RECIPE)
    train(prepare_healing(thin / CUT / RECIPE, healing), photos, thin, progress=progress, notice=note)


def _thin_widths(network: StyleNetwork) -> tuple[int, int]:
    """Stem and trunk of the widest network of the same kind that has no more parameters."""
    kind = network_class(network_name(network))
    full: Mapping[str, int] = kind().widths

    def stem_at(trunk: int) -> int:
        return max(1, round(full["stem"] * trunk / full["trunk"]))

    trunk = 2
    while True:
        wider = kind(**{**network.widths, "stem": stem_at(trunk + 1), "trunk": trunk + 1})
        if count_parameters(wider) > count_parameters(network):
            return stem_at(trunk), trunk
        trunk += 1


def _network_of(run: Path) -> StyleNetwork:
    return network_from_weights(read_tensors(run / WEIGHTS)[0])


def trade_off_plot(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Style and content distance over parameters and over milliseconds; rows of `sweep`, a line for each kind."""
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
