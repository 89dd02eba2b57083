from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from numpy.typing import NDArray

from stylecli.cli.app import suite
from stylecli.cli.training import optimize as optimize_command
from stylecli.core.progress import Progress, Step
from stylecli.media.images.files import encode_picture, picture_from_pixels, read_picture
from stylecli.media.pixels import to_unit
from stylecli.training.gatys.options import Optimization, OptimizationJob

Run = Callable[..., Result]


@pytest.fixture
def run(photo_folder: Path, vgg_file: Path) -> Run:
    """Give a function that optimises a photo for two steps at 24 pixels."""

    def invoke(photo: Path, *arguments: object, painting: Path = photo_folder / "coffee.png") -> Result:
        line = ["optimize", photo, "--painting", painting, "--steps", 2, "--size", 24]
        weights = ["--loss-network", "vgg19", "--loss-weights", vgg_file]
        return CliRunner().invoke(suite, list(map(str, [*line, *weights, *arguments])))

    return invoke


@pytest.fixture
def small_photo(photo: NDArray[np.uint8], tmp_path: Path) -> Path:
    """Give a photo of 24 x 16 pixels with a soft edge of transparency and a camera's name."""
    from PIL import Image

    alpha = np.linspace(255, 0, 16 * 24).reshape(16, 24, 1).astype(np.uint8)
    exif = Image.Exif()
    exif[271] = "Old Camera"  # Make
    path = tmp_path / "small.png"
    Image.fromarray(np.concatenate([photo[100:116, 100:124], alpha], axis=2)).save(path, exif=exif)
    return path


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_a_photo_is_painted(run: Run, photo_file: Path, tmp_path: Path, optimizer: str) -> None:
    result = run(photo_file, "-o", tmp_path / "out.png", "--optimizer", optimizer)
    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == str(tmp_path / "out.png")
    assert read_picture(tmp_path / "out.png").pixels.shape == (24, 36, 3)


def test_json_ends_with_the_losses(run: Run, photo_file: Path, tmp_path: Path) -> None:
    result = run(photo_file, "-o", tmp_path / "out.png", "--json")
    *progress, last = map(json.loads, result.stdout.splitlines())
    assert set(last) == {"event", "output", "steps", "seconds", "content", "style", "variation", "total"}
    assert last["event"] == "result"
    assert last["steps"] == 2
    assert last["total"] == pytest.approx(last["content"] + 10 * last["style"] + 5 * last["variation"], abs=1e-4)
    assert progress[-1]["done"] == 2


@pytest.mark.parametrize(
    "options",
    [["--style-weight", "1"], ["--content-weight", "100"], ["--original-colors"], ["--steps", "1"], ["--size", "23"]],
)
def test_every_option_changes_the_picture(run: Run, photo_file: Path, tmp_path: Path, options: list[str]) -> None:
    assert run(photo_file, "-o", tmp_path / "plain.png").exit_code == 0
    assert run(photo_file, "-o", tmp_path / "changed.png", *options).exit_code == 0
    assert (tmp_path / "plain.png").read_bytes() != (tmp_path / "changed.png").read_bytes()


def test_a_photo_of_the_same_size_keeps_all_else(run: Run, small_photo: Path, tmp_path: Path) -> None:
    assert run(small_photo, "-o", tmp_path / "out.png").exit_code == 0
    before, after = read_picture(small_photo), read_picture(tmp_path / "out.png")
    assert after.alpha is not None
    assert before.alpha is not None
    np.testing.assert_array_equal(after.alpha, before.alpha)
    assert b"Old Camera" in (tmp_path / "out.png").read_bytes()
    assert (after.pixels != before.pixels).any()


def test_a_smaller_one_keeps_its_transparency(run: Run, small_photo: Path, tmp_path: Path) -> None:
    assert run(small_photo, "-o", tmp_path / "out.png", "--size", 8).exit_code == 0
    before, after = read_picture(small_photo), read_picture(tmp_path / "out.png")
    assert after.alpha is not None
    assert before.alpha is not None
    assert after.alpha.shape == (8, 12)
    assert to_unit(after.alpha).mean() == pytest.approx(to_unit(before.alpha).mean(), abs=0.02)


def test_previews_stand_beside_the_picture(run: Run, photo_file: Path, tmp_path: Path) -> None:
    assert run(photo_file, "-o", tmp_path / "out.png", "--steps", 5, "--preview-every", 2).exit_code == 0
    assert {path.name for path in tmp_path.iterdir()} == {"out.png", "out-step-000002.png", "out-step-000004.png"}
    assert read_picture(tmp_path / "out-step-000002.png").pixels.shape == (24, 36, 3)


@pytest.mark.parametrize("name", ["out.png", "out-step-000002.png"])
def test_a_file_that_exists_is_refused_before_the_work(run: Run, photo_file: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    line = [photo_file, "-o", tmp_path / "out.png", "--preview-every", 2]
    result = run(*line, "--loss-weights", tmp_path / "none")
    assert result.exit_code == 2
    assert "--overwrite" in result.stderr
    assert (tmp_path / name).read_text() == "mine"
    assert run(*line, "--overwrite").exit_code == 0
    read_picture(tmp_path / name)


@pytest.mark.parametrize("output", ["photo.png", "painting.png", "x.png"])
def test_no_source_is_overwritten(run: Run, photo_file: Path, tmp_path: Path, output: str) -> None:
    sources = [tmp_path / name for name in ("photo.png", "painting.png", "x-step-000001.png")]
    for source in sources:
        source.write_bytes(photo_file.read_bytes())
    painting = sources[2] if output == "x.png" else sources[1]
    result = run(sources[0], "-o", tmp_path / output, "--overwrite", "--preview-every", 1, painting=painting)
    assert result.exit_code == 2
    assert all(source.read_bytes() == photo_file.read_bytes() for source in sources)


@pytest.mark.parametrize("content", [b"", b"no picture", None])
def test_a_painting_that_is_none_is_a_media_error(
    run: Run, photo_file: Path, tmp_path: Path, content: bytes | None
) -> None:
    painting = tmp_path / "painting.jpg"
    if content is not None:
        painting.write_bytes(content)
    result = run(photo_file, "-o", tmp_path / "out.png", painting=painting)
    assert result.exit_code == 4
    assert "painting.jpg" in result.stderr
    assert not (tmp_path / "out.png").exists()


def test_a_photo_that_is_none_is_a_media_error(run: Run, tmp_path: Path) -> None:
    result = run(tmp_path / "none.jpg", "-o", tmp_path / "out.png")
    assert result.exit_code == 4
    assert "none.jpg" in result.stderr


@pytest.mark.parametrize("which", ["photo", "painting"])
def test_a_picture_that_is_too_small_is_refused(run: Run, photo_file: Path, tmp_path: Path, which: str) -> None:
    dot = tmp_path / "dot.png"
    dot.write_bytes(encode_picture(picture_from_pixels(np.zeros((1, 1, 3), np.uint8)), ".png"))
    photo, painting = (dot, photo_file) if which == "photo" else (photo_file, dot)
    result = run(photo, "-o", tmp_path / "out.png", painting=painting)
    assert result.exit_code == 2
    assert f"the {which}: 1 pixels are too few. The loss network needs 8" in result.stderr


@pytest.mark.parametrize(
    ("output", "options", "code"),
    [
        ("out.xyz", [], 2),
        ("out", [], 2),
        ("none/out.png", [], 4),
        ("out.png", ["--steps", "0"], 2),
        ("out.png", ["--size", "7"], 2),
        ("out.png", ["--scales", "0"], 2),
        ("out.png", ["--optimizer", "newton"], 2),
        ("out.png", ["--style-weight", "-1"], 2),
        ("out.png", ["--content-weight", "nan"], 2),
        ("out.png", ["--preview-every", "0"], 2),
        ("out.png", ["--loss-network", "vgg16"], 2),  # the weights are VGG-19's
        ("out.png", ["--loss-weights", "/none"], 4),
    ],
)
def test_what_is_impossible_is_refused(
    run: Run, photo_file: Path, tmp_path: Path, output: str, options: list[str], code: int
) -> None:
    result = run(photo_file, "-o", tmp_path / output, *options)
    assert result.exit_code == code, result.output
    assert not list(tmp_path.iterdir())


def test_a_folder_is_no_output(run: Run, photo_file: Path, tmp_path: Path) -> None:
    (tmp_path / "out.png").mkdir()
    assert run(photo_file, "-o", tmp_path / "out.png", "--overwrite").exit_code == 4


def test_an_interrupted_run_leaves_nothing(
    run: Run, photo_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: Step) -> None:
        raise KeyboardInterrupt

    @contextmanager
    def interrupted(*, as_json: bool) -> Iterator[Progress]:
        yield interrupt

    monkeypatch.setattr(optimize_command, "progress_shown", interrupted)
    assert run(photo_file, "-o", tmp_path / "out.png").exit_code == 130
    assert not list(tmp_path.iterdir())


def test_the_defaults_are_those_of_the_optimisation() -> None:
    settings, job = Optimization(), OptimizationJob()
    defaults = {option.name: option.default for option in optimize_command.command.params}
    for name in ("optimizer", "content_weight", "style_weight"):
        assert defaults[name] == getattr(settings, name)
    for name in ("steps", "size", "scales"):
        assert defaults[name] == getattr(job, name)
