from __future__ import annotations

import re
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path

import numpy as np

from stylecli.media.images.files import picture_from_pixels, write_picture
from stylecli.media.video.writing.writer import Sound, record
from stylecli.photos.film import RATE, chord
from stylecli.stylize.batch.ledger import ItemOutcome
from stylecli.stylize.batch.manifests.rows import Item
from stylecli.stylize.batch.reports import page
from stylecli.stylize.batch.reports.page import report_page

FACTS = {"seconds": 1.5, "width": 900, "height": 600, "frames": 1, "pixels": 540000, "warnings": []}


def done(name: str, **facts: object) -> ItemOutcome:
    kind = "video" if name.endswith(".mp4") else "picture"
    return ItemOutcome(Item(name, "a.png", name, "wave", kind), "done", {**FACTS, **facts})  # type: ignore[arg-type]


def failed(name: str, error: str = "cut", **facts: object) -> ItemOutcome:
    item = Item(name, "b.png", name, "wave", "picture")
    return ItemOutcome(item, "failed", {"kind": "MediaError", "error": error, "hint": "Copy it.", **facts})


def write(path: Path, width: int = 900) -> None:
    write_picture(picture_from_pixels(np.full((600, width, 3), 90, np.uint8)), path)


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]


def test_everything_is_inside_the_page(tmp_path: Path) -> None:
    write(tmp_path / "a.png")
    frames = (np.full((48, 64, 3), 40 * index, np.uint8) for index in range(3))
    record(tmp_path / "clip.mp4", frames, size=(64, 48), rate=Fraction(5), sound=Sound(chord(1.0), RATE))
    text = report_page([done("a.png"), done("clip.mp4")], tmp_path).decode()
    addresses = Page(text).addresses
    assert len(addresses) == 2
    assert all(address.startswith("data:image/jpeg;base64,") for address in addresses)
    assert "http" not in text


def test_a_sequence_is_shown_by_its_first_frame(tmp_path: Path) -> None:
    for name in ("shot.0001.png", "out.0001.png"):
        write(tmp_path / name)
    item = Item("s", "shot.%04d.png", "out.%04d.png", "wave", "sequence")
    assert len(Page(report_page([ItemOutcome(item, "done", FACTS)], tmp_path).decode()).addresses) == 1
    (tmp_path / "shot.0001.png").unlink()
    assert "not shown" in report_page([ItemOutcome(item, "done", FACTS)], tmp_path).decode()


def test_names_and_faults_are_text(tmp_path: Path) -> None:
    text = report_page([failed("<script>alert(1)</script>", "'<b>' & gone")], tmp_path).decode()
    assert "script" not in Page(text).tags
    assert "&lt;b&gt;" in text
    assert "<b>1</b>failed" in text


def test_the_slowest_come_first(tmp_path: Path) -> None:
    text = report_page([done("fast.png", seconds=0.5), done("slow.png", seconds=9.25)], tmp_path).decode()
    assert re.findall(r"<tr><td>(\w+).png", text) == ["slow", "fast"]
    assert "9.8 s in workers for 1.1 megapixels" in text


def test_what_differs_from_an_accepted_output_is_shown(tmp_path: Path) -> None:
    write(tmp_path / "d.png", width=1500)
    text = report_page([failed("a.png", difference=str(tmp_path / "d.png"), distance=7.0)], tmp_path).decode()
    assert "class='difference'" in text
    assert len(Page(text).addresses) == 1


def test_a_large_batch_shows_some_of_all(tmp_path: Path) -> None:
    write(tmp_path / "a.png", width=60)
    count = page.SHOWN_MAX * 3 // 2
    text = report_page([done("a.png") for _ in range(count)], tmp_path).decode()
    assert len(Page(text).addresses) == page.SHOWN_MAX
    assert f"{page.SHOWN_MAX} of {count}" in text


def test_an_output_that_is_gone_is_named(tmp_path: Path) -> None:
    text = report_page([done("a.png"), done("clip.mp4")], tmp_path).decode()
    assert text.count("not shown") == 2
    assert "clip.mp4" in text
