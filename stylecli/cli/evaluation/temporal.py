"""`stylecli evaluate --temporal`: how steady styles are in videos."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stylecli.cli.console import emit_json, print_table, progress_shown
from stylecli.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from stylecli.evaluation.motion.steadiness import Steadiness
    from stylecli.evaluation.quality.subjects import Subject
    from stylecli.inference.engine import Device

TOPIC = "steadiness"  # of the card


def check_topic(*, temporal: bool, photos: Sequence[Path], sintel: Path | None, how: Mapping[str, Any]) -> None:
    """Refuse options that the chosen kind of measurement does not look at."""
    judged_by = ("painting", "classifier_file", "labels", "equivalent", "loss_weights")
    if temporal and (unused := [name for name in judged_by if how[name]]):
        option = unused[0].removesuffix("_file").replace("_", "-")
        raise UsageError(f"--{option} with --temporal, which has no use for it", hint="Measure the two one by one.")
    if not temporal and sintel:
        raise UsageError("--sintel without --temporal", hint="Add --temporal.")
    if not temporal and not photos:
        raise UsageError("no photo to measure on", hint="Give some with --photos.")


def refuse_runs(subjects: Sequence[Subject]) -> None:
    """Refuse to record what was measured of runs."""
    if runs := [subject.name for subject in subjects if subject.pack is None]:
        raise UsageError(f"--record: {runs[0]} is a run, which has no card", hint="Export it first.")


def measure_temporally(
    subjects: Sequence[Subject], stills: Sequence[Path], sintel: Path | None, device: Device, *, as_json: bool
) -> Steadiness:
    """Measure styles and runs on clips whose motion is known."""
    from stylecli.evaluation.motion.clips import known_clips
    from stylecli.evaluation.motion.steadiness import measure_steadiness

    with ExitStack() as stack, progress_shown(as_json=as_json) as progress:
        stylizers = {subject.name: stack.enter_context(subject.open(device)) for subject in subjects}
        return measure_steadiness(stylizers, known_clips(stills, sintel), progress=progress)


def show_steadiness(
    steadiness: Steadiness,
    subjects: Sequence[Subject],
    *,
    as_json: bool,
    csv_file: Path | None,
    report: Path | None,
    record: bool,
) -> None:
    """Print what was measured, and write it where it is wanted."""
    from stylecli.evaluation.motion.report import temporal_report
    from stylecli.evaluation.report.files import write_csv
    from stylecli.evaluation.report.page import write_report

    records = steadiness.as_records()
    rows = [{key: value for key, value in one.items() if key != "clips"} for one in records]
    if as_json:
        for one in records:
            emit_json({"event": "result", **one})
    else:
        print_table(rows)
    if csv_file:
        write_csv(rows, csv_file)
    if report:
        write_report(temporal_report(steadiness), report)
    if record:
        _record(steadiness, subjects)


def _record(steadiness: Steadiness, subjects: Sequence[Subject]) -> None:
    from stylecli.packs.pack import record_measurement

    for subject, record in zip(subjects, steadiness.as_records(), strict=True):
        if subject.pack:
            variant = subject.pack.variant
            numbers = {key: value for key, value in record.items() if key not in ("name", "clips")}
            clips = [clip["clip"] for clip in record["clips"]]
            record_measurement(subject.pack, f"{TOPIC} of {variant}" if variant else TOPIC, {**numbers, "clips": clips})
