"""`stylecli evaluate`: the quality of styles and runs in numbers, pictures and plots."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stylecli.cli import options
from stylecli.cli.console import emit_json, print_table, progress_shown, say
from stylecli.cli.evaluation.compare import compare
from stylecli.cli.evaluation.temporal import check_topic, measure_temporally, refuse_runs, show_steadiness
from stylecli.cli.extras import needs_extra
from stylecli.cli.parameters import CommandGroup, OwnArgument
from stylecli.core.errors import ItemsFailedError, MediaError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from stylecli.evaluation.quality.assessment import Candidate, Evaluation, Judge
    from stylecli.evaluation.quality.classification import InputRange
    from stylecli.evaluation.quality.judges import JudgeName
    from stylecli.evaluation.quality.subjects import Subject
    from stylecli.inference.engine import Device
    from stylecli.training.losses.loss_network import LossNetwork

# As in stylecli.evaluation, which --help must not import.
JUDGES = ("auto", "vgg19", "distilled")
INPUT_RANGES = ("signed", "imagenet", "unit")
NOISE_SIGMA = 25.0
NOT_IN_TABLE = ("judge_sha256", "noise_sigma", "photos", "named_photos", "equivalent_limit")  # but in JSON and CSV


@click.command(cls=CommandGroup, commands=[compare])
@click.argument("styles", cls=OwnArgument, nargs=-1, required=True, metavar="STYLE_OR_RUN...")
@click.option("--photos", multiple=True, type=click.Path(path_type=Path), help="A photo or folder; repeatable.")
@click.option("--temporal", is_flag=True, help="Measure how steady they are in videos, on motion that is known.")
@click.option(
    "--sintel",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="With --temporal: a folder in the layout of MPI-Sintel (final, flow, occlusions, invalid).",
)
@click.option(
    "--painting",
    type=click.Path(exists=True, path_type=Path),
    help="The painting, or a folder of those that the recipes name, for the style distance.",
)
@click.option(
    "--judge",
    "judge_name",
    type=click.Choice(JUDGES),
    default="auto",
    show_default=True,
    help="The loss network; auto takes VGG-19 if its weights are here, vgg19 downloads them.",
)
@options.loss_weights
@click.option(
    "--classifier",
    "classifier_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="An ONNX image classifier: does it still see what is in the photo?",
)
@click.option(
    "--labels",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Names of its classes, one a line, for photos that are named by class.",
)
@click.option(
    "--classifier-input",
    "input_range",
    type=click.Choice(INPUT_RANGES),
    default=INPUT_RANGES[0],
    show_default=True,
    help="How it wants pictures: -1..1, less ImageNet's mean over its deviation, or 0..1.",
)
@click.option(
    "--noise",
    type=click.FloatRange(1, 255),
    default=NOISE_SIGMA,
    show_default=True,
    metavar="SIGMA",
    help="Standard deviation, in levels of 255, of the noise whose rest is measured.",
)
@click.option(
    "--equivalent",
    type=click.IntRange(1),
    metavar="N",
    help="Race `stylecli optimize` for up to N steps on three photos; slow.",
)
@options.variant
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
    variant: str | None,
    record: bool,
    csv_file: Path | None,
    report: Path | None,
    overwrite: bool,
    device: Device,
    styles_dir: Path | None,
    as_json: bool,
    **how: Any,  # what is judged by: for _candidates and _judge
) -> None:
    """Measure styles, and runs of `stylecli train`, on photos.

    Content and style distance by a loss network, total variation, grid energy, noise gain, noise left, and with
    --classifier whether the content is still recognized. docs/training.md defines them; lower is better but for the
    shares of photos of the classifier. A photo that cannot be read is reported, the others are done (exit code 6).

    --temporal measures steadiness instead: noise gain, warping error and stability error, on photos (or, without any, a
    rendered one) that are panned, zoomed and turned, and on --sintel. The report has plots over time and slices.
    """
    from stylecli.evaluation.quality.assessment import evaluate
    from stylecli.evaluation.quality.subjects import find_subjects
    from stylecli.evaluation.report.files import check_targets
    from stylecli.media.images.files import pictures_in

    check_targets([path for path in (csv_file, report) if path], overwrite=overwrite)
    subjects = find_subjects(styles, styles_dir, variant=variant, note=_note)
    check_topic(temporal=temporal, photos=photos, sintel=sintel, how=how)
    pictures = pictures_in(photos)
    if temporal:
        if record:
            refuse_runs(subjects)
        steadiness = measure_temporally(subjects, pictures, sintel, device, as_json=as_json)
        show_steadiness(steadiness, subjects, as_json=as_json, csv_file=csv_file, report=report, record=record)
        return
    with ExitStack() as stack, progress_shown(as_json=as_json) as progress:
        candidates = _candidates(subjects, stack, device, painting=how["painting"])
        judge = _judge(candidates, subjects, record=record, **how)
        report_failure = _failure_reporter(as_json=as_json)
        evaluation = evaluate(candidates, pictures, judge, progress=progress, report=report_failure)
    _show(evaluation, subjects, as_json=as_json, csv_file=csv_file, report=report)
    if record:
        _record(evaluation, subjects)
    if evaluation.failures:
        failed = f"{len(evaluation.failures)} of {len(pictures)} photos cannot be read"
        raise ItemsFailedError(failed, hint="The others are measured.")


def _candidates(
    subjects: Sequence[Subject], stack: ExitStack, device: Device, *, painting: Path | None
) -> list[Candidate]:
    """The subjects with their networks open, each with its painting where that is known."""
    from stylecli.evaluation.quality.assessment import Candidate
    from stylecli.evaluation.quality.equivalence import loss_of_recipe
    from stylecli.evaluation.quality.subjects import find_painting

    if painting is None:
        _note("no --painting: no style distance is measured")
    candidates = []
    for subject in subjects:
        found = find_painting(subject, painting) if painting else None
        if painting and found is None:
            _note(f"{subject.name}: its painting is not in {painting}, no style distance is measured")
        stylizer = stack.enter_context(subject.open(device))
        candidates.append(Candidate(subject.name, stylizer, found, loss_of_recipe(subject.recipe)))
    return candidates


def _judge(
    candidates: Sequence[Candidate],
    subjects: Sequence[Subject],
    *,
    record: bool,
    painting: Path | None,
    judge_name: JudgeName,
    loss_weights: Path | None,
    classifier_file: Path | None,
    labels: Path | None,
    input_range: InputRange,
    noise: float,
    equivalent: int | None,
) -> Judge:
    from stylecli.evaluation.quality.assessment import Judge
    from stylecli.evaluation.quality.classification import Classifier
    from stylecli.evaluation.quality.judges import choose_judge
    from stylecli.evaluation.quality.labels import read_labels
    from stylecli.evaluation.quality.measures import JUDGE_LAYERS

    if labels and not classifier_file:
        raise UsageError("--labels without --classifier", hint="Give the classifier whose classes they name.")
    if equivalent and not painting:
        raise UsageError("--equivalent without --painting", hint="The optimisation needs the painting.")
    raced = [layer for candidate in candidates for layer in candidate.loss.layers] if equivalent else []
    loss_network = choose_judge(judge_name, {*JUDGE_LAYERS, *raced}, file=loss_weights, note=_note)
    if record:
        _refuse_unrecordable(loss_network, subjects)
    names = read_labels(labels) if labels else None
    classifier = Classifier(classifier_file, input_range=input_range, labels=names) if classifier_file else None
    return Judge(loss_network, classifier, noise, equivalent or 0)


def _show(
    evaluation: Evaluation, subjects: Sequence[Subject], *, as_json: bool, csv_file: Path | None, report: Path | None
) -> None:
    from stylecli.evaluation.quality.report import styles_report
    from stylecli.evaluation.report.files import with_shared_keys, write_csv
    from stylecli.evaluation.report.page import write_report
    from stylecli.evaluation.runs.comparison import open_runs

    rows = with_shared_keys(evaluation.as_records())
    if as_json:
        for row in rows:
            emit_json({"event": "result", **row})
    else:
        print_table([{key: value for key, value in row.items() if key not in NOT_IN_TABLE} for row in rows])
    if csv_file:
        write_csv(rows, csv_file)
    if report:
        runs = open_runs([subject.folder for subject in subjects if subject.pack is None])
        write_report(styles_report(evaluation, runs), report)


def _record(evaluation: Evaluation, subjects: Sequence[Subject]) -> None:
    from stylecli.packs.pack import record_measurement

    judge = evaluation.judge.loss_network
    for subject, assessment in zip(subjects, evaluation.assessments, strict=True):
        by = {"loss_network": judge.name, "loss_network_sha256": judge.sha256}
        if subject.pack:
            variant = subject.pack.variant
            topic = f"quality of {variant}" if variant else "quality"
            record_measurement(subject.pack, topic, {**assessment.quality.as_record(), **by})


def _refuse_unrecordable(judge: LossNetwork, subjects: Sequence[Subject]) -> None:
    from stylecli.evaluation.quality.judges import RECORDED

    if judge.name != RECORDED:
        raise UsageError(
            f"--record: cards hold the numbers of {RECORDED}, not of {judge.name}",
            hint="Use --judge vgg19, or give its weights with --loss-weights.",
        )
    refuse_runs(subjects)


def _failure_reporter(*, as_json: bool) -> Callable[[MediaError], None]:
    def report(error: MediaError) -> None:
        if as_json:
            emit_json({"event": "failed", "message": error.message, "hint": error.hint})
        else:
            _note(str(error))

    return report


def _note(text: str) -> None:
    say(f"stylecli: {text}")
