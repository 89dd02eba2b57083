"""What tests of the page do in a browser: open it, wait, read pixels."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylecli.cli.app import suite
from stylecli.media.images.files import read_picture
from stylecli.media.video.writing.writer import Sound, record
from stylecli.packs.shelves import list_styles
from stylecli.photos.film import RATE, chord

PATIENCE = 60_000  # milliseconds
STYLES = tuple(pack.name for pack in list_styles())  # in the order of the page
CHOSEN = "great-wave"
ALL_SHOWN = f"document.querySelectorAll('.grid canvas').length === {len(STYLES) + 1}"  # and the photo
QUICK_LEARNING = Path(__file__).with_name("quick_learning.py")  # the program, with short lessons


def opened(chromium: Any, address: str, *, tolerated: tuple[str, ...] = (), **options: Any) -> Iterator[Any]:
    context = chromium.new_context(viewport={"width": 1280, "height": 850}, **options)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: message.type == "error" and faults.append(message.text))
    page.goto(address)
    page.wait_for_selector(".start, .choosing, .studio")
    page.faults = faults
    yield page
    context.close()
    unexpected = [fault for fault in faults if not any(one in fault for one in ("status of 4", *tolerated))]
    assert not unexpected, unexpected


def until(page: Any, condition: str) -> None:
    """Wait for an expression; `wait_for_function` would need `eval`, which the page's policy forbids."""
    for _ in range(PATIENCE // 100):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"never: {condition}")


def open_files(page: Any, *paths: Path) -> None:
    page.set_input_files("#files", [str(path) for path in paths])


def settled(page: Any) -> None:
    page.wait_for_selector(".studio")
    until(page, "document.querySelector('.layer.after canvas').width > 300")
    page.wait_for_selector(".veil", state="hidden")
    page.wait_for_timeout(300)  # two frames, and the pause of the sliders


def pixels(page: Any, selector: str) -> NDArray[np.uint8]:
    """The pixels of a canvas, (H, W, 3)."""
    address = page.eval_on_selector(selector, "canvas => canvas.toDataURL('image/png')")
    found: NDArray[np.uint8] = read_picture(base64.b64decode(address.partition(",")[2])).pixels
    return found


def after(page: Any) -> NDArray[np.uint8]:
    return pixels(page, ".layer.after canvas")


def difference(one: NDArray[np.uint8], other: NDArray[Any]) -> int:
    return int(np.abs(one.astype(int) - other.astype(int)).max())


def set_slider(page: Any, label: str, value: float) -> None:
    page.get_by_label(label, exact=True).evaluate(
        "(input, value) => { input.value = value; input.dispatchEvent(new Event('input', {bubbles: true})) }", value
    )


def write_clip(path: Path, frames: Iterator[NDArray[np.uint8]], *, size: tuple[int, int], rate: int) -> None:
    record(path, frames, size=size, rate=Fraction(rate), sound=Sound(chord(1.0), RATE))


def style_button(page: Any, style: str = CHOSEN, styles: Sequence[str] = STYLES) -> Any:
    """The button of a style among the small pictures; `styles` are those of the page, in order."""
    return page.locator(".grid button").nth(styles.index(style))


def choose(page: Any, desk: Path, style: str = CHOSEN) -> None:
    """Open the cat in a style, large."""
    open_files(page, desk / "cat.png")
    page.wait_for_selector(".grid")
    style_button(page, style).click()
    settled(page)


def by_command_line(desk: Path, output: Path, *options: str) -> Path:
    suite.main(["image", str(desk / "cat.png"), "-o", str(output), *options], standalone_mode=False)
    return output
