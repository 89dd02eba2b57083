"""Long work in the browser: videos, zips, lessons; cancelled, and gone on with after a reload."""

from __future__ import annotations

import io
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data

from stylecli.cli.app import suite
from stylecli.core.extras import missing_packages
from tests.support.pages import (
    ALL_SHOWN,
    QUICK_LEARNING,
    after,
    by_command_line,
    open_files,
    opened,
    set_slider,
    settled,
    style_button,
    until,
    write_clip,
)
from tests.web.conftest import serving

pytestmark = pytest.mark.browser

LONG = 300_000  # milliseconds that a whole video or a lesson may take on a busy machine
IN_THE_MIDDLE = "/^[1-9]\\d* of 400/.test(document.querySelector('.progress .hint')?.textContent)"


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a clip that takes a while."""
    path = tmp_path_factory.mktemp("clips") / "long.mp4"
    frames = (np.roll(skimage.data.coffee()[:360, :480], 4 * step, 1) for step in range(400))
    write_clip(path, (np.ascontiguousarray(frame) for frame in frames), size=(480, 360), rate=24)
    return path


def test_a_video_is_stylized_and_played(page: Any, desk: Path, tmp_path: Path) -> None:
    open_files(page, desk / "clip.mp4")
    until(page, ALL_SHOWN)
    set_slider(page, "Frame shown", 0.25)
    style_button(page).click()
    settled(page)
    set_slider(page, "To", 0.75)
    set_slider(page, "To", 0.5)
    assert page.get_by_label("Frame shown", exact=True).input_value() == "0.5"  # the end that was moved is looked at
    assert page.inner_text("code") == "stylecli video clip.mp4 -s great-wave --range :0.5"
    page.get_by_role("button", name="Stylize the video").click()
    page.wait_for_selector(".layer.after video")
    until(page, "document.querySelector('.layer.after video').currentTime > 0.1")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == "clip-great-wave.mp4"
    made = tmp_path / "made.mp4"
    command = ["video", str(desk / "clip.mp4"), "-s", "great-wave", "--range", ":0.5", "-o", str(made)]
    suite.main(command, standalone_mode=False)
    assert Path(download.value.path()).read_bytes() == made.read_bytes()
    assert not page.get_by_label("Strength", exact=True).is_visible()  # it would change nothing
    page.get_by_role("button", name="Back to the settings").click()
    page.wait_for_selector("text=Stylize the video")
    assert page.get_by_label("Strength", exact=True).is_visible()


def test_strokes_along_the_shapes_are_chosen_for_a_video_too(page: Any, desk: Path, tmp_path: Path) -> None:
    open_files(page, desk / "clip.mp4")
    until(page, ALL_SHOWN)
    style_button(page).click()
    settled(page)
    for label in ("Strokes in empty areas", "Fine strokes in detailed areas"):
        assert page.get_by_label(label, exact=True).count() == 0
    shown = after(page)
    set_slider(page, "Strokes along the shapes", 0)
    until(page, "document.querySelector('.veil').hidden")
    settled(page)
    assert np.abs(after(page).astype(int) - shown).mean() > 1
    assert page.inner_text("code") == "stylecli video clip.mp4 -s great-wave --flow 0"
    page.get_by_role("button", name="Stylize the video").click()
    page.wait_for_selector(".layer.after video")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    made = tmp_path / "made.mp4"
    command = ["video", str(desk / "clip.mp4"), "-s", "great-wave", "--flow", "0", "-o", str(made)]
    suite.main(command, standalone_mode=False)
    assert Path(download.value.path()).read_bytes() == made.read_bytes()


def test_long_work_is_cancelled(page: Any, long_clip: Path) -> None:
    open_files(page, long_clip)
    style_button(page).click()
    settled(page)
    page.get_by_role("button", name="Stylize the video").click()
    until(page, IN_THE_MIDDLE)
    page.get_by_role("button", name="Cancel").click()
    page.wait_for_selector("text=Cancelled")
    assert page.get_by_role("button", name="Stylize the video").is_visible()


def test_several_files_become_a_zip(page: Any, desk: Path, tmp_path: Path) -> None:
    open_files(page, desk / "cat.png", desk / "coffee.jpg")
    page.wait_for_selector(".files li:nth-child(2)")
    style_button(page).click()
    settled(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download all 2 as a zip").click()
    archive = zipfile.ZipFile(io.BytesIO(Path(download.value.path()).read_bytes()))
    assert archive.namelist() == ["cat-great-wave.png", "coffee-great-wave.jpg"]
    made = by_command_line(desk, tmp_path / "made.png", "-s", "great-wave")
    assert archive.read("cat-great-wave.png") == made.read_bytes()
    assert page.locator('[data-state="done"]').count() == 2


def test_a_reload_in_the_middle_goes_on_with_the_work(page: Any, long_clip: Path) -> None:
    open_files(page, long_clip)
    style_button(page).click()
    settled(page)
    page.get_by_role("button", name="Stylize the video").click()
    until(page, IN_THE_MIDDLE)
    page.reload()
    page.wait_for_selector("text=Back to the settings", timeout=LONG)  # below the result
    page.reload()
    page.wait_for_selector("text=Stylize the video")


@pytest.mark.skipif(bool(missing_packages("train")), reason="without the extra `train`")
def test_a_style_is_learned_and_stands_among_the_others(chromium: Any, desk: Path, tmp_path: Path) -> None:
    shelf = str(tmp_path / "shelf")
    with serving(tmp_path, "--styles-dir", shelf, program=(sys.executable, str(QUICK_LEARNING))) as server:
        for page in opened(chromium, server.address):
            page.get_by_role("button", name="Learn a style").click()
            page.get_by_label("Choose a painting").set_input_files(str(desk / "coffee.jpg"))
            page.wait_for_selector(".painting canvas")
            assert page.get_by_label("Title").input_value() == "Coffee"
            page.get_by_label("Title").fill("Great Wave")
            page.get_by_label("Start from").select_option("the-scream")
            page.get_by_role("button", name="Learn this style").click()
            page.wait_for_selector("text=there is a style of this name")
            page.get_by_label("Title").fill("Morning Coffee")
            page.get_by_role("button", name="Learn this style").click()
            page.get_by_role("button", name="Cancel").click()
            page.get_by_role("button", name="Learn this style").click()
            page.wait_for_selector(".learn .left > img", state="visible", timeout=LONG)
            page.reload()
            page.get_by_role("button", name="Use it on a photo").click(timeout=LONG)
            page.wait_for_selector("text=Open a photo to see it in Morning Coffee")
            open_files(page, desk / "cat.png")
            settled(page)
            assert page.inner_text(".panel h1") == "Morning Coffee"
