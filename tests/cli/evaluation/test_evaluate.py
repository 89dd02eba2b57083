"""`stylecli evaluate` and `stylecli evaluate compare`, from the command line to the report."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from stylecli.cli.app import suite
from stylecli.cli.evaluation import evaluate
from stylecli.evaluation.quality import classification, judges
from stylecli.evaluation.quality import measures as quality
from stylecli.packs.card import read_card
from tests.evaluation.report.test_page import Page, assert_self_contained
from tests.support.evaluations import MakeRun
from tests.support.packs import StyleFactory

pytestmark = pytest.mark.usefixtures("shipped")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(suite, list(map(str, arguments)))


def results(result: Result) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    return [line for line in lines if line["event"] == "result"]


def test_what_help_repeats_is_what_the_measures_say() -> None:
    options = {option.name: option for option in evaluate.command.params}
    assert {*options["judge"].type.choices} == {*judges.JudgeName.__args__}  # type: ignore[attr-defined]
    assert tuple(classification.INPUT_RANGES) == options["input_range"].type.choices  # type: ignore[attr-defined]
    assert options["noise"].default == quality.NOISE_SIGMA


def test_styles_and_runs_are_judged_side_by_side(
    tiny_style: Path,
    make_run: MakeRun,
    color_photos: Path,
    color_classifier: Path,
    labels_file: Path,
    photo_folder: Path,
    tmp_path: Path,
) -> None:
    trained = make_run(tmp_path / "trained")
    (tmp_path / "README.md").write_text("about")
    line = ["evaluate", tiny_style, tmp_path / "README.md", trained, "--photos", color_photos, "--device", "cpu"]
    line += ["--painting", photo_folder, "--classifier", color_classifier, "--labels", labels_file]
    result = run(*line, "--json", "--csv", tmp_path / "table.csv", "--report", tmp_path / "report.html")
    assert result.exit_code == 0, result.output
    assert "README.md: left out" in result.stderr
    assert "tiny: its painting is not in" in result.stderr
    style, other = results(result)
    assert (style["name"], other["name"]) == ("tiny", "trained")
    assert style["style"] is None
    assert other["style"] > 0
    assert style["judge"] == "distilled"
    assert len(style["judge_sha256"]) == 64
    assert style["photos"] == ["green-2.png", "n00000001_red.png", "sky.png"]
    # The tiny style hands the colours round: red becomes green, green blue, blue red.
    assert (style["top1_agreement"], style["top5_agreement"]) == (0, 1)
    assert (style["photo_top1_accuracy"], style["top1_accuracy"], style["named_photos"]) == (1, 0, 2)
    assert style["noise_left"] > 1  # it sharpens

    with (tmp_path / "table.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == ["tiny", "trained"]
    assert float(rows[0]["content"]) == style["content"]

    page = Page(tmp_path / "report.html")
    assert_self_contained(page)
    assert len(list(page.pictures("image/svg+xml"))) == 2  # scores and the run's losses
    # Three photos in two hands, the noise clean and noisy, four samples.
    assert len(list(page.pictures("image/jpeg"))) == 3 * 3 + 2 * 3 + 4
    for text in ("Scores", "Classes", "Noise", "Losses over iterations", "Samples", "≈ green"):
        assert text in page.text


def test_the_table_names_the_judge_and_the_styles(tiny_style: Path, photo_file: Path) -> None:
    result = run("evaluate", tiny_style, "--photos", photo_file, "--device", "cpu")
    assert result.exit_code == 0, result.output
    headings, row = (line.split("\t") for line in result.stdout.splitlines())
    cells = dict(zip(headings, row, strict=True))
    assert cells["name"] == "tiny"
    assert cells["judge"] == "distilled"
    assert cells["style"] == ""
    assert "no --painting" in result.stderr
    assert "judged by distilled" in result.stderr


def test_the_race_is_measured_and_drawn(tiny_style: Path, photo_file: Path, photo_folder: Path, tmp_path: Path) -> None:
    line = ["evaluate", tiny_style, "--photos", photo_file, "--painting", photo_folder / "rocket.png", "--json"]
    result = run(*line, "--equivalent", 2, "--report", tmp_path / "report.html")
    assert result.exit_code == 0, result.output
    (row,) = results(result)
    assert row["equivalent_iterations"] in (1, 2, None)
    assert row["times_faster"] >= 0
    assert "Against the optimisation" in Page(tmp_path / "report.html").text


@pytest.mark.parametrize(
    ("extra", "fault"),
    [
        (["--labels", "labels.txt"], "--classifier"),
        (["--equivalent", 3], "--painting"),
        (["--record"], "--judge vgg19"),
    ],
)
def test_what_does_not_go_together_is_a_usage_error(
    tiny_style: Path, photo_file: Path, extra: list[object], fault: str
) -> None:
    result = run("evaluate", tiny_style, "--photos", photo_file, *extra)
    assert result.exit_code == 2
    assert fault in result.stderr


def test_a_run_has_no_card_to_record_in(make_run: MakeRun, photo_file: Path, vgg_file: Path, tmp_path: Path) -> None:
    line = ["evaluate", make_run(tmp_path / "run"), "--photos", photo_file, "--loss-weights", vgg_file]
    result = run(*line, "--record")
    assert result.exit_code == 2
    assert "no card" in result.stderr


def test_the_card_gets_the_numbers_and_their_judge(
    make_style: StyleFactory, photo_file: Path, vgg_file: Path, tmp_path: Path
) -> None:
    style = make_style(tmp_path, "mine")
    line = ["evaluate", style, "--photos", photo_file, "--loss-weights", vgg_file, "--record", "--device", "cpu"]
    assert run(*line).exit_code == 0
    measured = read_card(style).measured["quality"]
    assert measured["loss_network"] == "vgg19"
    assert {"content", "style", "total_variation", "noise_left", "noise_sigma", "photos"} < set(measured)


def test_a_broken_photo_among_many_is_told_and_the_others_are_done(
    tiny_style: Path, color_photos: Path, tmp_path: Path
) -> None:
    shutil.copytree(color_photos, tmp_path / "photos")
    (tmp_path / "photos" / "broken.png").write_bytes(b"\x89PNG half")
    line = ["evaluate", tiny_style, "--photos", tmp_path / "photos", "--device", "cpu", "--json"]
    result = run(*line, "--report", tmp_path / "report.html")
    assert result.exit_code == 6
    assert "1 of 4 photos" in result.stderr
    failed = [json.loads(line) for line in result.stdout.splitlines() if '"failed"' in line]
    assert "broken.png" in failed[0]["message"]
    assert len(results(result)[0]["photos"]) == 3
    assert "not read" in Page(tmp_path / "report.html").text


def test_the_fault_of_a_single_photo_is_that_of_the_command(tiny_style: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")
    result = run("evaluate", tiny_style, "--photos", tmp_path / "broken.png")
    assert result.exit_code == 4
    assert result.stderr.count("broken.png") == 1


def test_photos_of_which_none_can_be_read_are_a_media_error(tiny_style: Path, tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(b"no picture")
    result = run("evaluate", tiny_style, "--photos", tmp_path)
    assert result.exit_code == 4
    assert "none of the 2 photos" in result.stderr


def test_a_folder_without_photos_is_a_media_error(tiny_style: Path, tmp_path: Path) -> None:
    assert run("evaluate", tiny_style, "--photos", tmp_path).exit_code == 4


def test_a_report_that_exists_is_kept(tiny_style: Path, photo_file: Path, tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("mine")
    result = run("evaluate", tiny_style, "--photos", photo_file, "--report", tmp_path / "report.html")
    assert result.exit_code == 2
    assert (tmp_path / "report.html").read_text() == "mine"


def test_a_report_that_cannot_be_written_is_a_media_error(tiny_style: Path, photo_file: Path, tmp_path: Path) -> None:
    line = ["evaluate", tiny_style, "--photos", photo_file, "--report", tmp_path / "nowhere" / "report.html"]
    assert run(*line).exit_code == 4


def test_an_unknown_style_is_a_pack_error(photo_file: Path) -> None:
    assert run("evaluate", "nobody-knows", "--photos", photo_file).exit_code == 3


def test_runs_are_compared(make_run: MakeRun, tmp_path: Path) -> None:
    first, second = make_run(tmp_path / "first"), make_run(tmp_path / "second", steps=80)
    (second / "log.jsonl").unlink()
    outputs = ["--csv", tmp_path / "table.csv", "--report", tmp_path / "report.html"]
    result = run("evaluate", "compare", first, second, "--json", *outputs)
    assert result.exit_code == 0, result.output
    one, other = results(result)
    assert (one["run"], one["steps"], one["parameters"]) == ("first", 40, other["parameters"])
    assert one["content"] == pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 4) / 4, rel=1e-3)
    assert other["content"] is None
    assert "no log" in result.stderr
    assert (tmp_path / "table.csv").read_text().startswith("run,total,content,style,variation,")
    assert_self_contained(Page(tmp_path / "report.html"))
    assert run("evaluate", "compare", first, *outputs).exit_code == 2


def test_what_is_no_run_is_not_compared(tmp_path: Path) -> None:
    assert run("evaluate", "compare", tmp_path).exit_code == 4
    assert run("evaluate", "compare", tmp_path / "nowhere").exit_code == 4


def test_help_tells_of_both() -> None:
    whole = run("evaluate", "--help")
    assert whole.exit_code == 0
    assert "STYLE_OR_RUN..." in whole.stdout
    assert "--photos" in whole.stdout
    assert "compare" in whole.stdout
    compare = run("evaluate", "compare", "--help")
    assert "evaluate compare [OPTIONS] RUN..." in compare.stdout
    assert "--photos" not in compare.stdout
    assert run("evaluate").exit_code == 2


def test_other_networks_are_measured_too(tiny_style: Path, photo_file: Path) -> None:
    network = tiny_style / "fast.onnx"
    result = run("evaluate", tiny_style, network, "--white", "1", "--photos", photo_file, "--device", "cpu", "--json")
    assert result.exit_code == 0, result.output
    style, foreign = results(result)
    assert (style["name"], foreign["name"]) == ("tiny", "fast")
    assert foreign["content"] == pytest.approx(style["content"], abs=0.02)  # it pads and rounds as it likes


def test_another_network_has_no_card_to_record_in(tiny_style: Path, photo_file: Path, vgg_file: Path) -> None:
    line = ["evaluate", tiny_style / "fast.onnx", "--photos", photo_file, "--loss-weights", vgg_file, "--record"]
    result = run(*line)
    assert result.exit_code == 2
    assert "no card" in result.stderr


def test_the_table_has_no_details(tiny_style: Path, photo_file: Path) -> None:
    line = ["evaluate", tiny_style, "--photos", photo_file, "--painting", photo_file, "--device", "cpu"]
    headings = run(*line).stdout.splitlines()[0].split("\t")
    assert {"style_scales", "e_statistic", "palette", "texture", "edge_f1", "emboss", "specks"} < set(headings)
    assert not {"style_2", "e_relu1_2", "texture_1", "specks_beyond"} & set(headings)
    assert {"style_2", "e_relu1_2", "texture_1", "specks_beyond"} < set(results(run(*line, "--json"))[0])
