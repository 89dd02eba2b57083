"""`stylecli evaluate`: measure the quality of styles and runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from stylecli.cli import options
from stylecli.cli.console import emit_json, print_results, progress_shown
from stylecli.cli.evaluation import judging
from stylecli.cli.evaluation.blind import blind
from stylecli.cli.evaluation.compare import compare
from stylecli.cli.evaluation.temporal import check_topic, evaluate_temporally
from stylecli.cli.extras import needs_extra
from stylecli.cli.parameters import CommandGroup, OwnArgument, PathType
from stylecli.core.errors import ItemsFailedError, MediaError
from stylecli.evaluation.quality.options import InputRange, JudgeName, JudgeOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stylecli.evaluation.quality.assessment import Evaluation
    from stylecli.evaluation.quality.candidates import Candidate
    from stylecli.evaluation.speed.options import White
    from stylecli.inference.sessions import Device

NOT_IN_TABLE = ("judge_sha256", "noise_sigma", "photos", "named_photos", "equivalent_limit")  # but in JSON and CSV


def _judged_by(*, equivalent: int | None, **others: Any) -> JudgeOptions:
    return JudgeOptions(equivalent=equivalent or JudgeOptions.equivalent, **others)


judged_by = options.gathered(
    "judged_by",
    _judged_by,
    click.option(
        "--painting",
        type=PathType(exists=True),
        help="The painting, for the style distance, or a folder with the paintings that the recipes name.",
    ),
    click.option(
        "--judge",
        type=click.Choice(get_args(JudgeName)),
        default=JudgeOptions.judge,
        show_default=True,
        help="Loss network; auto uses VGG-19 if its weights were downloaded before, else distilled.",
    ),
    options.loss_weights,
    click.option(
        "--classifier",
        type=PathType(dir_okay=False),
        help="An ONNX image classifier, to measure how often the content is still recognised.",
    ),
    click.option(
        "--labels",
        type=PathType(dir_okay=False),
        help="The classifier's class names, one a line, if the photos are named by class.",
    ),
    click.option(
        "--classifier-input",
        "input_range",
        type=click.Choice(get_args(InputRange)),
        default=JudgeOptions.input_range,
        show_default=True,
        help="The classifier's input: -1..1, normalised with ImageNet's mean and deviation, or 0..1.",
    ),
    click.option(
        "--noise",
        type=click.FloatRange(1, 255),
        default=JudgeOptions.noise,
        show_default=True,
        metavar="SIGMA",
        help="Standard deviation of the noise for `noise left`, in levels of 255.",
    ),
    click.option(
        "--equivalent",
        type=click.IntRange(1),
        default=JudgeOptions.equivalent or None,
        metavar="N",
        help="Count how many steps `stylecli optimize` needs for the same losses, up to N; slow.",
    ),
)


@click.command(cls=CommandGroup, commands=[compare, blind])
@click.argument("styles", cls=OwnArgument, nargs=-1, required=True, metavar="STYLE_OR_RUN...")
@judging.photos
@click.option("--temporal", is_flag=True, help="Measure how steady they are in videos, on clips of known motion.")
@click.option(
    "--sintel",
    type=PathType(exists=True, file_okay=False),
    help="With --temporal: a folder in the layout of MPI-Sintel (final, flow, occlusions, invalid).",
)
@judged_by
@options.variant
@judging.white
@options.record
@options.csv_file
@options.report
@options.overwrite
@options.device
@options.styles_dir
@options.as_json
@needs_extra("train")
def command(
    styles: tuple[str, ...],
    photos: tuple[Path, ...],
    temporal: bool,
    sintel: Path | None,
    judged_by: JudgeOptions,
    variant: str | None,
    white: White,
    record: bool,
    csv_file: Path | None,
    report: Path | None,
    overwrite: bool,
    device: Device,
    styles_dir: Path | None,
    as_json: bool,
) -> None:
    """Measure styles, runs of `stylecli train`, and other networks (ONNX files), on photos.

    Measures content and style distance, strokes, colours, edges and artefacts; docs/training.md defines the numbers,
    and the report explains them. A photo that cannot be read is reported and the others are done (exit code 6).

    --temporal measures steadiness instead: noise gain, warping error and stability error, on photos (default: one
    that ships) that are panned, zoomed and turned, and on --sintel. The report has plots over time and slices.
    """
    from stylecli.evaluation.quality.candidates import find_candidates
    from stylecli.evaluation.report.files import check_targets

    check_targets([path for path in (csv_file, report) if path], overwrite=overwrite)
    judged = find_candidates(styles, styles_dir, variant=variant, white=white, notice=judging.notice)
    check_topic(temporal=temporal, photos=photos, sintel=sintel, judged_by=judged_by)
    if temporal:
        evaluate_temporally(judged, photos, sintel, device, record, csv_file, report, as_json=as_json)
    else:
        _evaluate(judged, photos, judged_by, device, record, csv_file, report, as_json=as_json)


def _evaluate(
    judged: Sequence[Candidate],
    photos: Sequence[Path],
    judged_by: JudgeOptions,
    device: Device,
    record: bool,
    csv_file: Path | None,
    report: Path | None,
    *,
    as_json: bool,
) -> None:
    from stylecli.evaluation.quality.assessment import assess, record_quality
    from stylecli.media.images.files import pictures_in

    pictures = pictures_in(photos)
    with progress_shown(as_json=as_json) as progress:
        evaluation = assess(
            judged,
            pictures,
            judged_by,
            device=device,
            is_recorded=record,
            progress=progress,
            notice=judging.notice,
            on_failure=_failure_in_json if as_json else lambda error: judging.notice(str(error)),
        )
    _show(evaluation, judged, csv_file, report, as_json=as_json)
    if record:
        record_quality(evaluation, judged)
    if evaluation.failures:
        failed = f"{len(evaluation.failures)} of {len(pictures)} photos cannot be read"
        raise ItemsFailedError(failed, hint="The others are measured.")


def _show(
    evaluation: Evaluation, judged: Sequence[Candidate], csv_file: Path | None, report: Path | None, *, as_json: bool
) -> None:
    from stylecli.evaluation.quality.report import styles_report
    from stylecli.evaluation.report.files import with_shared_keys, write_csv
    from stylecli.evaluation.report.page import write_report
    from stylecli.evaluation.runs.comparison import open_runs

    rows = with_shared_keys(evaluation.as_records())
    hidden = {*NOT_IN_TABLE, *(metric.name for metric in evaluation.judge.metrics if metric.is_detail)}
    print_results(rows, as_json=as_json, hidden=hidden)
    if csv_file:
        write_csv(rows, csv_file)
    if report:
        runs = open_runs([candidate.folder for candidate in judged if candidate.is_run])
        write_report(styles_report(evaluation, runs), report)


def _failure_in_json(error: MediaError) -> None:
    emit_json({"event": "failed", "message": error.message, "hint": error.hint})
