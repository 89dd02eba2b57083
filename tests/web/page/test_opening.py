"""How pictures come to the page in a browser, and what is said of those that do not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stylecli.media.images.files import picture_from_pixels, read_picture, write_picture
from tests.support.pages import (
    ALL_SHOWN,
    CHOSEN,
    STYLES,
    choose,
    open_files,
    opened,
    settled,
    style_button,
    until,
)
from tests.web.conftest import Served, serving

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    ("name", "message"),
    [("words.jpg", "neither a picture nor a video"), ("phone.heic", "it is damaged or truncated")],
)
def test_a_file_that_cannot_be_read_is_explained(page: Any, desk: Path, name: str, message: str) -> None:
    open_files(page, desk / name)
    page.wait_for_selector("#banner:not([hidden])")
    said = page.inner_text("#banner")
    assert message in said
    assert name in said
    assert "/" not in said.replace(name, "")


def test_a_photo_of_20_megabytes_is_taken(page: Any, tmp_path: Path) -> None:
    noise = np.random.default_rng(5).integers(0, 256, (2600, 2600, 3), np.uint8)
    path = tmp_path / "noise.png"
    write_picture(picture_from_pixels(noise), path)
    assert path.stat().st_size > 20_000_000
    page.locator(".samples button").nth(STYLES.index(CHOSEN)).click()  # the sample, in this style
    settled(page)
    open_files(page, path)
    page.wait_for_selector(".facts:has-text('noise.png')")
    settled(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download", exact=True).click()
    assert read_picture(Path(download.value.path())).pixels.shape == noise.shape


def test_two_tabs_do_not_disturb_each_other(page: Any, desk: Path, served: Served) -> None:
    choose(page, desk)
    other = page.context.new_page()
    other.goto(served.address)
    other.wait_for_selector(".start")
    open_files(other, desk / "coffee.jpg")
    style_button(other, "starry-night").click()
    settled(other)
    assert "coffee.jpg" in other.inner_text(".facts")
    page.reload()
    settled(page)
    assert "cat.png" in page.inner_text(".facts")
    other.close()


def test_what_is_opened_from_the_first_view_stands_alone(page: Any, desk: Path) -> None:
    choose(page, desk)
    page.locator("a.mark").click()
    open_files(page, desk / "coffee.jpg", desk / "clip.mp4")
    page.wait_for_selector(".files li:nth-child(2)")
    assert page.locator(".files .name").all_inner_texts() == ["coffee.jpg", "clip.mp4"]


def test_a_picture_comes_from_the_camera(page: Any) -> None:
    page.get_by_role("button", name="Take a picture").click()
    until(page, "document.querySelector('dialog video')?.videoWidth > 0")
    page.get_by_role("button", name="Take it").click()
    page.wait_for_selector(".grid")
    assert "camera.png" in page.inner_text(".title")


def test_a_picture_is_dropped_and_pasted(page: Any, desk: Path) -> None:
    for event, holder in (("drop", "dataTransfer"), ("paste", "clipboardData")):
        page.evaluate(
            """async ([event, holder]) => {
                 const blob = await (await fetch('sample.jpg')).blob();
                 const data = new DataTransfer();
                 data.items.add(new File([blob], `${event}.jpg`, {type: 'image/jpeg'}));
                 const kind = event === 'drop' ? DragEvent : ClipboardEvent;
                 dispatchEvent(new kind(event, {[holder]: data, bubbles: true, cancelable: true}));
               }""",
            [event, holder],
        )
        page.wait_for_selector(f"text={event}.jpg")


def test_a_stopped_server_is_told_and_a_new_one_works(chromium: Any, desk: Path, tmp_path: Path) -> None:
    with serving(tmp_path) as first:
        pages = opened(chromium, first.address, tolerated=("ERR_",))
        page = next(pages)
        choose(page, desk)
        first.process.kill()
        first.process.wait()
        page.get_by_role("button", name="Download").click()
        page.wait_for_selector("text=does not answer")
    with serving(tmp_path) as second:
        page.goto(second.address)
        page.reload()
        page.wait_for_selector(".start")
        choose(page, desk)
        assert len(list(tmp_path.glob("stylecli-web-*"))) == 1  # what the killed one left is gone
        next(pages, None)  # closed before its server ends, which refuses what the page still asks for


def test_the_address_of_a_new_run_works_in_the_tab_of_an_old_one(page: Any, served: Served) -> None:
    page.goto(f"{served.url}?#key=old")
    page.wait_for_selector("text=This address is of an earlier run")
    page.goto(f"{served.url}?#key={served.key}")  # only the fragment differs: the browser loads nothing by itself
    page.wait_for_selector(".start")
    assert page.is_hidden("#banner")


def test_a_file_that_is_gone_is_told(page: Any, served: Served) -> None:
    page.goto(f"{served.url}?#key={served.key}&file=gone&files=gone")
    page.wait_for_selector(".start")
    page.wait_for_timeout(300)
    assert page.is_visible("text=The file is not there any more")


def test_a_password_lets_another_machine_in(chromium: Any, tmp_path: Path, desk: Path) -> None:
    with serving(tmp_path, "--host", "0.0.0.0", STYLECLI_PASSWORD="open sesame") as server:
        assert server.key == ""
        context = chromium.new_context()
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{server.port}/")
        page.get_by_label("Password").fill("wrong word")
        page.get_by_role("button", name="Enter").click()
        page.wait_for_selector("text=The password is wrong")
        page.get_by_label("Password").fill("open sesame")
        page.get_by_role("button", name="Enter").click()
        page.wait_for_selector(".start")
        open_files(page, desk / "cat.png")
        until(page, ALL_SHOWN)
        context.close()
    assert "plain HTTP" in server.errors.read_text()
