"""A style is learned from a painting, resumed after an interrupt, and lies on the shelf at the end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from stylecli.core.errors import MediaError, UsageError
from stylecli.packs.safety import verify
from stylecli.packs.shelves import find_style
from stylecli.training import learn
from stylecli.training.learn import LearningJob, learn_style, name_of
from stylecli.training.nearest import nearest_style
from stylecli.training.recipe import Phase
from stylecli.training.runs.recipe_files import read_recipe
from tests.support.trainings import stop_at


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    quick = replace(learn.LEARNING, phases=(Phase(6, 64),), style_scales=(1.0,), style_sizes=(64,))
    monkeypatch.setattr(learn, "LEARNING", quick)
    monkeypatch.setattr("platformdirs.user_state_path", lambda *_, **__: tmp_path / "state")
    return iter([None])


@pytest.fixture
def job(photo_folder: Path) -> LearningJob:
    return LearningJob(photo_folder / "coffee.png", title="A Cup", artist="Nobody", base="the-scream", seconds=0)


def test_an_interrupted_training_goes_on_and_ends_on_the_shelf(job: LearningJob, tmp_path: Path) -> None:
    shelf, preview, told = tmp_path / "shelf", tmp_path / "preview.png", list[str]()
    with pytest.raises(KeyboardInterrupt):
        learn_style(job, shelf, preview=preview, progress=stop_at(3))
    assert preview.stat().st_size > 1000
    pack = learn_style(job, shelf, preview=preview, notice=told.append)
    assert any("resumed at step 3" in line for line in told)
    assert find_style("coffee", shelf).folder == pack.folder == shelf / "coffee"
    assert (pack.card.title, pack.card.artist) == ("A Cup", "Nobody")
    assert verify(pack.folder) == []
    assert read_recipe(pack.folder / "recipe.toml").dilations == (1, 2, 4)
    assert not (tmp_path / "state" / "learning" / "coffee").exists()


def test_the_nearest_style_is_trained_on_if_none_is_named(job: LearningJob, tmp_path: Path) -> None:
    told = list[str]()
    with pytest.raises(KeyboardInterrupt):
        learn_style(replace(job, base=None), tmp_path / "shelf", progress=stop_at(1), notice=told.append)
    with pytest.raises(KeyboardInterrupt):
        learn_style(replace(job, base=None), tmp_path / "shelf", progress=stop_at(2), notice=told.append)
    chosen = nearest_style(job.painting, learn.LEARNING, learn.BASES)
    assert [line for line in told if "starting" in line] == 2 * [f"starting from {chosen}"]


def test_the_unfinished_training_lies_in_the_folder_that_is_named(job: LearningJob, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        learn_style(job, tmp_path / "shelf", work=tmp_path / "training", progress=stop_at(1))
    assert read_recipe(tmp_path / "training" / "recipe.toml").base == "the-scream"
    assert not (tmp_path / "state").exists()


def test_a_name_that_is_taken_is_told_before_anything_is_learned(job: LearningJob, tmp_path: Path) -> None:
    (tmp_path / "coffee").mkdir()
    with pytest.raises(UsageError, match="coffee: already on the shelf"):
        learn_style(job, tmp_path)


def test_a_file_that_is_no_picture_is_refused_first(job: LearningJob, tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("no picture")
    with pytest.raises(MediaError):
        learn_style(replace(job, painting=tmp_path / "text.jpg"), tmp_path / "shelf")
    assert not (tmp_path / "shelf").exists()


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("turner_fighting_temeraire_1839.jpg", "turner-fighting-temeraire"),
        ("The Kiss (1908).png", "the-kiss"),
        ("1984.png", "1984"),
        ("Jack-Pine.webp", "jack-pine"),
    ],
)
def test_a_style_is_called_after_its_file(file: str, name: str) -> None:
    assert name_of(Path(file)) == name


@pytest.mark.parametrize("job", [LearningJob(Path("???.png")), LearningJob(Path("a.png"), name="No Name")])
def test_what_is_no_name_is_refused(job: LearningJob) -> None:
    with pytest.raises(UsageError, match="no name for a style"):
        _ = job.style
