"""What GitHub Actions shows of a batch: a summary on the page of the run, and annotations."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from stylecli.core.files import blamed_on
from stylecli.stylize.batch.ledger import SKIPPED, ItemOutcome
from stylecli.stylize.batch.results import DONE, FAILED

SUMMARY = "GITHUB_STEP_SUMMARY"  # the environment variable with the name of the summary's file
ANNOTATIONS_MAX = 10  # of a kind that GitHub shows of one step
ROWS_MAX = 100  # of failures in the summary; GitHub refuses more than 1 MiB
LONGEST_TEXT = 500  # characters of a cell


def annotation_lines(ended: Sequence[ItemOutcome]) -> list[str]:
    """Lines for stdout, which GitHub shows beside the run: one for each failure, at most 10 in all."""
    failed = [one for one in ended if one.status == FAILED]
    shown = failed if len(failed) <= ANNOTATIONS_MAX else failed[: ANNOTATIONS_MAX - 1]
    lines = [_command(one.item.id, f"{one.facts['error']}. {one.facts.get('hint', '')}".rstrip(". ")) for one in shown]
    if len(shown) < len(failed):
        kinds = Counter(str(one.facts.get("kind", "")) for one in failed[len(shown) :])
        listed = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
        lines.append(_command("stylecli batch", f"{len(failed) - len(shown)} more items failed: {listed}"))
    return lines


def write_summary(ended: Sequence[ItemOutcome], environment: Mapping[str, str] = os.environ) -> bool:
    """Append a summary in Markdown to the file that GitHub shows; False where GitHub gave none.

    Raises:
        MediaError: it cannot be written.
    """
    name = environment.get(SUMMARY)
    if not name:
        return False
    with blamed_on(Path(name)), Path(name).open("a", encoding="utf-8") as file:
        file.write("\n".join(_summary(ended)) + "\n")
    return True


def _summary(ended: Sequence[ItemOutcome]) -> Iterator[str]:
    counts = Counter(one.status for one in ended)
    seconds = sum(one.facts.get("seconds", 0) for one in ended)
    yield "### stylecli batch"
    yield ""
    yield "| done | done before | failed | seconds in workers |"
    yield "| ---: | ---: | ---: | ---: |"
    yield f"| {counts[DONE]} | {counts[SKIPPED]} | {counts[FAILED]} | {seconds:.1f} |"
    failed = [one for one in ended if one.status == FAILED]
    if not failed:
        return
    yield ""
    yield "| item | style | fault |"
    yield "| --- | --- | --- |"
    for one in failed[:ROWS_MAX]:
        yield f"| {_cell(one.item.id)} | {_cell(one.item.style)} | {_cell(one.facts['error'])} |"
    if len(failed) > ROWS_MAX:
        yield ""
        yield f"and {len(failed) - ROWS_MAX} more"


def _command(title: str, message: str) -> str:
    """A workflow command of GitHub, with the characters escaped that end one."""
    message = message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    title = title.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A").replace(":", "%3A").replace(",", "%2C")
    return f"::error title={title}::{message}"


def _cell(text: str) -> str:
    clean = text[:LONGEST_TEXT].replace("\\", "\\\\").replace("|", "\\|")
    return " ".join(clean.split()).replace("<", "&lt;").replace("`", "'")
