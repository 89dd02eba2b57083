"""Several videos in one run: which become which, which are kept, what a fault of one means for the others."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from stylecli.core.errors import DeviceError, MediaError, StyleError, UsageError
from stylecli.core.progress import Progress, Step
from stylecli.media.video.plan import VideoResult
from stylecli.stylize.videos.jobs import VideoJob, name_of_result, plan_videos
from stylecli.stylize.videos.run import Stylize, VideoOutcome, run_videos


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """Give a folder with videos, something else, and a subfolder."""
    folder = tmp_path / "clips"
    (folder / "more").mkdir(parents=True)
    for name in ("a.mp4", "b.mov", "notes.txt", ".hidden.mp4", "._b.mov", "still.webp", "more/c.avi"):
        (folder / name).write_bytes(b"")
    return folder


# --- which becomes which


def test_a_single_video_gets_the_name_asked_for(clips: Path) -> None:
    assert plan_videos([clips / "a.mp4"], "wave", Path("out.mkv")) == [VideoJob(clips / "a.mp4", Path("out.mkv"))]


def test_a_single_video_goes_into_a_folder_that_is_there_and_into_one_that_is_to_be(clips: Path) -> None:
    for folder in (clips, Path("new")):
        assert plan_videos([clips / "a.mp4"], "wave", folder)[0].output == folder / "a-wave.mp4"


def test_without_output_the_result_stands_beside_its_source(clips: Path) -> None:
    assert plan_videos([clips / "b.mov"], "wave", None)[0].output == clips / "b-wave.mov"


@pytest.mark.parametrize("suffix", [".avi", ".wmv", ".flv", ".mts", ".mpg", ".3gp"])
def test_what_is_not_written_becomes_mp4(suffix: str) -> None:
    assert name_of_result(Path(f"take.one{suffix}"), "wave") == "take.one-wave.mp4"


def test_a_folder_gives_its_videos_in_order_of_names(clips: Path) -> None:
    jobs = plan_videos([clips], "wave", Path("out"))
    assert [(job.source.name, job.output) for job in jobs] == [
        ("a.mp4", Path("out/a-wave.mp4")),
        ("b.mov", Path("out/b-wave.mov")),
    ]


def test_subfolders_keep_their_structure(clips: Path) -> None:
    assert Path("out/more/c-wave.mp4") in [
        job.output for job in plan_videos([clips], "wave", Path("out"), recursive=True)
    ]


@pytest.mark.parametrize("is_absolute", [True, False])
def test_wildcards_that_no_shell_has_resolved_are(
    clips: Path, monkeypatch: pytest.MonkeyPatch, is_absolute: bool
) -> None:
    monkeypatch.chdir(clips)
    pattern = clips / "*.m*" if is_absolute else Path("*.m*")
    assert [job.source.name for job in plan_videos([pattern], "wave", Path("out"))] == ["a.mp4", "b.mov"]


def test_a_file_whose_name_looks_like_wildcards_is_itself(clips: Path) -> None:
    odd = clips / "[a] *.mp4"
    odd.write_bytes(b"")
    assert [job.source for job in plan_videos([odd], "wave", None)] == [odd]


def test_results_of_an_earlier_run_in_the_same_folder_are_no_sources(clips: Path) -> None:
    (clips / "a-wave.mp4").write_bytes(b"")
    (clips / "z-wave.mp4").write_bytes(b"")  # of no source here
    names = [job.source.name for job in plan_videos([clips], "wave", None)]
    assert names == ["a.mp4", "b.mov", "z-wave.mp4"]


@pytest.mark.parametrize(
    ("sources", "output", "fault"),
    [
        (["clips"], "out.mp4", "is the name of one video"),
        (["clips/a.mp4", "clips/b.mov"], "out.mkv", "is the name of one video"),
        (["clips/a.mp4", "clips/a.avi"], "out", "would be made from both"),
    ],
)
def test_results_that_clash_are_refused(
    clips: Path, monkeypatch: pytest.MonkeyPatch, sources: list[str], output: str, fault: str
) -> None:
    monkeypatch.chdir(clips.parent)
    with pytest.raises(UsageError, match=fault):
        plan_videos([Path(source) for source in sources], "wave", Path(output))


@pytest.mark.parametrize(("source", "fault"), [("clips/more/none", "no video"), ("clips/*.ts", "no such video")])
def test_nothing_to_do_is_an_error(clips: Path, monkeypatch: pytest.MonkeyPatch, source: str, fault: str) -> None:
    (clips / "more" / "none").mkdir()
    monkeypatch.chdir(clips.parent)
    with pytest.raises(MediaError, match=fault):
        plan_videos([Path(source)], "wave", Path("out"))


# --- what becomes of them


def stylizing(faults: dict[str, StyleError]) -> tuple[list[str], list[VideoOutcome], Stylize]:
    """What is done, what is reported, and a function that fails for some sources."""
    done: list[str] = []

    def stylize(job: VideoJob, progress: Progress) -> VideoResult:
        done.append(job.source.name)
        progress(Step(1, 1, "frames"))
        if fault := faults.get(job.source.name):
            raise fault
        job.output.write_bytes(b"painted")
        return VideoResult(job.output, 64, 48, 1, "h264", 0, ())

    return done, [], stylize


def jobs_in(folder: Path, *names: str) -> list[VideoJob]:
    return [VideoJob(Path(name), folder / "new" / "folder" / name) for name in names]


def test_one_that_fails_does_not_stop_the_others(tmp_path: Path) -> None:
    _, reported, stylize = stylizing({"b": MediaError("b: is damaged")})
    jobs = jobs_in(tmp_path, "a", "b", "c")
    outcomes = run_videos(jobs, stylize, report=reported.append)
    assert [outcome.status for outcome in outcomes] == ["done", "failed", "done"]
    assert reported == outcomes


@pytest.mark.parametrize(
    "fault",
    [MediaError(f"b: cannot be written ({os.strerror(errno.ENOSPC)})"), DeviceError("cuda: it is gone")],
    ids=["full disk", "device"],
)
def test_a_fault_that_all_would_have_ends_the_run(tmp_path: Path, fault: StyleError) -> None:
    done, _, stylize = stylizing({"b": fault})
    with pytest.raises(type(fault)):
        run_videos(jobs_in(tmp_path, "a", "b", "c", "d"), stylize)
    assert done == ["a", "b"]


def test_those_that_are_there_are_kept_unless_they_are_to_be_replaced(tmp_path: Path) -> None:
    done, _, stylize = stylizing({})
    jobs = jobs_in(tmp_path, "a", "b")
    run_videos(jobs[:1], stylize)
    assert [one.status for one in run_videos(jobs, stylize)] == ["kept", "done"]
    assert [one.status for one in run_videos(jobs, stylize, overwrite=True)] == ["done", "done"]
    assert done == ["a", "b", "a", "b"]


def test_progress_tells_which_of_how_many(tmp_path: Path) -> None:
    steps: list[Step] = []
    _, _, stylize = stylizing({})
    run_videos(jobs_in(tmp_path, "a", "b"), stylize, progress=steps.append)
    assert [step.label for step in steps] == ["a (1 of 2)", "b (2 of 2)"]
