"""Every command and every line of Python in README.md and docs/editors.md works as it is written there."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from contextlib import chdir
from fractions import Fraction
from pathlib import Path

import pytest
import skimage.data
from click.testing import CliRunner

from stylecli.cli.app import suite
from stylecli.media.images.files import picture_from_pixels, write_picture
from stylecli.media.video.writing.writer import Sound, record
from stylecli.photos.film import RATE, chord
from tests.support.documents import ROOT, blocks

PATIENCE = 300  # seconds

pytestmark = [
    pytest.mark.skipif(not (ROOT / "README.md").exists(), reason="needs a checkout"),
    pytest.mark.skipif(os.name != "posix", reason="the README speaks to a POSIX shell"),
]


def run(command: str, folder: Path) -> str:
    """Run a line as it is written; what it prints.

    A line that is nothing but words runs in this process, which spares the start of another; all else runs in a shell
    whose `stylecli` is the one under test.
    """
    line = command.partition(" #")[0]
    if re.fullmatch(r"stylecli [\w ./:,=+-]+", line):
        with chdir(folder):
            result = CliRunner().invoke(suite, shlex.split(line)[1:])
        assert result.exit_code == 0, f"{command}\n{result.output}"
        return result.stdout
    place = str(Path(sys.executable).parent)
    environment = {**os.environ, "PATH": os.pathsep.join([place, os.environ["PATH"]])}
    done = subprocess.run(
        command, shell=True, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert done.returncode == 0, f"{command}\n{done.stderr}"
    return done.stdout


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
        record(tmp_path / name, frames, size=(96, 64), rate=Fraction(4), sound=Sound(chord(3.0), RATE))
    return tmp_path


@pytest.mark.parametrize("section", ["Pictures", "Videos", "Batches"])
def test_the_commands_work(desk: Path, section: str) -> None:
    (block,) = blocks("README.md", section, "sh")
    for command in block.splitlines():
        run(command, desk)


def test_a_style_of_ones_own_works(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stylecli.training.runs.folder.SAMPLE_SIZE", 64)  # small, as the rest of the desk
    monkeypatch.setattr("stylecli.evaluation.quality.measures.PHOTO_SHORT_SIDE", 64)
    monkeypatch.setattr("stylecli.evaluation.quality.measures.PAINTING_SHORT_SIDE", 64)
    _, block = blocks("README.md", "Your own style", "sh")  # the first, `styles learn`, takes minutes: .ci/run has it
    for line in block.splitlines():
        quick = " --steps 1 --stroke 64" if " train " in line else ""  # a real training takes too long
        run(line.partition("#")[0] + quick, desk)
    assert (desk / "photo-mine.jpg").exists()


def test_the_python_works() -> None:
    (code,) = blocks("README.md", "Python", "python")
    names = {"picture": skimage.data.chelsea()}
    exec(code, names)
    assert names["stylized"].shape == names["picture"].shape


@pytest.mark.parametrize(
    ("document", "section", "count"),
    [("docs/editors.md", "GIMP", 1), ("docs/editors.md", "Blender", 1), ("README.md", "In the editors", 4)],
)
def test_plugins_are_installed_as_it_is_written(
    document: str, section: str, count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIMP3_DIRECTORY", str(tmp_path / "gimp"))
    monkeypatch.setenv("BLENDER_USER_SCRIPTS", str(tmp_path / "blender"))
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".local/share/DaVinciResolve").mkdir(parents=True)
    (block,) = blocks(document, section, "sh")
    if "frei0r" in block and not shutil.which("cc"):
        pytest.skip("the frei0r filter takes a C compiler")
    for command in block.replace("~/stylecli/bin/", "").splitlines():
        if command.startswith("stylecli "):  # not `python3 -m venv ...`, which CI runs
            run(command, tmp_path)
    assert len(list(tmp_path.rglob("stylecli.json"))) == count


def test_the_pipe_works_as_it_is_written(tmp_path: Path) -> None:
    (command,) = blocks("docs/editors.md", "The pipe", "sh")
    assert int(run(command, tmp_path)) == 1280 * 720 * 4


def test_the_spool_works_as_it_is_written(tmp_path: Path) -> None:
    (commands,) = blocks("docs/editors.md", "The spool", "sh")
    (client,) = blocks("docs/editors.md", "The spool", "python")
    start, stop = commands.splitlines()
    (tmp_path / "client.py").write_text(client + "assert len(painted) == len(pixels) and any(painted)\n")
    waited = f"{start.partition('#')[0]} & until [ -e DIR/worker.json ]; do sleep 0.1; done"
    run(f'{waited}; python3 client.py && {stop} && wait && [ -z "$(ls DIR/shot*)" ]', tmp_path)
