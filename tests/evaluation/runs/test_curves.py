"""What a run tells of itself, also when it was interrupted or never began."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from stylecli.core.errors import MediaError
from stylecli.evaluation.runs.comparison import differing_settings, open_runs
from stylecli.evaluation.runs.curves import read_curves, sample_files
from tests.support.evaluations import RECIPE, MakeRun, log_line


def test_a_log_is_read_by_steps(make_run: MakeRun, tmp_path: Path) -> None:
    curves = read_curves(make_run(tmp_path / "run", steps=30))
    assert curves.steps == (10, 20, 30)
    assert curves.values["content"] == pytest.approx((1, 1 / 2, 1 / 3))


@pytest.mark.parametrize("half", ['{"step": 20, "tot', "null", "[1]", '{"total": 1}', '{"step": NaN}', ""])
def test_a_line_that_is_not_whole_is_skipped(tmp_path: Path, half: str) -> None:
    (tmp_path / "log.jsonl").write_text(f"{log_line(10)}\n{half}\n{log_line(30)}\n{half}")
    assert read_curves(tmp_path).steps == (10, 30)


def test_of_a_step_taken_twice_the_later_line_counts(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text("\n".join([log_line(10), log_line(20), log_line(10, level=7)]))
    curves = read_curves(tmp_path)
    assert curves.steps == (10, 20)
    assert curves.values["content"][0] == 7


def test_a_key_that_some_lines_lack_is_a_gap(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text('{"step": 1, "style": 2}\n{"step": 2, "style": 4, "pixel": 1}\n')
    curves = read_curves(tmp_path)
    assert math.isnan(curves.values["pixel"][0])
    assert curves.final("pixel") == 1
    assert curves.final("style") == 3
    assert curves.final("content") is None


def test_a_run_without_a_log_or_with_an_empty_one_has_no_steps(tmp_path: Path) -> None:
    assert read_curves(tmp_path).steps == ()
    (tmp_path / "log.jsonl").write_text("")
    assert read_curves(tmp_path).steps == ()


def test_a_final_loss_is_the_mean_of_the_last_lines(make_run: MakeRun, tmp_path: Path) -> None:
    curves = read_curves(make_run(tmp_path / "run", steps=200))
    assert curves.final("content") == pytest.approx(sum(1 / n for n in range(11, 21)) / 10)


def test_samples_of_four_iterations_are_taken(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", steps=100)
    (run / "samples" / "step_last.png").write_bytes(b"")
    assert list(sample_files(run)) == [10, 40, 70, 100]


def test_a_run_costs_what_its_log_and_weights_say(make_run: MakeRun, tmp_path: Path) -> None:
    (run,) = open_runs([make_run(tmp_path / "run", steps=40)])
    record = run.as_record()
    assert (record["run"], record["steps"], record["seconds"]) == ("run", 40, 20)
    # Stem 4, trunk 8, one block: 3x4 of 6x6, then 4x8, 8x8 twice, 8x4 of 3x3, with gamma and beta; 4x12 with bias.
    assert record["parameters"] == 36 * 12 + 9 * (32 + 64 + 64 + 32) + 2 * (4 + 8 + 8 + 8 + 4) + 9 * 48 + 12
    assert record["content_weight"] == 2


def test_a_run_that_only_began_is_compared(tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text(RECIPE)
    (run,) = open_runs([tmp_path])
    assert run.as_record()["total"] is None
    assert run.as_record()["parameters"] is None


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="no run"):
        open_runs([tmp_path])


def test_only_settings_that_differ_are_told(make_run: MakeRun, tmp_path: Path) -> None:
    phases = "[[phases]]\nsteps = {}\nsize = 64\n"
    other = RECIPE.replace("2.0", "3.0\nseed = 7") + 'title = "Coffee"\n' + phases.format(5)
    runs = open_runs(
        [make_run(tmp_path / "a", recipe=RECIPE + phases.format(8)), make_run(tmp_path / "b", recipe=other)]
    )
    assert differing_settings(runs) == {
        "content_weight": ["2.0", "3.0"],
        "phases": ["steps 8, size 64", "steps 5, size 64"],
    }
