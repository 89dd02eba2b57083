"""The static site in a real browser, from a plain file server: it paints there, and asks nobody else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

from stylecli.core.errors import StyleError
from stylecli.media.images.files import picture_from_pixels, read_picture, write_picture
from stylecli.packs.pack import StylePack
from stylecli.packs.shelves import find_style, list_styles
from stylecli.stylize.detailing import detail_weights
from stylecli.stylize.filling import stroke_texture
from stylecli.stylize.look import Look
from stylecli.stylize.style import load_style, stylize_image
from stylecli.web.gallery.site import write_gallery
from tests.support.file_servers import Isolating, Quiet, file_server
from tests.support.pages import (
    ALL_SHOWN,
    CHOSEN,
    STYLES,
    after,
    open_files,
    opened,
    pixels,
    set_slider,
    settled,
    style_button,
    until,
)

pytestmark = pytest.mark.browser


FEW = ("great-wave", "the-scream", "stables", "windmills")  # styles, enough to adjust and to blend


def site_of(folder: Path, packs: Sequence[StylePack]) -> Path:
    try:
        write_gallery(folder, packs)
    except StyleError as error:
        pytest.skip(str(error))
    return folder


@pytest.fixture(scope="module")
def whole_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return site_of(tmp_path_factory.mktemp("gallery") / "site", list_styles())


@pytest.fixture
def sky() -> NDArray[np.uint8]:
    """A sky with a blurred cloud over a rough ground, (242, 301, 3)."""
    down, across = np.mgrid[:242, :301] / 301
    cloud = np.exp(-(((down - 0.25) / 0.1) ** 2) - ((across - 0.6) / 0.2) ** 2)
    light = 0.45 + 0.4 * down + 0.15 * cloud
    photo = light[..., None] * np.array([0.6, 0.8, 1.0])
    photo[180:] *= np.random.default_rng(0).uniform(0.3, 1, (62, 301, 1))
    return np.rint(255 * photo.clip(0, 1)).astype(np.uint8)


@pytest.fixture(scope="module")
def small_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return site_of(tmp_path_factory.mktemp("gallery") / "site", [find_style(name) for name in FEW])


@pytest.fixture
def whole_page(request: pytest.FixtureRequest, whole_site: Path, chromium: Any) -> Iterator[Any]:
    """Give the page with all styles, from the kind of file server that the test asks for."""
    yield from visited(whole_site, chromium, request.param)


@pytest.fixture
def page(small_site: Path, chromium: Any) -> Iterator[Any]:
    """Give the page with few styles, from a plain file server."""
    yield from visited(small_site, chromium, Quiet)


def few_button(page: Any, style: str = CHOSEN) -> Any:
    return style_button(page, style, FEW)


def is_within_a_level(picture: NDArray[np.uint8], expected: NDArray[np.uint8]) -> bool:
    """Whether 99.9 % of the samples differ by one level at most."""
    return bool((np.abs(picture.astype(int) - expected) <= 1).mean() >= 0.999)


def is_the_same(picture: NDArray[np.uint8], expected: NDArray[np.uint8]) -> bool:
    """Whether 99 % of the samples differ by two levels at most: few strokes may turn where a number is rounded."""
    return bool((np.abs(picture.astype(int) - expected) <= 2).mean() >= 0.99)


def visited(site: Path, chromium: Any, kind: type[Quiet]) -> Iterator[Any]:
    """Open a site; nobody but its own server may be asked for anything."""
    asked = list[str]()
    with file_server(site, kind) as address:
        for page in opened(chromium, address):
            page.context.on("request", lambda request: asked.append(request.url))
            page.is_isolating = kind is Isolating
            yield page
    assert [url for url in asked if not url.startswith((address, "blob:", "data:"))] == []


@pytest.mark.parametrize("whole_page", [Quiet, Isolating], ids=["one thread", "threads"], indirect=True)
def test_a_photo_is_painted_in_the_browser_as_by_the_program(whole_page: Any, cat: Path, tmp_path: Path) -> None:
    page = whole_page
    open_files(page, cat)
    until(page, ALL_SHOWN)
    assert ("one thread" in page.inner_text("#foot")) is not page.is_isolating
    with load_style("great-wave") as style:
        painted = style(skimage.data.chelsea())
        assert is_the_same(pixels(page, f".grid li:nth-child({STYLES.index(CHOSEN) + 2}) canvas"), painted)
        style_button(page).click()
        settled(page)
        page.get_by_label("Keep the photo’s colours").check()
        set_slider(page, "Strength", 0.5)
        set_slider(page, "Stroke size", 1)
        settled(page)
        until(page, "!document.querySelector('.veil:not([hidden])')")
        page.wait_for_timeout(1500)
        made = tmp_path / "made.png"
        stylize_image(cat, made, style, look=Look(0.5, preserve_color=True, brush=2.0))
    assert abs(after(page).astype(int) - read_picture(made).pixels).mean() < 2  # the browser resizes by another filter
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == "cat-great-wave.png"
    downloaded = read_picture(Path(download.value.path())).pixels
    assert abs(downloaded.astype(int) - read_picture(made).pixels).mean() < 2


def test_a_link_carries_the_settings_and_no_picture(page: Any, cat: Path) -> None:
    open_files(page, cat)
    few_button(page, "the-scream").click()
    settled(page)
    set_slider(page, "Strength", 0.3)
    page.get_by_role("button", name="Copy a link").click()
    page.wait_for_selector("text=The link is copied")
    link = page.evaluate("navigator.clipboard.readText()")
    assert link.endswith("#style=the-scream&strength=0.3")
    other = page.context.new_page()
    other.goto(link)
    other.wait_for_selector("text=Open a photo to see it in The Scream")
    open_files(other, cat)
    settled(other)
    assert other.get_by_label("Strength", exact=True).input_value() == "0.3"


def test_two_styles_are_blended_and_a_link_keeps_the_blend(page: Any, cat: Path) -> None:
    open_files(page, cat)
    few_button(page).click()
    settled(page)
    page.get_by_label("Blend with").select_option("the-scream")
    set_slider(page, "Share of The Scream", 0.3)
    settled(page)
    with load_style("great-wave:0.7+the-scream:0.3") as style:
        mixed = style(skimage.data.chelsea())
    assert is_the_same(after(page), mixed)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == "cat-great-wave-70-the-scream-30.png"
    assert is_the_same(read_picture(Path(download.value.path())).pixels, mixed)
    page.get_by_role("button", name="Copy a link").click()
    page.wait_for_selector("text=The link is copied")
    link = page.evaluate("navigator.clipboard.readText()")
    assert link.endswith("#style=great-wave&blend=the-scream&share=0.3")


def test_a_blend_of_styles_with_a_common_base_is_that_of_the_program(page: Any, cat: Path) -> None:
    open_files(page, cat)
    few_button(page, "stables").click()
    settled(page)
    page.get_by_label("Blend with").select_option("windmills")
    set_slider(page, "Share of Adventure with the Windmills", 0.3)
    settled(page)
    with load_style("stables:0.7+windmills:0.3") as style:
        assert is_the_same(after(page), style(skimage.data.chelsea()))
        set_slider(page, "Fine strokes in detailed areas", 1)
        page.wait_for_timeout(200)  # the pause of the sliders
        settled(page)
        assert is_the_same(after(page), style(skimage.data.chelsea(), detail=1.0))


def test_strokes_in_empty_areas_are_those_of_the_program_and_a_link_keeps_them(
    page: Any, sky: NDArray[np.uint8], tmp_path: Path
) -> None:
    write_picture(picture_from_pixels(sky), tmp_path / "sky.png")
    open_files(page, tmp_path / "sky.png")
    few_button(page).click()
    settled(page)
    with load_style(CHOSEN) as style:
        assert is_the_same(after(page), style(sky))
        set_slider(page, "Strokes in empty areas", 2)
        page.wait_for_timeout(200)  # the pause of the sliders
        settled(page)
        strong, empty = style(sky, fill=2.0), style(sky, fill=0.0)
    assert is_the_same(after(page), strong)
    assert not is_the_same(after(page), empty)
    page.get_by_text("The same on the command line").click()
    assert page.inner_text("code").split() == f"stylecli image sky.png -s {CHOSEN} --fill 2".split()
    page.get_by_role("button", name="Copy a link").click()
    page.wait_for_selector("text=The link is copied")
    assert page.evaluate("navigator.clipboard.readText()").endswith(f"#style={CHOSEN}&fill=2")


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (1, 41), (90, 131), (242, 301)])
def test_the_texture_is_that_of_the_program(page: Any, sky: NDArray[np.uint8], size: tuple[int, int]) -> None:
    photo = np.ascontiguousarray(sky[: size[0], : size[1]])
    texture = stroke_texture(photo)
    script = """async ([bytes, width, height]) => {
        const { strokeTexture } = await import("./filling.js");
        return [...strokeTexture(Uint8Array.from(bytes), width, height).texture];
    }"""
    made = page.evaluate(script, [photo.ravel().tolist(), size[1], size[0]])
    differences = np.abs(np.reshape(made, texture.shape) - texture)
    assert (differences <= 1e-3).mean() >= 0.99


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (90, 131), (242, 301)])
def test_the_weights_of_fine_strokes_are_those_of_the_program(
    page: Any, sky: NDArray[np.uint8], size: tuple[int, int]
) -> None:
    photo = np.ascontiguousarray(sky[: size[0], : size[1]])
    photo[10:30, 20:50] //= 2
    weights = detail_weights(photo)
    script = """async ([bytes, width, height]) => {
        const { sampledWeights } = await import("./detailing.js");
        const found = sampledWeights(Uint8Array.from(bytes), width, height);
        return found && [...found.weights];
    }"""
    made = page.evaluate(script, [photo.ravel().tolist(), size[1], size[0]])
    if weights is None:
        assert made is None
    else:
        assert np.abs(np.reshape(made, weights.shape) - weights).max() < 1e-3


def test_fine_strokes_are_those_of_the_program_and_a_link_keeps_them(page: Any, cat: Path) -> None:
    open_files(page, cat)
    few_button(page, "the-scream").click()
    settled(page)
    with load_style("the-scream") as style:
        assert style.engine.detail == 1
        fine, half, plain = (style(skimage.data.chelsea(), detail=detail) for detail in (None, 0.5, 0.0))
    assert is_the_same(after(page), fine)
    assert not is_the_same(after(page), plain)
    for detail, expected in ((0.5, half), (0, plain)):
        set_slider(page, "Fine strokes in detailed areas", detail)
        page.wait_for_timeout(200)  # the pause of the sliders
        settled(page)
        assert is_the_same(after(page), expected)
        with page.expect_download() as download:
            page.get_by_role("button", name="Download").click()
        assert is_the_same(read_picture(Path(download.value.path())).pixels, expected)
    page.get_by_text("The same on the command line").click()
    assert page.inner_text("code").split() == ["stylecli", "image", "cat.png", "-s", "the-scream", "--detail", "0"]
    page.get_by_role("button", name="Copy a link").click()
    page.wait_for_selector("text=The link is copied")
    assert page.evaluate("navigator.clipboard.readText()").endswith("#style=the-scream&detail=0")


@pytest.mark.parametrize(("name", "own"), [("great-wave", 1), ("windmills", 0)])
def test_strokes_along_the_shapes_are_those_of_the_program_and_a_link_keeps_them(
    page: Any, cat: Path, name: str, own: int
) -> None:
    open_files(page, cat)
    few_button(page, name).click()
    settled(page)
    with load_style(name) as style:
        assert style.engine.flow == own
        made = {flow: style(skimage.data.chelsea(), flow=flow) for flow in (0, 0.5, 1)}
    assert is_within_a_level(after(page), made[own])
    assert not is_the_same(made[1], made[0])
    for flow in (0.5, 1 - own):
        set_slider(page, "Strokes along the shapes", flow)
        page.wait_for_timeout(200)  # the pause of the sliders
        settled(page)
        assert is_within_a_level(after(page), made[flow])
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    assert is_within_a_level(read_picture(Path(download.value.path())).pixels, made[1 - own])
    page.get_by_text("The same on the command line").click()
    assert page.inner_text("code") == f"stylecli image cat.png -s {name} --flow {1 - own}"
    page.get_by_role("button", name="Copy a link").click()
    page.wait_for_selector("text=The link is copied")
    assert page.evaluate("navigator.clipboard.readText()").endswith(f"#style={name}&flow={1 - own}")


def test_another_flow_paints_nothing_anew(page: Any, cat: Path) -> None:
    open_files(page, cat)
    few_button(page).click()
    settled(page)
    until(page, "!document.querySelector('.strip .waiting')")
    count = "kind => performance.getEntriesByType('measure').filter(one => one.name.startsWith(kind)).length"
    painted, drawn_out = page.evaluate(count, "painted"), page.evaluate(count, "drawn out")
    set_slider(page, "Strokes along the shapes", 0.5)
    page.wait_for_timeout(200)  # the pause of the sliders
    settled(page)
    assert page.evaluate(count, "drawn out") == drawn_out + 1
    assert page.evaluate(count, "painted") == painted


def test_a_blend_has_the_mean_flow_of_its_styles(page: Any, cat: Path) -> None:
    open_files(page, cat)
    few_button(page, "the-scream").click()
    settled(page)
    for other, flow in (("windmills", 0.6), ("great-wave", 1)):
        page.get_by_label("Blend with").select_option(other)
        set_slider(page, f"Share of {find_style(other).card.title}", 0.4)
        page.wait_for_timeout(200)  # the pause of the sliders
        settled(page)
        with load_style(f"the-scream:0.6+{other}:0.4") as style:
            assert style.engine.flow == pytest.approx(flow)
            assert is_within_a_level(after(page), style(skimage.data.chelsea()))


def test_a_picture_in_several_tiles_gets_the_fine_strokes_of_the_program(page: Any, tmp_path: Path) -> None:
    photo = np.ascontiguousarray(skimage.data.astronaut()[:470])
    write_picture(picture_from_pixels(photo), tmp_path / "astronaut.png")
    open_files(page, tmp_path / "astronaut.png")
    few_button(page, "the-scream").click()
    settled(page)
    with load_style("the-scream") as style:
        assert is_within_a_level(after(page), style(photo))


def test_the_picture_is_shown_without_fine_strokes_until_they_are_painted(page: Any, tmp_path: Path) -> None:
    photo = np.ascontiguousarray(skimage.data.astronaut()[:470])
    write_picture(picture_from_pixels(photo), tmp_path / "astronaut.png")
    open_files(page, tmp_path / "astronaut.png")
    few_button(page, "windmills").click()
    settled(page)
    shown = """() => { window.shown = []; const look = () => {
        const canvas = document.querySelector(".layer.after canvas"), all = canvas.getContext("2d");
        const line = all.getImageData(0, canvas.height >> 1, canvas.width, 1).data.join();
        if (line !== window.shown.at(-1)) window.shown.push(line);
        requestAnimationFrame(look);
    }; look(); }"""
    page.evaluate(shown)
    page.click('.strip [data-style="the-scream"]')
    page.wait_for_selector(".veil", state="visible")
    settled(page)
    with load_style("the-scream") as style:
        line = style(photo, detail=0.0)[photo.shape[0] // 2]
    pictures = [np.array(one.split(","), int).reshape(-1, 4)[:, :3] for one in page.evaluate("window.shown")]
    assert any(np.abs(one - line).max() <= 2 for one in pictures[:-1])
    assert np.abs(pictures[-1] - line).max() > 2


def test_what_is_no_picture_is_explained(page: Any, tmp_path: Path) -> None:
    (tmp_path / "words.jpg").write_text("These are words.")
    open_files(page, tmp_path / "words.jpg")
    page.wait_for_selector("text=this browser cannot read it as a picture")
