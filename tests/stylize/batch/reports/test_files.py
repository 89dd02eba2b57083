from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from stylecli.core.errors import UsageError
from stylecli.stylize.batch.ledger import ItemOutcome
from stylecli.stylize.batch.manifests.rows import Item
from stylecli.stylize.batch.reports.files import check_report, write_report

ENDED = [
    ItemOutcome(
        Item("a", "a.png", "out/a.png", "wave", "picture"), "done", {"seconds": 1.5, "warnings": ["sound <lost>"]}
    ),
    ItemOutcome(
        Item("b\x00", "b.png", "out/b.png", "wave", "picture"),
        "failed",
        {
            "seconds": 0.25,
            "kind": "MediaError",
            "error": 'b.png: "cut" & gone',
            "hint": "Copy it again.",
            "warnings": [],
        },
    ),
    ItemOutcome(Item("c", "c.png", "out/c.png", "wave", "picture"), "skipped"),
]


def test_junit_has_a_case_for_each_item(tmp_path: Path) -> None:
    write_report(tmp_path / "deep" / "junit.xml", ENDED, tmp_path)
    suite = ElementTree.parse(tmp_path / "deep" / "junit.xml").getroot()[0]
    assert {name: suite.get(name) for name in ("tests", "failures", "skipped", "errors", "time")} == {
        "tests": "3",
        "failures": "1",
        "skipped": "1",
        "errors": "0",
        "time": "1.750",
    }
    assert [case.get("name") for case in suite] == ["a", "b\ufffd", "c"]
    failure = suite[1].find("failure")
    assert failure is not None
    assert (failure.get("message"), failure.text) == ('b.png: "cut" & gone', "Copy it again.")
    assert suite[0].findtext("system-out") == "sound <lost>"


def test_json_holds_the_records(tmp_path: Path) -> None:
    write_report(tmp_path / "report.json", ENDED, tmp_path)
    rows = json.loads((tmp_path / "report.json").read_text())
    assert [row["result"]["status"] for row in rows] == ["done", "failed", "skipped"]


def test_other_formats_are_refused() -> None:
    with pytest.raises(UsageError, match="no format"):
        check_report(Path("report.pdf"))
