from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from stylecli.core.errors import MediaError, UsageError
from stylecli.core.progress import Step
from stylecli.inference.engine import Engine
from stylecli.media.images.files import picture_from_pixels, read_picture, write_picture
from stylecli.media.pixels import quantize, to_unit
from stylecli.packs.pack import StylePack
from stylecli.stylize.batch import Job, plan_jobs
from stylecli.stylize.look import Look
from stylecli.stylize.pictures import read_mask, run_jobs


@pytest.fixture(scope="module")
def engines(tiny_pack: StylePack) -> Iterator[dict[str, Engine]]:
    with Engine(tiny_pack, device="cpu") as engine:
        yield {"tiny": engine}


@pytest.fixture
def photos(photo_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(photo_folder, tmp_path / "photos"))


def test_one_picture_gets_the_name_asked_for(photo_file: Path) -> None:
    assert plan_jobs([photo_file], ["tiny"], Path("out.jpg")) == [Job(photo_file, "tiny", Path("out.jpg"))]


def test_without_output_the_result_stands_beside_its_source(photo_file: Path) -> None:
    assert plan_jobs([photo_file], ["tiny"], None)[0].output == photo_file.with_name("chelsea-tiny.png")


def test_an_output_of_no_format_is_refused_before_the_work(photo_file: Path) -> None:
    with pytest.raises(UsageError, match="not a format"):
        plan_jobs([photo_file], ["tiny"], Path("out.xyz"))


def test_a_folder_goes_into_a_folder(photos: Path) -> None:
    names = {job.output for job in plan_jobs([photos], ["tiny"], Path("out"))}
    assert names == {Path("out") / f"{name}-tiny.png" for name in ("astronaut", "chelsea", "coffee", "rocket")}


def test_several_styles_get_a_name_each(photo_file: Path) -> None:
    names = [job.output.name for job in plan_jobs([photo_file], ["a", "b"], Path("out"))]
    assert names == ["chelsea-a.png", "chelsea-b.png"]


def test_subfolders_are_kept_when_recursive(photos: Path) -> None:
    shutil.copytree(photos, photos / "deep" / "er")
    flat = plan_jobs([photos], ["tiny"], Path("out"))
    deep = plan_jobs([photos], ["tiny"], Path("out"), recursive=True)
    assert len(flat) == 4
    assert len(deep) == 8
    assert Path("out/deep/er/coffee-tiny.png") in {job.output for job in deep}


def test_a_format_that_cannot_be_written_becomes_png(tmp_path: Path) -> None:
    (tmp_path / "a.gif").write_bytes(b"GIF89a")
    assert plan_jobs([tmp_path / "a.gif"], ["tiny"], None)[0].output.name == "a-tiny.png"


def test_two_results_of_one_name_are_refused(photos: Path) -> None:
    shutil.copytree(photos, photos / "other")
    with pytest.raises(UsageError, match="would be made from both"):
        plan_jobs([photos, photos / "other"], ["tiny"], Path("out"))


def test_output_equal_to_input_is_refused(photo_file: Path) -> None:
    with pytest.raises(UsageError, match="is a source too"):
        plan_jobs([photo_file], ["tiny"], photo_file.parent / "x" / ".." / photo_file.name)


def test_an_empty_folder_is_refused_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="no picture") as caught:
        plan_jobs([tmp_path], ["tiny"], None)
    assert "recursive=True" in caught.value.hint


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
    assert not any(outcome.kept for outcome in run_jobs(jobs, engines, Look(), overwrite=True))


def test_a_single_existing_output_is_an_error_and_stays(
    photo_file: Path, tmp_path: Path, engines: dict[str, Engine]
) -> None:
    (tmp_path / "out.png").write_text("mine")
    (outcome,) = run_jobs([Job(photo_file, "tiny", tmp_path / "out.png")], engines, Look())
    assert isinstance(outcome.error, UsageError)
    assert (tmp_path / "out.png").read_text() == "mine"


def test_progress_counts_the_pictures(photos: Path, engines: dict[str, Engine]) -> None:
    steps: list[Step] = []
    run_jobs(plan_jobs([photos], ["tiny"], photos / "out"), engines, Look(), progress=steps.append)
    assert [(step.done, step.total) for step in steps] == [(n, 4) for n in range(5)]


def test_the_file_holds_the_networks_picture(photo_file: Path, tmp_path: Path, engines: dict[str, Engine]) -> None:
    run_jobs([Job(photo_file, "tiny", tmp_path / "out.png")], engines, Look())
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
