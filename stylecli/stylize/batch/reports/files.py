"""Reports of a batch in files: JUnit XML with a test case for each item, JSON, or a page in HTML."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from stylecli.core.errors import UsageError
from stylecli.core.files import blamed_on, write_atomically
from stylecli.stylize.batch.ledger import SKIPPED, ItemOutcome
from stylecli.stylize.batch.reports.page import report_page
from stylecli.stylize.batch.results import FAILED

FORMATS = (".xml", ".json", ".html")
NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # characters that XML 1.0 forbids


def check_report(path: Path) -> None:
    """Refuse an unknown format before any work is done.

    Raises:
        UsageError: the suffix is none of FORMATS.
    """
    if path.suffix.lower() not in FORMATS:
        raise UsageError(f"{path}: no format of a report", hint=f"Use {', '.join(FORMATS)}.")


def write_report(path: Path, ended: Sequence[ItemOutcome], folder: Path) -> None:
    """Write a report, whole or not at all; one that is there is replaced. Outputs are relative to `folder`.

    Raises:
        MediaError: it cannot be written.
    """
    match path.suffix.lower():
        case ".xml":
            text = _junit(ended)
        case ".json":
            text = _json(ended)
        case _:
            text = report_page(ended, folder)
    with blamed_on(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text)


def _junit(ended: Sequence[ItemOutcome]) -> bytes:
    seconds = sum(one.facts.get("seconds", 0) for one in ended)
    counts = {status: str(sum(1 for one in ended if one.status == status)) for status in (FAILED, SKIPPED)}
    totals = {"tests": str(len(ended)), "failures": counts[FAILED], "skipped": counts[SKIPPED], "errors": "0"}
    suites = ElementTree.Element("testsuites")
    suite = ElementTree.SubElement(suites, "testsuite", {"name": "stylecli batch", **totals, "time": f"{seconds:.3f}"})
    for one in ended:
        time = f"{one.facts.get('seconds', 0):.3f}"
        names = {"name": _clean(one.item.id), "classname": _clean(one.item.style), "time": time}
        case = ElementTree.SubElement(suite, "testcase", names)
        if one.status == FAILED:
            kind = {"type": _clean(one.facts["kind"]), "message": _clean(one.facts["error"])}
            ElementTree.SubElement(case, "failure", kind).text = _clean(one.facts.get("hint", ""))
        elif one.status == SKIPPED:
            ElementTree.SubElement(case, "skipped", {"message": "done by an earlier run"})
        if warnings := one.facts.get("warnings"):
            ElementTree.SubElement(case, "system-out").text = _clean("\n".join(warnings))
    ElementTree.indent(suites)
    text: bytes = ElementTree.tostring(suites, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _json(ended: Sequence[ItemOutcome]) -> bytes:
    rows = [{**one.item.row(), "result": {**one.facts, "status": one.status}} for one in ended]
    return json.dumps(rows, indent=1).encode() + b"\n"


def _clean(text: str) -> str:
    return NOT_XML.sub("\ufffd", text)
