"""The modules of the page: all are asked for at once, each text is used."""

from __future__ import annotations

import re

from stylecli.web.page_files import PAGE


def test_the_page_asks_for_all_its_modules_at_once() -> None:
    page = (PAGE / "index.html").read_text(encoding="utf-8")
    later = {"engine-server.js", "engine-browser.js", "worker.js"}  # an engine, and what it starts itself
    later |= {"detailing.js", "filling.js", "fine-strokes.js", "network-thread.js", "offscreen.js", "samples.js"}
    modules = {path.name for path in PAGE.glob("*.js")} - later | {"config.js"}
    assert set(re.findall(r'rel="modulepreload" href="([^"]+)"', page)) == modules


def test_no_size_of_text_is_fixed_in_pixels_so_that_the_browser_can_make_it_larger() -> None:
    rules = (PAGE / "page.css").read_text(encoding="utf-8")
    assert re.findall(r"font(?:-size)?:[^;]*\dpx", rules) == []


def test_every_text_stands_once_and_is_used() -> None:
    texts = re.findall(r"^  ([a-zA-Z]+):", (PAGE / "text.js").read_text(encoding="utf-8"), re.MULTILINE)
    modules = "".join(path.read_text(encoding="utf-8") for path in PAGE.glob("*.js"))
    assert sorted(texts) == sorted(set(re.findall(r"\bT\.([a-zA-Z]+)", modules)))
