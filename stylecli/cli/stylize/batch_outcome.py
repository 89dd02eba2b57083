"""Print and report the results of a batch: each item when it ends, and a summary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stylecli.cli.console import emit, emit_json, progress_shown, say
from stylecli.core.errors import ItemsFailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from stylecli.stylize.batch.ledger import ItemOutcome


@dataclass(frozen=True)
class Outcome:
    """What to do with the results of a batch."""

    reports: Sequence[Path]
    golden: Path | None
    tolerance: float | None
    github: bool
    as_json: bool

    def check(self) -> None:
        """Check the reports and the accepted outputs before any work is done. Raises UsageError."""
        from stylecli.stylize.batch.golden.verify import check_golden
        from stylecli.stylize.batch.reports.files import check_report

        for report in self.reports:
            check_report(report)
        if self.golden:
            check_golden(self.golden)

    def tell(self, ended: Sequence[ItemOutcome], folder: Path) -> None:
        """Compare the outputs with accepted ones, write the reports, print the summary. Raises ItemsFailedError."""
        from stylecli.stylize.batch.reports.files import write_report
        from stylecli.stylize.batch.reports.github import annotation_lines, write_summary

        ended = self._verified(ended, folder) if self.golden else ended
        for report in self.reports:
            write_report(report, ended, folder)
        if self.github:
            write_summary(ended)
            for line in annotation_lines(ended):
                emit(line)
        _conclude(ended, as_json=self.as_json)

    def _verified(self, ended: Sequence[ItemOutcome], folder: Path) -> Sequence[ItemOutcome]:
        from stylecli.stylize.batch.golden.distance import NOTICEABLE
        from stylecli.stylize.batch.golden.verify import PICTURES, GoldenOptions, verify

        assert self.golden
        tolerance = NOTICEABLE if self.tolerance is None else self.tolerance
        how = GoldenOptions(self.golden, folder / PICTURES, tolerance)
        with progress_shown(as_json=self.as_json) as progress:
            return verify(ended, folder, how, progress=progress, report=reporter(as_json=self.as_json))


def reporter(*, as_json: bool) -> Callable[[ItemOutcome], None]:
    """Make a callback that prints each result: outputs on stdout, failures and warnings on stderr, or all as JSON."""

    def report(ended: ItemOutcome) -> None:
        if as_json:
            emit_json({"event": "result", **ended.item.row(), "status": ended.status, **ended.facts})
        elif ended.status == "failed":
            fault = ended.facts["error"].removeprefix(f"{ended.item.id}: ")  # the id may be the output's path
            say(f"stylecli: {ended.item.id}: {fault}. {ended.facts['hint']}".rstrip())
        elif ended.status == "done":
            emit(ended.item.output)
            for warning in ended.facts["warnings"]:
                say(f"stylecli: {ended.item.id}: {warning}")

    return report


def _conclude(ended: Sequence[ItemOutcome], *, as_json: bool) -> None:
    counts = {status: sum(1 for one in ended if one.status == status) for status in ("done", "skipped", "failed")}
    if as_json:
        emit_json({"event": "summary", **counts})
    else:
        say(f"stylecli: {counts['done']} done, {counts['skipped']} done before, {counts['failed']} failed")
    if counts["failed"]:
        hint = "The others are done." if counts["failed"] < len(ended) else "See the messages above."
        raise ItemsFailedError(f"{counts['failed']} of {len(ended)} items failed", hint=hint)
