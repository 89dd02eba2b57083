"""A screen that nobody sees, and hands on its keyboard: Xvfb, a window manager, xdotool, scrot."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.editors.gimp.session import GIMP_HOME, HERE, PATIENCE, Profile, comes_about, wait_until

PROGRAMS = ("Xvfb", "openbox", "xdotool", "scrot")
SCREEN = (1280, 860)
ASIDE = (1100, 740)  # where the pointer covers nothing
TRIES, TRY_SECONDS = 6, 10.0
RESTING = 3  # equal pictures in a row
PLAIN = 5.0  # levels by which the samples of an empty canvas spread, at most
SCREENSHOTS = HERE / "screenshots"  # left out of the repository; to be looked at


def what_is_missing() -> str:
    """Why no window can be shown here; empty if one can."""
    missing = [name for name in PROGRAMS if not shutil.which(name)]
    return f"no {', '.join(missing)}: run tests/editors/gimp/setup.sh" if missing else ""


class Desktop:
    """A screen with GIMP on it."""

    def __init__(self, display: str) -> None:
        self.environment = {**os.environ, "DISPLAY": display, "LC_ALL": "C.UTF-8"}

    def tell(self, *words: object) -> str:
        """Run xdotool; what it says."""
        command = ["xdotool", *map(str, words)]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False).stdout.strip()

    def windows(self, name: str) -> list[str]:
        """The windows whose title matches an expression."""
        return self.tell("search", "--onlyvisible", "--name", name).split()

    def window(self, name: str) -> str:
        """Wait for a window, bring it to the front."""
        wait_until(lambda: self.windows(name))
        window = self.windows(name)[0]
        self.tell("windowactivate", "--sync", window)
        return window

    def press(self, *keys: str) -> None:
        """Press keys one after the other, as fast as a quick person."""
        for key in keys:
            self.tell("key", "--delay", "80", key)
            self.tell("sleep", "0.4")

    def insist(self, act: Callable[[], object], is_so: Callable[[], object]) -> None:
        """Act, and again whenever nothing came of it: what comes while a program is busy with itself is lost."""
        for _ in range(TRIES):
            act()
            if comes_about(is_so, TRY_SECONDS):
                return
        wait_until(is_so)

    def look(self, name: str = "") -> NDArray[np.uint8]:
        """The screen (H, W, 3); kept as a picture if it gets a name."""
        SCREENSHOTS.mkdir(exist_ok=True)
        path = SCREENSHOTS / f"{name or 'latest'}.png"
        subprocess.run(["scrot", "--overwrite", path], env=self.environment, check=True)
        return np.asarray(Image.open(path).convert("RGB"))

    def rest(self) -> None:
        """Wait until the screen no longer changes: a window that has just opened is drawn whole."""
        self._rested(self.look)

    def canvas(self) -> NDArray[np.uint8]:
        """The middle of the picture in GIMP's window, once it no longer changes."""
        self.tell("mousemove", *ASIDE)
        return self._rested(self._middle)

    def canvas_after(self, before: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The same, once it is another one than before."""
        wait_until(lambda: not np.array_equal(self.canvas(), before))
        return self.canvas()

    def opened(self) -> None:
        """Wait until the picture is shown: the canvas without one is plain."""
        wait_until(lambda: self._middle().std() > PLAIN)

    def _rested(self, picture: Callable[[], NDArray[np.uint8]]) -> NDArray[np.uint8]:
        latest, equal = picture(), 0

        def rests() -> bool:
            nonlocal latest, equal
            self.tell("sleep", "0.2")
            before, latest = latest, picture()
            equal = equal + 1 if np.array_equal(before, latest) else 0
            return equal == RESTING

        wait_until(rests)
        return latest

    def _middle(self) -> NDArray[np.uint8]:
        return self.look()[360:480, 520:660]


@contextmanager
def gimp_window(profile: Profile, photo: Path) -> Iterator[Desktop]:
    """Open a photo in a real GIMP; nothing is left of it afterwards."""
    with ExitStack() as stack:
        reading, writing = os.pipe()
        size = f"{SCREEN[0]}x{SCREEN[1]}x24"
        _start(stack, ["Xvfb", "-displayfd", str(writing), "-screen", "0", size, "-nolisten", "tcp"], passing=writing)
        os.close(writing)
        with os.fdopen(reading) as told:
            display = f":{told.readline().strip()}"
        desktop = Desktop(display)
        log = stack.enter_context((profile.folder / "window.log").open("wb"))
        _start(stack, ["openbox"], environment=desktop.environment, log=log.fileno())
        wait_until(lambda: desktop.tell("get_num_desktops"))  # only a window manager can tell
        command = [str(HERE / "inside.sh"), str(GIMP_HOME), "gimp", "-n", "-s", str(photo)]
        _start(stack, command, environment=profile.environment(DISPLAY=display), log=log.fileno())
        main = desktop.window(rf"\[{photo.stem}\]")
        desktop.tell("windowsize", "--sync", main, SCREEN[0] - 10, SCREEN[1] - 40)
        desktop.tell("windowmove", main, 2, 22)
        desktop.opened()
        desktop.rest()
        yield desktop


def _start(
    stack: ExitStack,
    command: list[str],
    *,
    environment: dict[str, str] | None = None,
    passing: int | None = None,
    log: int = subprocess.DEVNULL,
) -> None:
    process = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        pass_fds=() if passing is None else (passing,),
        start_new_session=True,
    )
    stack.callback(_end, process)


def _end(process: subprocess.Popen[bytes]) -> None:
    for number in (15, 9):
        try:
            os.killpg(process.pid, number)
            process.wait(PATIENCE / 12)
        except ProcessLookupError:
            break
        except subprocess.TimeoutExpired:
            continue
    process.wait()
