"""Metrics by name: each one entry."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stylecli.evaluation.quality.assessment import evaluate
from stylecli.evaluation.quality.candidates import OpenCandidate
from stylecli.evaluation.quality.judges import Judge
from stylecli.evaluation.quality.metrics.registry import METRICS, Metric
from stylecli.evaluation.quality.metrics.stylized_photo import StylizedPhoto
from stylecli.evaluation.quality.report import styles_report
from stylecli.evaluation.report.page import write_report
from stylecli.training.losses.distilled import DistilledNetwork
from tests.evaluation.report.test_page import Page


class Red:
    """Paints everything red."""

    def stylize(self, unit: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(unit * [0, 0, 0] + [1, 0, 0], np.float32)


def redness(stylized: StylizedPhoto) -> float:
    return float(stylized.pixels[..., 0].mean() / 255)


def test_names_and_headings_are_unique() -> None:
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    assert len({metric.heading for metric in METRICS}) == len(METRICS)


def test_every_metric_of_a_table_is_explained() -> None:
    assert all(metric.text for metric in METRICS if not metric.is_detail)


def test_a_metric_is_added_with_one_entry(
    photo_file: Path, distilled_network: DistilledNetwork, tmp_path: Path
) -> None:
    own = Metric("redness", "how red", "higher", redness, "the mean of red", has_photo_value=True)
    judge = Judge(distilled_network, metrics=(*METRICS, own))
    evaluation = evaluate([OpenCandidate("red", Red())], [photo_file], judge)
    (record,) = evaluation.as_records()
    assert record["redness"] == 1
    assert 0 < (evaluation.photo_scores.scores["redness"] or 0) < 1
    write_report(styles_report(evaluation), tmp_path / "report.html")
    page = Page(tmp_path / "report.html")
    assert "how red" in page.text
    assert "How red: the mean of red." in page.source


def test_without_a_painting_what_needs_one_is_none(photo_file: Path, distilled_network: DistilledNetwork) -> None:
    (record,) = evaluate([OpenCandidate("red", Red())], [photo_file], Judge(distilled_network)).as_records()
    unknown = {name for name, value in record.items() if value is None}
    assert {"style", "style_scales", "e_statistic", "palette", "texture", "specks_beyond"} < unknown
    assert not {"content", "edge_f1", "emboss", "specks", "grid_energy", "frame_energy", "noise_left"} & unknown


def test_with_a_painting_every_metric_is_known(photo_file: Path, distilled_network: DistilledNetwork) -> None:
    (record,) = evaluate([OpenCandidate("red", Red(), photo_file)], [photo_file], Judge(distilled_network)).as_records()
    assert all(record[metric.name] is not None for metric in METRICS)
