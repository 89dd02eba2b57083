"""`stylecli evaluate compare`: compare training runs."""

from __future__ import annotations

from pathlib import Path

import click

from stylecli.cli import options
from stylecli.cli.console import print_results, say
from stylecli.cli.extras import needs_extra
from stylecli.cli.parameters import PathType


@click.command(short_help="Compare training runs: final losses, seconds, parameters.")
@click.argument("runs", nargs=-1, required=True, metavar="RUN...", type=PathType(file_okay=False))
@options.csv_file
@options.report
@options.overwrite
@options.as_json
@needs_extra("train")
def compare(runs: tuple[Path, ...], csv_file: Path | None, report: Path | None, overwrite: bool, as_json: bool) -> None:
    """Compare runs of `stylecli train`, finished or not: final losses, seconds, parameters, recipes.

    A final loss is the mean over the end of the log. The report draws all curves in one plot.
    """
    from stylecli.evaluation.report.files import check_targets, write_csv
    from stylecli.evaluation.report.page import write_report
    from stylecli.evaluation.runs.comparison import open_runs
    from stylecli.evaluation.runs.report import comparison_report

    check_targets([path for path in (csv_file, report) if path], overwrite=overwrite)
    opened = open_runs(runs)
    for run in opened:
        if not run.curves.steps:
            say(f"stylecli: {run.folder}: no log, so no losses")
    rows = [run.as_record() for run in opened]
    print_results(rows, as_json=as_json)
    if csv_file:
        write_csv(rows, csv_file)
    if report:
        write_report(comparison_report(opened), report)
