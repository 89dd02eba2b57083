from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import OpenEXR
import pytest

from stylecli.core.errors import UsageError
from stylecli.core.progress import Step
from stylecli.inference.engine import Engine
from stylecli.media.images.files import picture_from_pixels, read_picture, write_picture
from stylecli.media.pixels import quantize, to_unit
from stylecli.packs.pack import StylePack
from stylecli.stylize.look import Look
from stylecli.stylize.options import PictureOptions
from stylecli.stylize.pictures.jobs import PictureJob, plan_jobs
from stylecli.stylize.pictures.pages import read_mask
from stylecli.stylize.pictures.run import run_jobs

VIEWS = ("left", "right")


@pytest.fixture(scope="module")
def engines(tiny_pack: StylePack) -> Iterator[dict[str, Engine]]:
    with Engine(tiny_pack, device="cpu") as engine:
        yield {"tiny": engine}


@pytest.fixture
def photos(photo_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(photo_folder, tmp_path / "photos"))


def test_a_broken_picture_does_not_stop_the_others(photos: Path, engines: dict[str, Engine]) -> None:
    (photos / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    outcomes = run_jobs(plan_jobs([photos], ["tiny"], photos / "out"), engines, Look())
    assert [outcome.job.source.name for outcome in outcomes if outcome.error] == ["broken.png"]
    assert len(list((photos / "out").iterdir())) == 4


def test_a_second_run_keeps_what_is_there(photos: Path, engines: dict[str, Engine]) -> None:
    jobs = plan_jobs([photos], ["tiny"], photos / "out")
    run_jobs(jobs[:2], engines, Look())
    assert [outcome.kept for outcome in run_jobs(jobs, engines, Look())] == [True, True, False, False]


def test_overwrite_makes_all_again(photos: Path, engines: dict[str, Engine]) -> None:
    jobs = plan_jobs([photos], ["tiny"], photos / "out")
    run_jobs(jobs, engines, Look())
    assert not any(outcome.kept for outcome in run_jobs(jobs, engines, Look(), options=PictureOptions(overwrite=True)))


def test_a_single_existing_output_is_an_error_and_stays(
    photo_file: Path, tmp_path: Path, engines: dict[str, Engine]
) -> None:
    (tmp_path / "out.png").write_text("mine")
    (outcome,) = run_jobs([PictureJob(photo_file, "tiny", tmp_path / "out.png")], engines, Look())
    assert isinstance(outcome.error, UsageError)
    assert (tmp_path / "out.png").read_text() == "mine"


def test_progress_counts_the_pictures(photos: Path, engines: dict[str, Engine]) -> None:
    steps: list[Step] = []
    run_jobs(plan_jobs([photos], ["tiny"], photos / "out"), engines, Look(), progress=steps.append)
    assert [(step.done, step.total) for step in steps] == [(n, 4) for n in range(5)]


def test_the_file_holds_the_networks_picture(photo_file: Path, tmp_path: Path, engines: dict[str, Engine]) -> None:
    run_jobs([PictureJob(photo_file, "tiny", tmp_path / "out.png")], engines, Look())
    expected = quantize(engines["tiny"].stylize(to_unit(read_picture(photo_file).pixels)), np.uint8)
    np.testing.assert_array_equal(read_picture(tmp_path / "out.png").pixels, expected)


def test_a_mask_is_bright_where_the_style_goes(tmp_path: Path) -> None:
    pixels = np.zeros((4, 6, 3), np.uint8)
    pixels[:, 3:] = 255
    alpha = np.full((4, 6), 255, np.uint8)
    alpha[0] = 0
    write_picture(picture_from_pixels(pixels, alpha), tmp_path / "mask.png")
    mask = read_mask(tmp_path / "mask.png")
    np.testing.assert_allclose(mask[1:], [[0, 0, 0, 1, 1, 1]] * 3, atol=1e-6)
    np.testing.assert_allclose(mask[0], 0)


@pytest.mark.parametrize(("layer", "painted"), [("", ["left", "right"]), ("right", ["right"])])
def test_views_of_a_stereo_sequence_are_painted(
    tmp_path: Path, engines: dict[str, Engine], layer: str, painted: list[str]
) -> None:
    channels = {key: np.full((8, 8), level, np.float16) for key, level in zip("RGB", (0.5, 0.1, 0.9), strict=True)}
    for number in (1, 2):
        views = [OpenEXR.Part({"type": OpenEXR.scanlineimage, "view": view}, channels, view) for view in VIEWS]
        OpenEXR.File(views).write(str(tmp_path / f"in.{number}.exr"))
    jobs = [PictureJob(tmp_path / f"in.{n}.exr", "tiny", tmp_path / f"out.{n}.exr", scene="in") for n in (1, 2)]
    outcomes = run_jobs(jobs, engines, Look(), options=PictureOptions(layer=layer))
    assert [outcome.error for outcome in outcomes] == [None, None]
    for job in jobs:
        with OpenEXR.File(str(job.output), separate_channels=True) as file:
            changed = [part.header["view"] for part in file.parts if (part.channels["R"].pixels != 0.5).any()]
        assert changed == painted
