"""Draw the pictures of docs/page.md: the page in a real Chromium. Needs the extras `web` and `dev`.

python docs/make_page_pictures.py
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import skimage.data
from playwright.sync_api import sync_playwright

from stylecli.media.images.files import picture_from_pixels, write_picture

PICTURES = Path(__file__).parent / "pictures"
DESKTOP, PHONE = (1280, 840), (390, 840)
QUALITY = 72  # of the JPEG files
PATIENCE = 120_000  # milliseconds


def main() -> None:
    """Start the server, walk through the page, and take the pictures."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    with TemporaryDirectory() as name, _served() as address, sync_playwright() as playwright:
        photo = Path(name) / "coffee.jpg"
        write_picture(picture_from_pixels(skimage.data.coffee().copy()), photo, quality=95)
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = _opened(browser, address, DESKTOP, "light")
        page.set_input_files("#files", str(photo))
        page.wait_for_selector(".grid")
        page.wait_for_selector(".grid .waiting", state="detached")
        _take(page, "page-styles")
        page.locator(".grid button").nth(1).click()
        _settle(page)
        _take(page, "page-adjust")
        page = _opened(browser, address, PHONE, "dark")
        page.set_input_files("#files", str(photo))
        page.locator(".grid button").nth(2).click()
        _settle(page)
        _take(page, "page-phone")
        browser.close()


@contextmanager
def _served() -> Iterator[str]:
    command = [sys.executable, "-m", "stylecli", "serve", "--no-open", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


def _opened(browser: Any, address: str, size: tuple[int, int], scheme: str) -> Any:
    page = browser.new_page(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
    page.set_default_timeout(PATIENCE)
    page.goto(address)
    page.wait_for_selector(".start")
    return page


def _settle(page: Any) -> None:
    page.wait_for_selector(".studio")
    page.wait_for_selector(".veil", state="hidden")
    page.wait_for_selector(".strip .thumb:not(:has(canvas))", state="detached")


def _take(page: Any, name: str) -> None:
    page.wait_for_timeout(2000)  # what appears has faded in
    page.screenshot(path=str(PICTURES / f"{name}.jpg"), type="jpeg", quality=QUALITY)


if __name__ == "__main__":
    main()
