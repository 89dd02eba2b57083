"""The page in a real browser: what a visitor does, and what must come of it."""

from __future__ import annotations

import io
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data

from stylecli.cli.app import suite
from stylecli.core.extras import missing_packages
from stylecli.media.images.files import picture_from_pixels, read_picture, write_picture
from stylecli.web.previews import PROXY_SHORT_SIDE
from tests.support.pages import (
    ALL_SHOWN,
    CHOSEN,
    QUICK_LEARNING,
    STYLES,
    after,
    difference,
    open_files,
    opened,
    pixels,
    set_slider,
    settled,
    style_button,
    until,
    write_clip,
)
from tests.web.conftest import Served, serving

pytestmark = pytest.mark.browser

IN_THE_MIDDLE = "/^[1-9]\\d* of 400/.test(document.querySelector('.progress .hint')?.textContent)"


@pytest.fixture
def page(chromium: Any, served: Served) -> Iterator[Any]:
    """Give the page, freshly opened; nothing may be reported on its console."""
    yield from opened(chromium, served.address)


def choose(page: Any, desk: Path, style: str = CHOSEN) -> None:
    """Open the cat in a style, large."""
    open_files(page, desk / "cat.png")
    page.wait_for_selector(".grid")
    style_button(page, style).click()
    settled(page)


def by_command_line(desk: Path, output: Path, *options: str) -> Path:
    suite.main(["image", str(desk / "cat.png"), "-o", str(output), *options], standalone_mode=False)
    return output


def test_a_photo_appears_in_every_style(page: Any, desk: Path, tmp_path: Path) -> None:
    open_files(page, desk / "cat.png")
    until(page, ALL_SHOWN)
    for number, style in enumerate(STYLES):
        shown = pixels(page, f".grid li:nth-child({number + 2}) canvas")
        made = read_picture(by_command_line(desk, tmp_path / f"{style}.png", "-s", style)).pixels
        assert difference(shown, made) <= 2


@pytest.mark.parametrize(
    ("change", "options"),
    [
        (("Strength", 0.4), ["--strength", "0.4"]),
        (("Stroke size", 1), ["--brush", "2"]),
        (("Keep the photo’s colours", None), ["--preserve-color"]),
    ],
)
def test_controls_change_the_picture_as_the_command_line_does(
    page: Any, desk: Path, tmp_path: Path, change: tuple[str, float | None], options: list[str]
) -> None:
    choose(page, desk)
    label, value = change
    if value is None:
        page.get_by_label(label, exact=True).check()
    else:
        set_slider(page, label, value)
    settled(page)
    made = read_picture(by_command_line(desk, tmp_path / "made.png", "-s", CHOSEN, *options)).pixels
    assert difference(after(page), made) <= 2
    command = page.inner_text("code")
    assert command == " ".join(["stylecli image cat.png -s great-wave", *options])


def test_the_download_is_that_of_the_command_line(page: Any, desk: Path, tmp_path: Path) -> None:
    choose(page, desk, "the-scream")
    set_slider(page, "Strength", 0.7)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == "cat-the-scream.png"
    made = by_command_line(desk, tmp_path / "made.png", "-s", "the-scream", "--strength", "0.7")
    assert Path(download.value.path()).read_bytes() == made.read_bytes()


def test_a_painted_mask_keeps_the_photo_where_it_was_painted(page: Any, desk: Path, tmp_path: Path) -> None:
    choose(page, desk)
    whole = after(page)
    page.get_by_role("button", name="Paint a mask").click()
    frame = page.locator(".frame").bounding_box()
    x, y = frame["x"] + frame["width"] / 2, frame["y"] + frame["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 20, y)
    page.mouse.up()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save mask").click()
    page.get_by_role("button", name="Done").click()
    settled(page)
    masked, photo = after(page), skimage.data.chelsea()
    height, width = photo.shape[:2]
    assert difference(masked[height // 2, width // 2], photo[height // 2, width // 2]) == 0
    assert difference(masked[:20], whole[:20]) == 0
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    mask = tmp_path / "mask.png"
    saved.value.save_as(mask)
    made = by_command_line(desk, tmp_path / "made.png", "-s", CHOSEN, "--mask", str(mask))
    assert Path(download.value.path()).read_bytes() == made.read_bytes()
    assert difference(masked, read_picture(made).pixels) <= 3


def test_a_mask_is_painted_by_keys(page: Any, desk: Path) -> None:
    choose(page, desk)
    page.get_by_role("button", name="Paint a mask").click()
    page.locator(".split").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    page.get_by_role("button", name="Done").click()
    settled(page)
    height, width = skimage.data.chelsea().shape[:2]
    assert difference(after(page)[height // 2, width // 2], skimage.data.chelsea()[height // 2, width // 2]) == 0


def test_the_divider_moves_by_mouse_and_by_keys(page: Any, desk: Path) -> None:
    choose(page, desk)
    frame = page.locator(".frame").bounding_box()
    page.mouse.click(frame["x"] + frame["width"] / 4, frame["y"] + 20)
    assert page.input_value(".split") == "25"
    page.keyboard.press("ArrowRight")
    assert page.input_value(".split") == "26"
    assert page.eval_on_selector(".layer.before", "e => e.style.clipPath").startswith("inset(0")


def test_two_styles_are_compared(page: Any, desk: Path, tmp_path: Path) -> None:
    choose(page, desk)
    page.get_by_label("Compare with").select_option("starry-night")
    settled(page)
    made = read_picture(by_command_line(desk, tmp_path / "made.png", "-s", "starry-night")).pixels
    assert difference(pixels(page, ".layer.before canvas"), made) <= 2


def test_two_styles_are_blended(page: Any, desk: Path, tmp_path: Path) -> None:
    choose(page, desk)
    page.get_by_label("Blend with").select_option("the-scream")
    set_slider(page, "Share of The Scream", 0.4)
    settled(page)
    until(page, "document.querySelector('code').textContent.includes('0.4')")
    assert page.inner_text("code") == "stylecli image cat.png -s great-wave:0.6+the-scream:0.4"
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    made = by_command_line(desk, tmp_path / "made.png", "-s", "great-wave:0.6+the-scream:0.4")
    assert Path(download.value.path()).read_bytes() == made.read_bytes()
    assert difference(after(page), read_picture(made).pixels) <= 2


def test_a_large_photo_shows_its_own_pixels_at_full_size(page: Any, tmp_path: Path) -> None:
    large = np.ascontiguousarray(skimage.data.chelsea().repeat(6, 0).repeat(6, 1))  # 2706 x 1800
    write_picture(picture_from_pixels(large), tmp_path / "cat.png")
    open_files(page, tmp_path / "cat.png")
    style_button(page).click()
    settled(page)
    assert after(page).shape[0] == PROXY_SHORT_SIDE
    page.get_by_role("button", name="100 %").click()
    page.wait_for_selector(".layer.after .fine", state="visible")
    fine = page.locator(".layer.after .fine")
    left, top = (round(float(fine.evaluate(f"e => parseFloat(e.style.{side})")) / 100 * size)
                 for side, size in (("left", 2706), ("top", 1800)))  # fmt: skip
    shown = pixels(page, ".layer.after .fine")
    made = read_picture(by_command_line(tmp_path, tmp_path / "made.png", "-s", CHOSEN)).pixels
    assert difference(shown, made[top : top + shown.shape[0], left : left + shown.shape[1]]) <= 2
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    assert Path(download.value.path()).read_bytes() == (tmp_path / "made.png").read_bytes()


def test_a_video_is_stylized_and_played(page: Any, desk: Path, tmp_path: Path) -> None:
    open_files(page, desk / "clip.mp4")
    until(page, ALL_SHOWN)
    set_slider(page, "Frame shown", 0.5)
    style_button(page).click()
    settled(page)
    set_slider(page, "To", 0.5)
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
    page.get_by_role("button", name="Back to the settings").click()
    page.wait_for_selector("text=Stylize the video")


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a clip that takes a while."""
    path = tmp_path_factory.mktemp("clips") / "long.mp4"
    frames = (np.roll(skimage.data.coffee()[:360, :480], 4 * step, 1) for step in range(400))
    write_clip(path, (np.ascontiguousarray(frame) for frame in frames), size=(480, 360), rate=24)
    return path


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


def test_a_reload_keeps_file_and_settings(page: Any, desk: Path) -> None:
    choose(page, desk, "starry-night")
    set_slider(page, "Strength", 0.35)
    settled(page)
    before = after(page)
    page.reload()
    settled(page)
    assert page.get_by_label("Strength", exact=True).input_value() == "0.35"
    assert difference(after(page), before) == 0
    page.go_back()
    page.wait_for_selector(".grid")


def test_a_reload_in_the_middle_goes_on_with_the_work(page: Any, long_clip: Path) -> None:
    open_files(page, long_clip)
    style_button(page).click()
    settled(page)
    page.get_by_role("button", name="Stylize the video").click()
    until(page, IN_THE_MIDDLE)
    page.reload()
    page.wait_for_selector("text=Back to the settings")  # below the result
    page.reload()
    page.wait_for_selector("text=Stylize the video")


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
            page.wait_for_selector(".learn .left > img", state="visible")
            page.reload()
            page.get_by_role("button", name="Use it on a photo").click()
            page.wait_for_selector("text=Open a photo to see it in Morning Coffee")
            open_files(page, desk / "cat.png")
            settled(page)
            assert page.inner_text(".panel h1") == "Morning Coffee"


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
    next(pages, None)


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
