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
from tests.editors.gimp.session import Profile, comes_about, processes, wait_until, why_not
from tests.support.packs import write_style

pytestmark = pytest.mark.gimp_window

MENU = ("alt+r", "a", "z")  # Filters > Artistic > Stylize...
BUNDLED = ("great-wave", "starry-night", "the-scream")
CANCEL = (984, 846)  # the button beside the progress bar


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Profile:
    if reason := why_not() or what_is_missing():
        pytest.skip(reason)
    profile = Profile.made(tmp_path_factory.mktemp("window") / "gimp", own_plugins=("file-png",))
    for name in BUNDLED:  # where GIMP, in its folder, can see the previews
        shutil.copytree(bundled_shelf() / name, profile.shelf / name)
    return profile


@pytest.fixture
def gimp(profile: Profile, tmp_path: Path, photo: NDArray[np.uint8]) -> Iterator[Desktop]:
    """Give a GIMP in a window with a photo in it."""
    path = tmp_path / "photo.png"
    Image.fromarray(photo).save(path)
    with gimp_window(profile, path) as desktop:
        yield desktop


def from_menu(gimp: Desktop) -> None:
    gimp.window(r"\[.*photo\]")
    gimp.press(*MENU)
    gimp.window("Stylize")


def agree(gimp: Desktop, key: str = "Return") -> None:
    for _ in range(5):  # a key that comes while the dialog is busy with itself is lost
        gimp.press(key)
        if comes_about(lambda: not gimp.windows("^Stylize$"), seconds=5):
            break
    wait_until(lambda: not gimp.windows("^Stylize$"))
    wait_until(lambda: not processes("plug-ins/stylecli/stylecli.py"))
    gimp.window(r"\[.*photo\]")


def test_the_menu_opens_a_dialog_that_paints(gimp: Desktop) -> None:
    before = gimp.canvas()
    gimp.press(*MENU[:2])
    gimp.look("menu")
    gimp.press(MENU[2])
    gimp.window("Stylize")
    gimp.tell("mousemove", 900, 240, "sleep", "1")
    gimp.look("dialog")
    agree(gimp)
    after = gimp.canvas()
    gimp.look("painted")
    assert np.abs(after.astype(int) - before).mean() > 10


def test_one_undo_brings_the_picture_back_and_repeat_paints_again(gimp: Desktop) -> None:
    before = gimp.canvas()
    from_menu(gimp)
    agree(gimp)
    painted = gimp.canvas()
    assert not np.array_equal(painted, before)
    gimp.press("ctrl+z")
    assert np.array_equal(gimp.canvas(), before)
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
        gimp.press("Return")
        wait_until(lambda: processes("slow-stylecli", "pipe"))
        gimp.tell("sleep", "1.5")
        gimp.look("progress")
        gimp.tell("mousemove", *CANCEL, "sleep", "0.3", "click", "1")
        wait_until(lambda: not processes("slow-stylecli"), seconds=10)
        wait_until(lambda: not processes("plug-ins/stylecli/stylecli.py"), seconds=10)
    gimp.window(r"\[photo\]")
    assert np.array_equal(gimp.canvas(), before)


def test_a_failure_is_shown_with_its_repair(gimp: Desktop, profile: Profile) -> None:
    with profile.connected("/no/such/python", "-m", "stylecli"):
        gimp.press(*MENU)
        gimp.window("GIMP Message")
        gimp.tell("sleep", "1")
        gimp.look("error")


def test_a_style_that_was_added_meanwhile_is_in_the_list(gimp: Desktop, profile: Profile) -> None:
    before = gimp.canvas()
    folder = write_style(profile.shelf, "a-newer-style")
    try:
        from_menu(gimp)
        gimp.tell("sleep", "1")
        gimp.press("alt+y", "Home")  # the first entry of the list
        gimp.look("list")
        agree(gimp, "alt+o")
    finally:
        shutil.rmtree(folder)
    assert not np.array_equal(gimp.canvas(), before)


def test_a_style_may_be_named_by_any_text(gimp: Desktop) -> None:
    from_menu(gimp)
    gimp.tell("sleep", "1")
    gimp.press("alt+y", "Tab")
    gimp.tell("type", "--delay", "80", "nosuch:0.6+great-wave:0.4")
    gimp.look("typed")
    gimp.press("Return")
    gimp.window("GIMP Message")  # it names what is not there
    gimp.tell("sleep", "1")
    gimp.look("typed-error")
