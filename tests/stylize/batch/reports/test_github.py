from __future__ import annotations

from pathlib import Path

from stylecli.stylize.batch.ledger import ItemOutcome
from stylecli.stylize.batch.manifests.rows import Item
from stylecli.stylize.batch.reports.github import ANNOTATIONS_MAX, annotation_lines, write_summary


def failed(name: str, error: str = "gone") -> ItemOutcome:
    return ItemOutcome(
        Item(name, name, f"out/{name}", "wave", "picture"),
        "failed",
        {"kind": "MediaError", "error": error, "hint": "Copy it again.", "seconds": 0.5},
    )


def test_each_failure_is_an_annotation() -> None:
    assert annotation_lines([failed("a:1,2.png", "50% lost\nand cut")]) == [
        "::error title=a%3A1%2C2.png::50%25 lost%0Aand cut. Copy it again"
    ]


def test_many_failures_are_ten_annotation_lines() -> None:
    lines = annotation_lines([failed(f"{number}.png") for number in range(25)])
    assert len(lines) == ANNOTATIONS_MAX
    assert lines[-1] == "::error title=stylecli batch::16 more items failed: 16 MediaError"
    assert len(annotation_lines([failed(f"{number}.png") for number in range(10)])) == ANNOTATIONS_MAX


def test_the_summary_is_appended_where_github_wants_it(tmp_path: Path) -> None:
    path = tmp_path / "summary.md"
    path.write_text("before\n")
    done = ItemOutcome(Item("b", "b.png", "out/b.png", "wave", "picture"), "done", {"seconds": 1.0})
    assert write_summary([failed("a|b.png"), done], {"GITHUB_STEP_SUMMARY": str(path)})
    text = path.read_text()
    assert text.startswith("before\n### stylecli batch")
    assert "| 1 | 0 | 1 | 1.5 |" in text
    assert "| a\\|b.png | wave | gone |" in text


def test_a_long_summary_stays_below_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "summary.md"
    write_summary([failed("x" * 5000, "y" * 9000) for _ in range(1000)], {"GITHUB_STEP_SUMMARY": str(path)})
    assert path.stat().st_size < 2**20
    assert "and 900 more" in path.read_text()


def test_elsewhere_nothing_is_written() -> None:
    assert not write_summary([failed("a.png")], {})
