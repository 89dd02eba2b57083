"""Every state of the page, light and dark, under axe: no serious fault."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from stylecli.core.extras import missing_packages
from tests.support.pages import open_files, opened, settled
from tests.web.conftest import Served

pytestmark = pytest.mark.browser

AXE = "axe-core@4.14.1"
RUN = (
    "async () => (await axe.run(document)).violations.map(v => [v.impact, v.id, v.nodes.map(n => n.html).slice(0, 3)])"
)


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give the source of axe, which npm fetches."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("no npm")
    folder = tmp_path_factory.mktemp("axe")
    done = subprocess.run([npm, "pack", AXE, "--silent"], cwd=folder, capture_output=True, text=True, check=False)
    archive = next(folder.glob("*.tgz"), None)
    if archive is None:
        pytest.skip(f"npm cannot fetch {AXE}: {done.stderr.strip()}")
    with tarfile.open(archive) as opened_archive:
        file = opened_archive.extractfile("package/axe.min.js")
        assert file
        return file.read().decode()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_no_state_has_a_serious_fault(
    chromium: Any,
    served: Served,
    desk: Path,
    axe: str,
    scheme: str,
    width: int,
) -> None:
    def check(state: str) -> None:
        page.wait_for_timeout(500)  # the pictures fade in, which lowers contrasts for a moment
        page.evaluate(axe)
        found = page.evaluate(RUN)
        assert [fault for fault in found if fault[0] in ("serious", "critical")] == [], state

    for page in opened(chromium, served.address, color_scheme=scheme):
        page.set_viewport_size({"width": width, "height": 800})
        check("start")
        if not missing_packages("train"):
            page.get_by_role("button", name="Learn a style").click()
            page.wait_for_selector(".learn")
            check("learn")
            page.go_back()
            page.wait_for_selector(".start")
        open_files(page, desk / "cat.png", desk / "coffee.jpg")
        page.wait_for_selector(".grid li:nth-child(4) canvas")
        check("styles")
        page.locator(".grid button").first.click()
        settled(page)
        check("one style")
        page.get_by_role("button", name="Paint a mask").click()
        check("mask")
        open_files(page, desk / "words.jpg")
        page.wait_for_selector("#banner:not([hidden])")
        check("a fault")
