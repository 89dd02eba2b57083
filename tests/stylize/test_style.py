"""The public Python API: its names, its examples, its documentation."""

from __future__ import annotations

import doctest
import inspect
import pydoc
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import stylecli
from stylecli.core.errors import MediaError, UsageError
from stylecli.media.images.files import picture_from_pixels, read_picture, write_picture
from stylecli.media.video.writing.writer import Sound, record
from stylecli.photos.film import RATE, chord
from stylecli.stylize import look, style

PUBLIC = [
    "Device",
    "DeviceError",
    "EncoderOptions",
    "ItemsFailedError",
    "Look",
    "MediaError",
    "Notice",
    "PackError",
    "Progress",
    "Step",
    "Style",
    "StyleError",
    "StylePack",
    "UsageError",
    "VideoOptions",
    "VideoResult",
    "__version__",
    "list_styles",
    "load_style",
    "stylize_image",
    "stylize_video",
]

HELP = pydoc.plain(pydoc.render_doc(stylecli))


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    frames = (np.full((48, 64, 3), 40 * index, np.uint8) for index in range(5))
    record(tmp_path / "clip.mp4", frames, size=(64, 48), rate=Fraction(5), sound=Sound(chord(1.0), RATE))
    return tmp_path / "clip.mp4"


def test_these_are_the_public_names() -> None:
    assert stylecli.__all__ == PUBLIC


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_is_there_and_told_of_by_help(name: str) -> None:
    assert getattr(stylecli, name) is not None
    assert re.search(rf"\b{name}\b", HELP) or name == "__version__"
    assert name in dir(stylecli) or inspect.isclass(getattr(stylecli, name))


def test_help_is_two_pages() -> None:
    assert len(HELP.splitlines()) < 180  # Python 3.13 gives each argument of a long signature a line of its own
    assert "Method resolution order" not in HELP
    assert stylecli.__version__ in HELP


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_function_and_class_is_documented_and_typed(name: str) -> None:
    value = getattr(stylecli, name)
    if inspect.isclass(value) or inspect.isfunction(value):
        assert inspect.getdoc(value)
    if inspect.isfunction(value):
        assert {*inspect.signature(value).parameters, "return"} == set(value.__annotations__)


@pytest.mark.parametrize("module", [stylecli, look, style], ids=lambda module: module.__name__)
def test_the_examples_run(module: object, clip: Path, tmp_path: Path) -> None:
    finder = doctest.DocTestFinder(exclude_empty=True)
    names = {"folder": tmp_path, "clip": clip, "np": np, "Look": look.Look}
    examples = finder.find(module, globs=names)
    results = [doctest.DocTestRunner().run(example) for example in examples]
    assert sum(result.attempted for result in results) > 0
    assert sum(result.failed for result in results) == 0


@pytest.mark.parametrize("name", ["Look", "Style"])
def test_a_class_has_a_page_of_help(name: str) -> None:
    assert f"class {name}" in pydoc.plain(pydoc.render_doc(getattr(stylecli, name)))


def test_an_open_style_stylizes_many_files(tiny_style: Path, photo_file: Path, tmp_path: Path) -> None:
    with stylecli.load_style(tiny_style, device="cpu") as opened:
        for name in ("a.png", "deep/b.jpg"):
            stylecli.stylize_image(photo_file, tmp_path / name, opened)
            assert read_picture(tmp_path / name).pixels.shape == (300, 451, 3)


def test_a_file_that_exists_is_kept(tiny_style: Path, photo_file: Path, tmp_path: Path) -> None:
    (tmp_path / "out.png").write_text("mine")
    with pytest.raises(UsageError, match="overwrite=True"):
        stylecli.stylize_image(photo_file, tmp_path / "out.png", tiny_style)
    assert (tmp_path / "out.png").read_text() == "mine"


def test_a_folder_that_cannot_be_made_is_named(tiny_style: Path, photo_file: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(MediaError, match="file"):
        stylecli.stylize_image(photo_file, tmp_path / "file" / "deep" / "out.png", tiny_style)


def test_a_video_leaves_nothing_beside_it(tiny_style: Path, clip: Path, tmp_path: Path) -> None:
    result = stylecli.stylize_video(clip, tmp_path / "out.mp4", tiny_style, device="cpu")
    assert (result.frames, result.resumed) == (5, 0)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_transparency_is_kept(tiny_style: Path, tmp_path: Path) -> None:
    alpha = np.zeros((20, 30), np.uint8)
    alpha[:10] = 255
    write_picture(picture_from_pixels(np.zeros((20, 30, 3), np.uint8), alpha), tmp_path / "in.png")
    stylecli.stylize_image(tmp_path / "in.png", tmp_path / "out.png", tiny_style)
    kept = read_picture(tmp_path / "out.png").alpha
    assert kept is not None
    np.testing.assert_array_equal(kept, alpha)
