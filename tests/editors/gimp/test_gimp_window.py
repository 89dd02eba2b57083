from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from stylecli.packs.shelves import bundled_shelf
from tests.editors.gimp.desktop import Desktop, gimp_window, what_is_missing
from tests.editors.gimp.session import Profile, processes, wait_until, why_not
from tests.support.packs import write_style

pytestmark = pytest.mark.gimp_window

MENU = ("alt+r", "a", "z")  # Filters > Artistic > Stylize...
OUT_OF_MENUS = ("Escape",) * 3  # submenu, menu, menu bar
CANCEL = (984, 846)  # the button beside the progress bar


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Profile:
    if reason := why_not() or what_is_missing():
        pytest.skip(reason)
    profile = Profile.made(tmp_path_factory.mktemp("window") / "gimp", own_plugins=("file-png",))
    for card in bundled_shelf().glob("*/card.json"):  # where GIMP, in its folder, can see the previews
        shutil.copytree(card.parent, profile.shelf / card.parent.name)
    return profile


@pytest.fixture
def gimp(profile: Profile, tmp_path: Path, photo: NDArray[np.uint8]) -> Iterator[Desktop]:
    """Give a GIMP in a window with a photo in it."""
    path = tmp_path / "photo.png"
    Image.fromarray(photo).save(path)
    with gimp_window(profile, path) as desktop:
        yield desktop


def from_menu(gimp: Desktop) -> None:
    """Open the dialog; it is drawn whole."""
    gimp.window(r"\[.*photo\]")
    gimp.insist(lambda: gimp.press(*OUT_OF_MENUS, *MENU), plugins)
    gimp.window("Stylize")
    gimp.rest()


def plugins() -> list[int]:
    return processes("plug-ins/stylecli/stylecli.py")


def agree(gimp: Desktop, key: str = "Return") -> None:
    gimp.insist(lambda: gimp.press(key), lambda: not gimp.windows("^Stylize$"))
    wait_until(lambda: not plugins())
    gimp.window(r"\[.*photo\]")


def test_the_menu_opens_a_dialog_that_paints(gimp: Desktop) -> None:
    before = gimp.canvas()
    gimp.press(*MENU[:2])
    gimp.look("menu")
    gimp.press(*OUT_OF_MENUS)
    from_menu(gimp)
    gimp.look("dialog")
    agree(gimp)
    after = gimp.canvas_after(before)
    gimp.look("painted")
    assert np.abs(after.astype(int) - before).mean() > 10


def test_one_undo_brings_the_picture_back_and_repeat_paints_again(gimp: Desktop) -> None:
    before = gimp.canvas()
    from_menu(gimp)
    agree(gimp)
    painted = gimp.canvas_after(before)
    gimp.press("ctrl+z")
    wait_until(lambda: np.array_equal(gimp.canvas(), before))
    gimp.press("ctrl+f")
    wait_until(lambda: np.array_equal(gimp.canvas(), painted))


def test_cancel_ends_everything_and_leaves_the_picture(gimp: Desktop, profile: Profile, tmp_path: Path) -> None:
    before = gimp.canvas()
    slow = tmp_path / "slow-stylecli"
    # Tells the styles as the real one does, then takes its time.
    slow.write_text(
        '[ "$1" = styles ] && { echo \'{"style": "a", "title": ""}\'; exit; }\n'
        "echo 'stylecli-progress 0.4 Painting slowly' >&2\ncat > /dev/null\nsleep 600\n"
    )
    with profile.connected("/bin/sh", str(slow)):
        from_menu(gimp)
        gimp.insist(lambda: gimp.press("Return"), lambda: processes("slow-stylecli", "pipe"))
        gimp.rest()
        gimp.look("progress")
        gimp.insist(
            lambda: gimp.tell("mousemove", *CANCEL, "sleep", "0.3", "click", "1"),
            lambda: not processes("slow-stylecli"),
        )
        wait_until(lambda: not plugins(), seconds=10)
    gimp.window(r"\[photo\]")
    assert np.array_equal(gimp.canvas(), before)


def test_a_failure_is_shown_with_its_repair(gimp: Desktop, profile: Profile) -> None:
    with profile.connected("/no/such/python", "-m", "stylecli"):
        gimp.insist(lambda: gimp.press(*OUT_OF_MENUS, *MENU), lambda: gimp.windows("GIMP Message"))
        gimp.rest()
        gimp.look("error")


def test_a_style_that_was_added_meanwhile_is_in_the_list(gimp: Desktop, profile: Profile) -> None:
    before = gimp.canvas()
    folder = write_style(profile.shelf, "a-newer-style")
    try:
        from_menu(gimp)
        gimp.press("alt+y", "Home")  # the first entry of the list
        gimp.rest()
        gimp.look("list")
        agree(gimp, "alt+o")
    finally:
        shutil.rmtree(folder)
    gimp.canvas_after(before)


def test_a_style_may_be_named_by_any_text(gimp: Desktop) -> None:
    from_menu(gimp)
    gimp.press("alt+y", "Tab")
    gimp.tell("type", "--delay", "80", "nosuch:0.6+great-wave:0.4")
    gimp.rest()
    gimp.look("typed")
    gimp.insist(lambda: gimp.press("Return"), lambda: gimp.windows("GIMP Message"))  # it names what is not there
    gimp.rest()
    gimp.look("typed-error")


def test_a_second_style_is_blended_with_the_first(gimp: Desktop, tmp_path: Path) -> None:
    before = gimp.canvas()
    from_menu(gimp)
    agree(gimp)
    alone = gimp.canvas_after(before)
    gimp.press("ctrl+z")
    wait_until(lambda: np.array_equal(gimp.canvas(), before))
    from_menu(gimp)
    gimp.press("alt+w", "End")  # the last style of the list
    gimp.rest()
    gimp.look("blend")
    agree(gimp, "alt+o")
    blend = gimp.canvas_after(before)
    gimp.look("blended")
    assert not np.array_equal(blend, alone)
