"""How quick the page is, in four numbers of one run: `python -m tests.web.speed`. Says something on an idle machine."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import skimage.data
import skimage.transform
from playwright.sync_api import sync_playwright

from stylecli.media.images.files import picture_from_pixels, write_picture
from stylecli.packs.shelves import find_style
from stylecli.web.gallery.site import write_gallery
from tests.support.file_servers import file_server
from tests.support.pages import CHOSEN, STYLES, open_files, settled
from tests.web.conftest import BROWSERS, serving

RUNS = 5  # the least time of so many is told
# Milliseconds from a slider's event to the moment when the picture has changed and the browser draws it.
SLIDE = """async ([label, value]) => {
  const labels = [...document.querySelectorAll('label')];
  const input = labels.find((one) => one.textContent === label).parentNode.querySelector('input');
  const canvas = document.querySelector('.layer.after canvas'), context = canvas.getContext('2d');
  const look = () => context.getImageData(0, canvas.height >> 1, canvas.width, 1).data.join();
  const before = look(), began = performance.now();
  input.value = value;
  input.dispatchEvent(new Event('input', {bubbles: true}));
  while (look() === before) await new Promise(requestAnimationFrame);
  return performance.now() - began;
}"""
PAINT = """async ([key, file, style]) => {
  const body = JSON.stringify({upload: file, style, brush: 1.5}); // what automatic strokes take here, and not kept yet
  const began = performance.now();
  const answer = await fetch('/api/paint', {method: 'POST', headers: {'x-stylecli-key': key}, body});
  await answer.arrayBuffer();
  return performance.now() - began;
}"""
FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
# For each picture, the two steps in milliseconds.
IN_BROWSER = """() => {
  const times = (step) => performance.getEntriesByName(`${step} 640 x 360`).map((one) => one.duration);
  const painted = times('painted'), drawnOut = times('drawn out');
  return painted.map((time, at) => [time, drawnOut[at]]);
}"""


def main() -> None:
    """Measure and print."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    with TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        with serving(folder) as server:
            page = _opened(browser, server.address)
            _tell("first paint", [page.evaluate(FIRST_PAINT)], 1000)
            open_files(page, _photo(folder / "large.png", 1920, 1080))
            page.locator(".grid button").first.click()
            settled(page)
            file = page.evaluate("new URLSearchParams(location.hash.slice(1)).get('file')")
            paint = [page.evaluate(PAINT, [server.key, file, style]) for style in STYLES]
            _tell("another style on a preview of 1920 x 1080, by the server", paint[1:], 250)
            slides = [page.evaluate(SLIDE, ["Strength", 0.9 - step / 10]) for step in range(RUNS)]
            _tell("slider to picture: strength", slides, 300)
            slides = [page.evaluate(SLIDE, ["Stroke size", 0.5 + step / 5]) for step in range(RUNS)]
            _tell("slider to picture: stroke size", slides, 300)
        write_gallery(folder / "site", [find_style(CHOSEN)])
        with file_server(folder / "site") as address:
            page = _opened(browser, address)
            for run in range(RUNS + 1):
                open_files(page, _photo(folder / f"small{run}.png", 640, 360))
                page.wait_for_selector(f"text=small{run}.png")
                page.wait_for_selector(".grid li:nth-child(2) canvas")
                page.wait_for_timeout(1500)
            steps = page.evaluate(IN_BROWSER)[1:]
            _tell("a preview of 640 x 360, by the browser", [sum(both) for both in steps], 400)
        browser.close()


def _opened(browser: Any, address: str) -> Any:
    page = browser.new_page(viewport={"width": 1280, "height": 850})
    page.goto(address)
    page.wait_for_selector(".start")
    page.wait_for_timeout(1000)
    return page


def _photo(path: Path, width: int, height: int) -> Path:
    photo = skimage.transform.resize(skimage.data.coffee(), (height, width), anti_aliasing=True)
    write_picture(picture_from_pixels((photo * 255).astype(np.uint8)), path, overwrite=True)
    return path


def _tell(what: str, milliseconds: list[float], bar: float) -> None:
    sys.stdout.write(f"{what}: {min(milliseconds):.0f} ms (bar: {bar:.0f} ms)\n")


if __name__ == "__main__":
    main()
