"""Long work in two lanes: files do not wait for a lesson, and nothing outlives the queue."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from stylecli.core.progress import Progress, Step
from stylecli.web.jobs.queue import Job, Jobs, Lane
from stylecli.web.pictures.uploads import Upload
from tests.web.conftest import LIMITS

FILE = Upload("id", "photo.png", Path("photo.png"), "picture", 4, 6, 100)
PATIENCE = 60.0  # seconds


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    jobs = Jobs(tmp_path, LIMITS)
    yield jobs
    jobs.close()


class Work:
    """Work that goes on until it is let go, or cancelled."""

    def __init__(self) -> None:
        self.began, self.may_end, self.ended = Event(), Event(), Event()

    def __call__(self, _: Job, progress: Progress) -> None:
        self.began.set()
        try:
            while not self.may_end.wait(0.01):
                progress(Step(1, 2, "files"))
        finally:
            self.ended.set()


def start(jobs: Jobs, work: Any, lane: Lane = "files") -> Job:
    return jobs.start(work, [FILE], "tiny", lane=lane)


def test_files_do_not_wait_for_a_lesson(jobs: Jobs) -> None:
    lesson, video = Work(), Work()
    start(jobs, lesson, "lessons")
    start(jobs, video)
    assert lesson.began.wait(PATIENCE)
    assert video.began.wait(PATIENCE)


def test_a_second_job_of_a_lane_waits_for_the_first(jobs: Jobs) -> None:
    first, second = Work(), Work()
    start(jobs, first)
    waiting = start(jobs, second)
    assert first.began.wait(PATIENCE)
    assert waiting.state == "waiting"
    first.may_end.set()
    assert second.began.wait(PATIENCE)
    assert first.ended.is_set()


def test_a_job_that_waits_is_taken_out_of_the_queue(jobs: Jobs) -> None:
    first, second = Work(), Work()
    start(jobs, first)
    waiting = start(jobs, second)
    jobs.cancel(waiting.id)
    assert waiting.state == "cancelled"
    first.may_end.set()
    third = Work()
    start(jobs, third)
    assert third.began.wait(PATIENCE)
    assert not second.began.is_set()


def test_both_lanes_end_with_the_server(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path, LIMITS)
    works = Work(), Work()
    lanes: tuple[Lane, Lane] = ("files", "lessons")
    for work, lane in zip(works, lanes, strict=True):
        start(jobs, work, lane)
        assert work.began.wait(PATIENCE)
    jobs.close()
    assert all(work.ended.is_set() for work in works)
    assert jobs.open() == []
