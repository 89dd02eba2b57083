"""What a report shows of runs: their cost and final losses, what differs in their recipes, curves, samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stylecli.errors import MediaError
from stylecli.evaluation.comparison import LOSSES, Run, differing_settings
from stylecli.evaluation.plots import loss_curves
from stylecli.evaluation.report import Cell, Column, Gallery, Image, Report, Section, Table, photo_image, plot_image
from stylecli.images import read_picture

WEIGHTS = ("content_weight", "style_weight", "variation_weight")  # told where they differ, below the summary
SAMPLE_WIDTH = 1152  # pixels; a sample is a strip of six photos
LOSSES_TEXT = (
    "Losses of training crops, each unweighted and by itself, the total with its weights; lower is better. "
    "They compare only among runs with the same loss network, layers and form of the losses, totals also only with "
    "the same weights; a run that changes its loss network on the way jumps there."
)
SAMPLES_TEXT = "The same six photos at several iterations: as they are above, stylized below."


def comparison_report(runs: Sequence[Run]) -> Report:
    """Runs side by side."""
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
    """The curves and samples of runs, as far as there are any."""
    sections = []
    if svg := loss_curves({run.name: run.curves for run in runs}):
        caption = "Thin: every line of the log. Bold: running mean."
        sections.append(Section("Losses over iterations", LOSSES_TEXT, plots=(plot_image(svg, caption),)))
    galleries = {run.name: _samples(run.samples) for run in runs}
    if any(galleries.values()):
        rows = tuple((name, images) for name, images in galleries.items() if images)
        sections.append(Section("Samples", SAMPLES_TEXT, galleries=(Gallery(rows, smallest=480),)))
    return sections


def number(value: Any, digits: int = 3) -> str:
    """A number for a table; nothing for None."""
    if value is None:
        return ""
    return (
        f"{value:,.{digits}f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
    )


def best_of(values: Sequence[Any], better: str) -> Any:
    """The best of the numbers; None where there is nothing to choose."""
    known = [value for value in values if value is not None]
    if len(set(known)) < 2 or not better:
        return None
    return min(known) if better == "lower" else max(known)


def _summary(runs: Sequence[Run]) -> Table:
    records = [{key: value for key, value in run.as_record().items() if key not in WEIGHTS} for run in runs]
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
