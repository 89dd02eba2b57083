from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from stylecli.core.errors import MediaError, UsageError
from stylecli.stylize.pictures.jobs import PictureJob, plan_jobs
from stylecli.stylize.pictures.selection import Selection


@pytest.fixture
def photos(photo_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(photo_folder, tmp_path / "photos"))


def test_one_picture_gets_the_name_asked_for(photo_file: Path) -> None:
    assert plan_jobs([photo_file], ["tiny"], Path("out.jpg")) == [PictureJob(photo_file, "tiny", Path("out.jpg"))]


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
    deep = plan_jobs([photos], ["tiny"], Path("out"), selection=Selection(recursive=True))
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
    with pytest.raises(UsageError, match="would replace a source"):
        plan_jobs([photo_file], ["tiny"], photo_file.parent / "x" / ".." / photo_file.name)


def test_an_empty_folder_is_refused_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="no picture") as caught:
        plan_jobs([tmp_path], ["tiny"], None)
    assert "`recursive=True`" in caught.value.hint
