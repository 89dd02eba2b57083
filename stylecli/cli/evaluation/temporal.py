"""`stylecli evaluate --temporal`: measure how steady styles are in videos."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from stylecli.cli.console import print_results, progress_shown
from stylecli.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stylecli.evaluation.motion.steadiness import Steadiness
    from stylecli.evaluation.quality.candidates import Candidate
    from stylecli.evaluation.quality.options import JudgeOptions
    from stylecli.inference.sessions import Device

IGNORED = ("judge", "noise", "input_range")  # options with defaults, which --temporal ignores without an error


def check_topic(*, temporal: bool, photos: Sequence[Path], sintel: Path | None, judged_by: JudgeOptions) -> None:
    """Refuse options that the chosen kind of measurement does not use."""
    if temporal and (unused := [name for name in judged_by.chosen if name not in IGNORED]):
        raise UsageError(f"`temporal` does not use `{unused[0]}`", hint="Measure the two separately.")
    if not temporal and sintel:
        raise UsageError("`sintel` without `temporal`", hint="Add `temporal`.")
    if not temporal and not photos:
        raise UsageError("no photo to measure on", hint="Give some with `photos`.")


def evaluate_temporally(
    candidates: Sequence[Candidate],
    photos: Sequence[Path],
    sintel: Path | None,
    device: Device,
    record: bool,
    csv_file: Path | None,
    report: Path | None,
    *,
    as_json: bool,
) -> None:
    """Measure styles and runs on clips whose motion is known; print the numbers and write what is wanted."""
    from stylecli.evaluation.motion.clips import known_clips
    from stylecli.evaluation.motion.steadiness import measure_steadiness, record_steadiness
    from stylecli.evaluation.quality.candidates import refuse_runs
    from stylecli.media.images.files import pictures_in

    if record:
        refuse_runs(candidates)
    with ExitStack() as stack, progress_shown(as_json=as_json) as progress:
        stylizers = {candidate.name: stack.enter_context(candidate.open(device)) for candidate in candidates}
        steadiness = measure_steadiness(stylizers, known_clips(pictures_in(photos), sintel), progress=progress)
    _show(steadiness, csv_file, report, as_json=as_json)
    if record:
        record_steadiness(steadiness, candidates)


def _show(steadiness: Steadiness, csv_file: Path | None, report: Path | None, *, as_json: bool) -> None:
    from stylecli.evaluation.motion.report import temporal_report
    from stylecli.evaluation.report.files import write_csv
    from stylecli.evaluation.report.page import write_report

    records = steadiness.as_records()
    print_results(records, as_json=as_json, hidden=("clips",))
    if csv_file:
        write_csv([{key: value for key, value in one.items() if key != "clips"} for one in records], csv_file)
    if report:
        write_report(temporal_report(steadiness), report)
