"""Every command and every line of Python in README.md works as it is written there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest
import skimage.data

from stylecli.images import picture_from_pixels, write_picture
from stylecli.recording import Sound, record
from stylecli.scene import ambience

README = Path(__file__).parent.parent / "README.md"

pytestmark = [
    pytest.mark.skipif(not README.exists(), reason="needs a checkout"),
    pytest.mark.skipif(os.name != "posix", reason="the README speaks to a POSIX shell"),
]


def blocks(section: str, language: str) -> list[str]:
    text = README.read_text(encoding="utf-8").partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def run(command: str, folder: Path) -> None:
    """Run a line in a shell whose `stylecli` is the one under test."""
    place = str(Path(sys.executable).parent)
    environment = {**os.environ, "PATH": os.pathsep.join([place, os.environ["PATH"]])}
    done = subprocess.run(command, shell=True, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stderr}"


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """Give a folder with the files that the README speaks of, small."""
    photo = picture_from_pixels(skimage.data.chelsea()[::3, ::3].copy())
    for name in ("photo.jpg", "painting.jpg", "photos/one.jpg", "photos/two.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_picture(photo, tmp_path / name)
    frame = skimage.data.coffee()[:64, :96].copy()
    for name in ("clip.mp4", "clip.mov"):
        frames = [frame] * 12
        record(tmp_path / name, frames, size=(96, 64), rate=Fraction(4), sound=Sound(ambience(3.0), 48000))
    return tmp_path


@pytest.mark.parametrize("section", ["Pictures", "Videos"])
def test_the_commands_work(desk: Path, section: str) -> None:
    (block,) = blocks(section, "sh")
    for command in block.splitlines():
        run(command, desk)


def test_a_style_of_ones_own_works(desk: Path) -> None:
    (block,) = blocks("Your own style", "sh")
    for line in block.splitlines():
        quick = " --steps 3" if " train " in line else ""  # the time of a real training is spared
        run(line.partition("#")[0] + quick, desk)
    assert (desk / "photo-mine.jpg").exists()


def test_the_python_works() -> None:
    (code,) = blocks("Python", "python")
    names = {"picture": skimage.data.chelsea()}
    exec(code, names)
    assert names["stylized"].shape == names["picture"].shape
