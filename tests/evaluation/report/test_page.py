"""Reports: one file, all in it, and nothing of it from elsewhere."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from stylecli.core.errors import MediaError, UsageError
from stylecli.evaluation.report.files import check_targets, with_shared_keys, write_csv, write_text
from stylecli.evaluation.report.page import Cell, Column, Report, Section, Table, best_of, write_report
from stylecli.evaluation.runs.comparison import open_runs
from stylecli.evaluation.runs.plots import loss_curves
from stylecli.evaluation.runs.report import comparison_report
from tests.support.evaluations import MakeRun


class Page(HTMLParser):
    """What a report holds: its text, its pictures, everything that it refers to."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.text: list[str] = []
        self.images: list[str] = []
        self.references: list[str] = []
        self.tags: list[str] = []
        self.source = file.read_text(encoding="utf-8")
        self.feed(self.source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "srcset", "data", "poster", "action"):
                self.references.append(value or "")
                if tag == "img":
                    self.images.append(value or "")

    def handle_data(self, data: str) -> None:
        self.text.append(data.strip())

    def pictures(self, kind: str) -> Iterator[bytes]:
        """The bytes of all pictures of one kind."""
        for source in self.images:
            if source.startswith(f"data:{kind};base64,"):
                yield base64.b64decode(source.partition(",")[2], validate=True)


def assert_self_contained(page: Page) -> None:
    assert page.images
    assert all(reference.startswith("data:image/") for reference in page.references)
    assert not {"script", "link", "iframe"} & set(page.tags)
    assert "url(" not in page.source
    assert "@import" not in page.source
    assert not re.search(r"https?://", page.source)


def test_runs_side_by_side_stand_in_one_file(make_run: MakeRun, tmp_path: Path) -> None:
    runs = open_runs([make_run(tmp_path / "first"), make_run(tmp_path / "second", steps=80, level=2)])
    write_report(comparison_report(runs), tmp_path / "report.html")
    page = Page(tmp_path / "report.html")
    assert_self_contained(page)
    (curves,) = page.pictures("image/svg+xml")
    assert curves.startswith(b"<?xml")
    assert len(list(page.pictures("image/jpeg"))) == 8  # four iterations of each
    for text in ("first", "second", "Losses over iterations", "iteration 80"):
        assert text in page.text


def test_a_broken_sample_is_left_out(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", steps=20)
    (run / "samples" / "step_000010.png").write_bytes(b"\x89PNG half")
    write_report(comparison_report(open_runs([run])), tmp_path / "report.html")
    assert len(list(Page(tmp_path / "report.html").pictures("image/jpeg"))) == 1


def test_runs_without_a_log_have_no_curves(tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text("")
    (tmp_path / "log.jsonl").write_text("")
    assert loss_curves({"empty": open_runs([_with_recipe(tmp_path)])[0].curves}) is None


def test_names_are_text_not_markup(make_run: MakeRun, tmp_path: Path) -> None:
    (run,) = open_runs([make_run(tmp_path / "<b>$x$ & co")])
    write_report(comparison_report([run]), tmp_path / "report.html")
    page = Page(tmp_path / "report.html")
    assert "<b>$x$ & co" in page.text
    assert "b" not in page.tags


def test_marks_are_kept(tmp_path: Path) -> None:
    table = Table((Column("", is_text=True), Column("loss", "lower")), ((Cell("a"), Cell("0.5", "best")),))
    write_report(Report("Title", (("by", "hand"),), (Section("One", "text", (table,)),)), tmp_path / "report.html")
    page = Page(tmp_path / "report.html")
    assert 'class="best"' in page.source
    assert "lower is better" in page.text


@pytest.mark.parametrize(
    ("values", "better", "best"),
    [([3, 1, 2], "lower", 1), ([3, 1, None], "higher", 3), ([2, 2], "lower", None), ([1, 2], "", None)],
)
def test_the_best_is_marked_where_there_is_a_choice(values: list[int | None], better: str, best: int | None) -> None:
    assert best_of(values, better) == best


def test_a_file_that_is_there_is_kept(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("mine")
    with pytest.raises(UsageError, match="overwrite=True"):
        check_targets([tmp_path / "report.html"], overwrite=False)
    check_targets([tmp_path / "report.html"], overwrite=True)


def test_one_name_for_two_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="twice"):
        check_targets([tmp_path / "a", tmp_path / "sub" / ".." / "a"], overwrite=True)


def test_a_place_that_is_none_is_a_media_error(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="folder"):
        check_targets([tmp_path / "nowhere" / "report.html"], overwrite=False)
    (tmp_path / "folder").mkdir()
    with pytest.raises(MediaError, match="it is a folder"):
        check_targets([tmp_path / "folder"], overwrite=True)
    with pytest.raises(MediaError, match="written"):
        write_text("text", tmp_path / "folder")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]  # no half file is left


def test_a_folder_that_cannot_be_written_is_told_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # as on a disk that is read only: permissions do not stop root
    with pytest.raises(MediaError, match="its folder cannot be written"):
        check_targets([tmp_path / "report.html"], overwrite=True)


def test_names_that_are_no_text_are_written(tmp_path: Path) -> None:
    write_text("photo\udcff.jpg", tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text() == "photo?.jpg"


def test_rows_share_their_headings(tmp_path: Path) -> None:
    rows = with_shared_keys([{"name": "a", "style": 0.5}, {"name": "b, c", "photos": ("1", "2")}])
    write_csv(rows, tmp_path / "table.csv")
    assert (tmp_path / "table.csv").read_text().splitlines() == ["name,style,photos", "a,0.5,", '"b, c",,1; 2']


def _with_recipe(folder: Path) -> Path:
    (folder / "recipe.toml").write_text('network = "fast"\n')
    return folder
