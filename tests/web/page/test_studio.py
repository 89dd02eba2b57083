"""What a visitor adjusts in a browser, and that the pixels are those of the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data

from stylecli.media.images.files import picture_from_pixels, read_picture, write_picture
from stylecli.packs.shelves import list_styles
from stylecli.web.pictures.previews import PROXY_SHORT_SIDE
from tests.support.pages import (
    ALL_SHOWN,
    CHOSEN,
    STYLES,
    after,
    by_command_line,
    choose,
    difference,
    open_files,
    pixels,
    set_slider,
    settled,
    style_button,
    until,
)

pytestmark = pytest.mark.browser


def test_a_photo_appears_in_every_style(page: Any, desk: Path, tmp_path: Path) -> None:
    open_files(page, desk / "cat.png")
    until(page, ALL_SHOWN)
    for number, style in enumerate(STYLES):
        shown = pixels(page, f".grid li:nth-child({number + 2}) canvas")
        options = ("-s", style, "--detail", "0")  # fine strokes would hardly be seen
        made = read_picture(by_command_line(desk, tmp_path / f"{style}.png", *options)).pixels
        assert difference(shown, made) <= 2


@pytest.mark.parametrize(
    ("change", "options"),
    [
        (("Strength", 0.4), ["--strength", "0.4"]),
        (("Stroke size", 1), ["--brush", "2"]),
        (("Strokes in empty areas", 2), ["--fill", "2"]),
        (("Fine strokes in detailed areas", 0.5), ["--detail", "0.5"]),
        (("Strokes along the shapes", 0.5), ["--flow", "0.5"]),
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


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("fill", "Strokes in empty areas"),
        ("detail", "Fine strokes in detailed areas"),
        ("flow", "Strokes along the shapes"),
    ],
)
def test_strokes_are_as_the_style_says_until_they_are_chosen(page: Any, desk: Path, name: str, label: str) -> None:
    own = {pack.name: getattr(pack.card, name) for pack in list_styles()}
    other = next(style for style in STYLES if own[style] != own[CHOSEN])
    choose(page, desk)
    slider = page.get_by_label(label, exact=True)
    assert float(slider.input_value()) == own[CHOSEN]
    page.click(f'.strip [data-style="{other}"]')
    assert float(slider.input_value()) == own[other]
    set_slider(page, label, 0)
    page.click(f'.strip [data-style="{CHOSEN}"]')
    page.reload()
    settled(page)
    assert float(slider.input_value()) == 0
    assert page.inner_text("code").endswith(f"--{name} 0")
    page.get_by_role("button", name="Reset").click()
    assert float(slider.input_value()) == own[CHOSEN]


def test_fine_strokes_are_those_of_the_command_line(page: Any, desk: Path, tmp_path: Path) -> None:
    choose(page, desk, "the-scream")
    made = read_picture(by_command_line(desk, tmp_path / "made.png", "-s", "the-scream")).pixels
    plain = read_picture(by_command_line(desk, tmp_path / "plain.png", "-s", "the-scream", "--detail", "0")).pixels
    assert difference(after(page), made) <= 2
    set_slider(page, "Fine strokes in detailed areas", 0)
    settled(page)
    assert difference(after(page), plain) <= 2
    assert difference(made, plain) > 50


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
    page.get_by_role("button", name="Paint a mask").press("Enter")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    page.get_by_role("button", name="Done").click()
    settled(page)
    height, width = skimage.data.chelsea().shape[:2]
    assert difference(after(page)[height // 2, width // 2], skimage.data.chelsea()[height // 2, width // 2]) == 0


def test_escape_ends_the_mask_and_keeps_it(page: Any, desk: Path) -> None:
    choose(page, desk)
    page.get_by_role("button", name="Paint a mask").press("Enter")
    page.keyboard.press("Space")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.textContent") == "Paint a mask"
    assert page.inner_text("code").endswith("--mask mask.png")


def test_the_divider_moves_by_mouse_and_by_keys(page: Any, desk: Path) -> None:
    choose(page, desk)
    frame = page.locator(".frame").bounding_box()
    page.mouse.click(frame["x"] + frame["width"] / 4, frame["y"] + 20)
    assert page.input_value(".split") == "25"
    page.keyboard.press("ArrowRight")
    assert page.input_value(".split") == "26"
    assert page.eval_on_selector(".layer.before", "e => e.style.clipPath").startswith("inset(0")


def test_the_styles_are_one_stop_of_the_tab_key_and_arrows_go_through_them(page: Any, desk: Path) -> None:
    choose(page, desk)
    page.focus('.strip [aria-pressed="true"]')
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    chosen = STYLES[STYLES.index(CHOSEN) + 1]
    until(page, f"document.querySelector('.strip [aria-pressed=true]').dataset.style === '{chosen}'")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.strip')") is None


def test_at_full_size_arrow_keys_move_the_picture(page: Any, desk: Path) -> None:
    page.set_viewport_size({"width": 360, "height": 600})  # narrower than the picture
    choose(page, desk)
    page.get_by_role("button", name="100 %").click()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "scroll"
    before = page.evaluate("document.activeElement.scrollLeft")
    page.keyboard.press("ArrowRight")
    until(page, f"document.querySelector('.scroll').scrollLeft > {before}")


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


def test_a_large_picture_does_not_wait_for_the_small_ones(page: Any, desk: Path) -> None:
    held: list[Any] = []

    def pass_only_large(route: Any) -> None:
        if '"tile":true' in route.request.post_data:
            held.append(route)
        else:
            route.continue_()

    page.route("**/api/paint", pass_only_large)
    choose(page, desk)
    assert 0 < len(held) < len(STYLES)


def test_the_last_painting_stays_until_the_next_one_is_there(page: Any, desk: Path) -> None:
    choose(page, desk)
    painting = after(page)
    page.route("**/api/paint", lambda _: None)  # never answered
    set_slider(page, "Stroke size", 1)
    page.wait_for_selector(".veil", state="visible")
    page.wait_for_timeout(300)
    assert difference(after(page), painting) == 0


def test_nothing_in_the_panel_moves_when_reset_appears(page: Any, desk: Path) -> None:
    choose(page, desk, "the-scream")  # a title of one line
    strength = page.get_by_label("Strength", exact=True)
    place = strength.bounding_box()
    set_slider(page, "Strength", 0.4)
    page.get_by_role("button", name="Reset").wait_for()
    assert strength.bounding_box() == place


def test_the_download_is_in_sight_in_a_low_window(page: Any, desk: Path) -> None:
    page.set_viewport_size({"width": 1366, "height": 650})
    choose(page, desk)
    assert page.get_by_role("button", name="Download").evaluate(
        "e => { const {x, y, width, height} = e.getBoundingClientRect();"
        " return e.contains(document.elementFromPoint(x + width / 2, y + height - 2)) }"
    )


def test_a_tiny_picture_is_enlarged(page: Any, tmp_path: Path) -> None:
    write_picture(picture_from_pixels(skimage.data.chelsea()[100:108, 100:108].copy()), tmp_path / "tiny.png")
    open_files(page, tmp_path / "tiny.png")
    style_button(page).click()
    page.wait_for_selector(".veil", state="hidden")
    assert page.locator(".frame").bounding_box()["width"] >= 200


@pytest.mark.parametrize("size", [(1200, 100), (100, 1200)])
def test_small_pictures_of_a_long_one_are_cut(page: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    width, height = size
    write_picture(picture_from_pixels(np.full((height, width, 3), 99, np.uint8)), tmp_path / "long.png")
    open_files(page, tmp_path / "long.png")
    box = page.locator(".grid .picture").first.bounding_box()
    assert 0.5 < box["width"] / box["height"] < 2.1


def test_reset_stands_there_only_while_something_is_changed(page: Any, desk: Path) -> None:
    choose(page, desk)
    reset = page.get_by_role("button", name="Reset")
    assert not reset.is_visible()
    set_slider(page, "Strength", 0.4)
    reset.click()
    assert page.get_by_label("Strength", exact=True).input_value() == "1"
    assert not reset.is_visible()
    assert page.evaluate("document.activeElement.type") == "range"


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


def test_a_mask_is_still_there_after_a_reload(page: Any, desk: Path) -> None:
    choose(page, desk)
    page.get_by_role("button", name="Paint a mask").press("Enter")
    page.keyboard.press("Space")
    page.reload()
    settled(page)
    height, width = skimage.data.chelsea().shape[:2]
    assert difference(after(page)[height // 2, width // 2], skimage.data.chelsea()[height // 2, width // 2]) == 0
    assert page.inner_text("code").endswith("--mask mask.png")


def test_the_keyboard_stays_on_the_button_that_downloads(page: Any, desk: Path) -> None:
    choose(page, desk)
    page.get_by_role("button", name="Download").focus()
    with page.expect_download():
        page.keyboard.press("Enter")
    page.wait_for_selector("text=is downloaded")
    until(page, "document.activeElement.innerText === 'Download'")


def test_a_slim_picture_has_no_names_over_it(page: Any, desk: Path, tmp_path: Path) -> None:
    choose(page, desk)
    assert page.locator(".tag:visible").count() == 2
    write_picture(picture_from_pixels(np.full((900, 60, 3), 90, np.uint8)), tmp_path / "slim.png")
    open_files(page, tmp_path / "slim.png")
    page.wait_for_selector("text=slim.png · 60 × 900")
    until(page, "document.querySelector('.layer.after canvas').width === 60")
    assert page.locator(".tag:visible").count() == 0
