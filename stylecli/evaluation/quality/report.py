"""The report on the quality of styles: scores, pictures, classes, noise, the race against the optimisation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylecli.evaluation.quality.assessment import Evaluation
from stylecli.evaluation.quality.classification import Classifier, PredictedClasses
from stylecli.evaluation.quality.measures import PAINTING_SHORT_SIDE, PHOTO_SHORT_SIDE
from stylecli.evaluation.quality.metrics.registry import Metric
from stylecli.evaluation.quality.plots import race_plot, score_strips
from stylecli.evaluation.report.page import (
    Cell,
    Column,
    Gallery,
    Report,
    Section,
    Table,
    best_of,
    number,
    photo_image,
    plot_image,
)
from stylecli.evaluation.runs.comparison import Run
from stylecli.evaluation.runs.report import run_sections

ROW_WIDTH = 2000  # pixels of a row of pictures together
THUMBNAIL_WIDTHS = (240, 480)  # pixels: of many in a row, of few
DETAIL = 224  # pixels of the square that shows noise
LISTED_PHOTOS = 40  # rows of the table of classes
CLASS_COLUMNS = {
    "top1_agreement": "same class",
    "top5_agreement": "same class among 5",
    "top1_accuracy": "right class",
    "top5_accuracy": "right class among 5",
}
NOISE_TEXT = (
    "Noise left: the change that strong noise on the photo makes in the stylized picture, over the noise itself; at 0 "
    "it is gone, at 1 all of it is left. What total variation in the training does to it, styles with and without show."
)
CLASSES_TEXT = (
    "What a classifier sees in the photo, and then in the stylized picture. Same class: its first answer is the one "
    "that it gave for the photo. Right class: its first answer is the one that the file is named by. In the list: "
    "✓ the same class, ≈ the photo's class among the first five, ✗ not among them."
)
RACE_TEXT = (
    "The optimisation of Gatys et al. starts from the photo and minimises the loss that the network was trained with "
    "(without the grid loss). Dashed: the loss of the network's picture. Dot: the first step below it."
)


def styles_report(evaluation: Evaluation, runs: Sequence[Run] = ()) -> Report:
    """Build the report of an evaluation; `runs` are those among the candidates, for their curves and samples."""
    judge = evaluation.judge
    facts = [
        ("judged by", f"{judge.loss_network.name}, sha256 {judge.loss_network.sha256}"),
        ("photos", f"{len(evaluation.photos)}, at a short side of {PHOTO_SHORT_SIDE} pixels: {_listed(evaluation)}"),
        ("paintings", f"at a short side of {PAINTING_SHORT_SIDE} pixels" if _has_style(evaluation) else "none given"),
        ("noise", f"sigma {judge.noise_sigma:g} of 255"),
    ]
    if judge.classifier:
        facts.append(("classifier", f"{judge.classifier.name}, sha256 {judge.classifier.sha256}"))
    if evaluation.failures:
        facts.append(("not read", "; ".join(failure.message for failure in evaluation.failures)))
    sections = [_scores(evaluation), _pictures(evaluation), _noise(evaluation)]
    if judge.classifier:
        sections.insert(2, _classes(evaluation, judge.classifier))
    if any(assessment.equivalence for assessment in evaluation.assessments):
        sections.append(_races(evaluation))
    return Report("Styles, measured", tuple(facts), (*sections, *run_sections(runs)))


def _scores(evaluation: Evaluation) -> Section:
    metrics = [metric for metric in evaluation.judge.metrics if not metric.is_detail and _is_known(evaluation, metric)]
    names = [assessment.name for assessment in evaluation.assessments]
    own = evaluation.photo_scores.scores
    strips = [
        (
            metric.heading,
            [
                [np.nan if (value := one[metric.name]) is None else value for one in assessment.scores]
                for assessment in evaluation.assessments
            ],
            own[metric.name],
        )
        for metric in metrics
    ]
    caption = "A dot for every photo, a bar at the mean; dotted, what the photos themselves have."
    plot = plot_image(score_strips(names, strips), caption)
    text = f"Means over the photos. {' '.join(_sentence(metric) for metric in metrics if metric.text)}"
    of_photos = (Cell("the photos themselves", "own"), *(Cell(number(own[metric.name])) for metric in metrics))
    columns = [(metric.name, Column(metric.heading, metric.better)) for metric in metrics]
    return Section("Scores", text, (_table(evaluation, columns, of_photos),), (plot,))


def _sentence(metric: Metric) -> str:
    return f"{metric.heading[0].upper()}{metric.heading[1:]}: {metric.text}."


def _is_known(evaluation: Evaluation, metric: Metric) -> bool:
    return any(assessment.quality.scores[metric.name] is not None for assessment in evaluation.assessments)


def _pictures(evaluation: Evaluation) -> Section:
    names = [assessment.name for assessment in evaluation.assessments]
    low, high = THUMBNAIL_WIDTHS
    width = max(low, min(high, ROW_WIDTH // (1 + len(names))))
    rows = tuple(
        (
            "",
            (
                photo_image(photo.pixels, photo.name, width=width),
                *(
                    photo_image(painted.pixels, name, width=width)
                    for name, painted in zip(names, photo.painted, strict=True)
                ),
            ),
        )
        for photo in evaluation.shown
    )
    text = "Photo, then what each makes of it, at the size that is judged (here made smaller)."
    return Section("Pictures", text, galleries=(Gallery(rows),))


def _noise(evaluation: Evaluation) -> Section:
    if not evaluation.shown:
        return Section("Noise", NOISE_TEXT)
    photo = evaluation.shown[0]
    pairs = [("photo", photo.pixels, photo.noisy)]
    pairs += [
        (assessment.name, painted.pixels, painted.noisy)
        for assessment, painted in zip(evaluation.assessments, photo.painted, strict=True)
    ]
    clean = tuple(photo_image(_detail(pixels), name) for name, pixels, _ in pairs)
    noisy = tuple(
        photo_image(_detail(pixels), f"{name}, from noise" if name != "photo" else "with noise")
        for name, _, pixels in pairs
    )
    return Section("Noise", NOISE_TEXT, galleries=(Gallery(((f"Centre of {photo.name}", clean), ("", noisy)), 150),))


def _classes(evaluation: Evaluation, classifier: Classifier) -> Section:
    keys = ["top1_agreement", "top5_agreement"]
    own = []
    record = evaluation.assessments[0].as_record()
    if record["named_photos"]:
        keys += ["top1_accuracy", "top5_accuracy"]
        own = [Cell("the photos themselves", "own"), Cell("1.000"), Cell("1.000")]
        own += [Cell(number(record[f"photo_{key}"])) for key in keys[2:]]
    columns = (
        Column("photo"),
        Column("seen in it", is_text=True),
        *(Column(a.name, is_text=True) for a in evaluation.assessments),
    )
    rows = tuple(
        _prediction_row(photo, [a.predictions[place] for a in evaluation.assessments], classifier)
        for place, photo in enumerate(evaluation.photos[:LISTED_PHOTOS])
    )
    named = (
        f" {record['named_photos']} of {len(evaluation.photos)} photos are named by class." if classifier.labels else ""
    )
    shares = [(key, Column(CLASS_COLUMNS[key], "higher")) for key in keys]
    return Section("Classes", CLASSES_TEXT + named, (_table(evaluation, shares, tuple(own)), Table(columns, rows)))


def _prediction_row(photo: str, predictions: Sequence[PredictedClasses], classifier: Classifier) -> tuple[Cell, ...]:
    seen = predictions[0].photo[0]
    named = predictions[0].named
    cells = [Cell(photo), Cell(classifier.class_name(seen), ("yes" if seen in named else "no") if named else "")]
    for one in predictions:
        sign, mark = ("✓", "yes") if one.painted[0] == seen else ("≈", "") if seen in one.painted else ("✗", "no")
        cells.append(Cell(f"{sign} {classifier.class_name(one.painted[0])}", mark))
    return tuple(cells)


def _races(evaluation: Evaluation) -> Section:
    races = {a.name: a.equivalence.races[0] for a in evaluation.assessments if a.equivalence}
    caption = f"On {next(iter(races.values())).photo}; the table has medians over all races."
    plot = plot_image(race_plot(races), caption)
    titles = ("", "equal after steps", "seconds of the network", "seconds of those steps", "times faster")
    rows = tuple(_race_row(a.name, a.equivalence.as_record()) for a in evaluation.assessments if a.equivalence)
    return Section("Against the optimisation", RACE_TEXT, (Table(tuple(map(Column, titles)), rows),), (plot,))


def _race_row(name: str, record: dict[str, Any]) -> tuple[Cell, ...]:
    reached = record["equivalent_iterations"]
    return (
        Cell(name),
        Cell(f"{reached:,}" if reached else f"more than {record['equivalent_limit']:,}"),
        Cell(str(record["network_seconds"])),
        Cell(str(record["optimizer_seconds"])),
        Cell(f"{'' if reached else 'over '}{record['times_faster']:,}"),
    )


def _table(evaluation: Evaluation, columns: Sequence[tuple[str, Column]], last: tuple[Cell, ...] = ()) -> Table:
    """Make a row for each candidate; `columns` are the keys of the records with their headings."""
    records = [assessment.as_record() for assessment in evaluation.assessments]
    best = {key: best_of([record.get(key) for record in records], column.better) for key, column in columns}
    rows = [
        (Cell(assessment.name), *(_cell(record.get(key), best[key]) for key, _ in columns))
        for assessment, record in zip(evaluation.assessments, records, strict=True)
    ]
    return Table((Column(""), *(column for _, column in columns)), (*rows, last) if last else tuple(rows))


def _cell(value: Any, best: Any) -> Cell:
    return Cell(number(value), "best" if best is not None and value == best else "")


def _detail(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    rows, columns = pixels.shape[:2]
    top, left = max(0, (rows - DETAIL) // 2), max(0, (columns - DETAIL) // 2)
    return np.ascontiguousarray(pixels[top : top + DETAIL, left : left + DETAIL])


def _has_style(evaluation: Evaluation) -> bool:
    return any(assessment.quality.scores.get("style") is not None for assessment in evaluation.assessments)


def _listed(evaluation: Evaluation) -> str:
    return ", ".join(evaluation.photos[:LISTED_PHOTOS]) + (" …" if len(evaluation.photos) > LISTED_PHOTOS else "")
