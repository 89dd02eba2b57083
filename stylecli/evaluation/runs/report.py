"""The report on runs: their cost and final losses, the differences of their recipes, curves, samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stylecli.core.errors import MediaError
from stylecli.evaluation.report.page import (
    Cell,
    Column,
    Gallery,
    Image,
    Report,
    Section,
    Table,
    best_of,
    number,
    photo_image,
    plot_image,
)
from stylecli.evaluation.runs.comparison import LOSSES, Run, differing_settings
from stylecli.evaluation.runs.plots import loss_curves
from stylecli.media.images.files import read_picture

LOSS_WEIGHTS = ("content_weight", "style_weight", "variation_weight")  # told where they differ, below the summary
SAMPLE_WIDTH = 1152  # pixels; a sample is a strip of six photos
LOSSES_TEXT = (
    "Losses of training crops, each unweighted and by itself, the total with its weights; lower is better. "
    "They compare only among runs with the same loss network, layers and form of the losses, totals also only with "
    "the same weights; a run that changes its loss network on the way jumps there."
)
SAMPLES_TEXT = "The same six photos at several iterations: as they are above, stylized below."


def comparison_report(runs: Sequence[Run]) -> Report:
    """Build the report that compares runs."""
    sections = [Section("Runs", f"Final losses are means over the end of the log. {LOSSES_TEXT}", (_summary(runs),))]
    if differing := differing_settings(runs):
        columns = (Column("key"), *(Column(run.name, is_text=True) for run in runs))
        rows = tuple((Cell(key), *map(Cell, values)) for key, values in differing.items())
        sections.append(
            Section("What differs", "Values of the recipes that are not the same.", (Table(columns, rows),))
        )
    facts = (("runs", ", ".join(str(run.folder) for run in runs)),)
    return Report("Runs side by side", facts, (*sections, *run_sections(runs)))


def run_sections(runs: Sequence[Run]) -> list[Section]:
    """Make the sections with the curves and samples of runs, as far as there are any."""
    sections = []
    if svg := loss_curves({run.name: run.curves for run in runs}):
        caption = "Thin: every line of the log. Bold: running mean."
        sections.append(Section("Losses over iterations", LOSSES_TEXT, plots=(plot_image(svg, caption),)))
    galleries = {run.name: _samples(run.samples) for run in runs}
    if any(galleries.values()):
        rows = tuple((name, images) for name, images in galleries.items() if images)
        sections.append(Section("Samples", SAMPLES_TEXT, galleries=(Gallery(rows, smallest=480),)))
    return sections


def _summary(runs: Sequence[Run]) -> Table:
    records = [{key: value for key, value in run.as_record().items() if key not in LOSS_WEIGHTS} for run in runs]
    lower = (*LOSSES, "seconds", "parameters")
    has_text = ("network", "loss_network")
    columns = [Column(key.replace("_", " "), "lower" if key in lower else "", key in has_text) for key in records[0]]
    best = {key: best_of([record[key] for record in records], "lower") for key in lower}
    rows = tuple(
        tuple(Cell(_text(key, value), _mark(value, best.get(key))) for key, value in record.items())
        for record in records
    )
    return Table(tuple(columns), rows)


def _text(key: str, value: Any) -> str:
    if key in LOSSES and value is not None:
        return f"{value:.3g}"  # the grid loss is thousands of times smaller than the others
    return number(value, 0 if key == "seconds" else 2)


def _mark(value: Any, best: Any) -> str:
    return "best" if best is not None and value == best else ""


def _samples(files: Mapping[int, Path]) -> tuple[Image, ...]:
    images = []
    for step, file in files.items():
        try:
            images.append(photo_image(read_picture(file).pixels, f"iteration {step:,}", width=SAMPLE_WIDTH))
        except MediaError:  # a sample that was just being written; the others show enough
            continue
    return tuple(images)
