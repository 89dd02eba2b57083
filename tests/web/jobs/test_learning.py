"""A style is learned by a call, under the limits of the server, in a process that can be ended."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from stylecli.core.extras import missing_packages
from stylecli.packs.safety import verify
from stylecli.web.jobs import learning
from stylecli.web.jobs.learning import name_of_title
from stylecli.web.options import ServeOptions
from tests.support.pages import QUICK_LEARNING
from tests.web.conftest import LIMITS, PHOTO, Visitor, connected, finished

needs_training = pytest.mark.skipif(bool(missing_packages("train")), reason="without the extra `train`")


@pytest.fixture
def shelf(tiny_style: Path, tmp_path: Path) -> Path:
    """Give a shelf of its own, with one tiny style."""
    shutil.copytree(tiny_style, tmp_path / "shelf" / tiny_style.name)
    return tmp_path / "shelf"


@pytest.fixture
def client(shelf: Path) -> Iterator[Visitor]:
    yield from connected(ServeOptions(limits=LIMITS, styles_dir=shelf, device="cpu"))


def lesson(photo_id: str, **changes: Any) -> dict[str, Any]:
    return {"upload": photo_id, "title": "Chat Noir", "seconds": 60, "base": "the-scream", **changes}


def started(client: Visitor, photo_id: str, **changes: Any) -> Any:
    answer = client.post("/api/lessons", json=lesson(photo_id, **changes))
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


@needs_training
def test_a_style_is_learned_and_can_be_used(
    client: Visitor, photo_id: str, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learning, "PROGRAM", (sys.executable, str(QUICK_LEARNING)))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # so small steps gain nothing by threads
    job = started(client, photo_id, title="Chat Noir", artist="Théophile Steinlen", year=1896)
    events = finished(client, job)
    assert (events[-1]["state"], events[-1]["message"], events[-1]["style"]) == ("done", "", "chat-noir")
    assert (events[-1]["done"], events[-1]["total"], events[-1]["unit"]) == (2, 2, "steps")
    assert events[-1]["drawn"]
    assert client.get(f"/api/jobs/{job}/preview").content.startswith(b"\x89PNG")
    (learned,) = (one for one in client.get("/api/styles").json()["styles"] if one["name"] == "chat-noir")
    assert (learned["title"], learned["artist"], learned["year"]) == ("Chat Noir", "Théophile Steinlen", 1896)
    assert verify(shelf / "chat-noir") == []
    assert client.post("/api/picture", json={"upload": photo_id, "style": "chat-noir"}).status_code == 200
    assert client.post("/api/lessons", json=lesson(photo_id)).status_code == 400  # the name is taken now


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that takes its time, and tells how far it is."""
    tell = 'import time; print(\'{"event": "progress", "done": 1, "total": 9, "unit": "steps"}\', flush=True)'
    monkeypatch.setattr(learning, "PROGRAM", (sys.executable, "-c", f"{tell}; time.sleep(600)"))
    monkeypatch.setattr("stylecli.web.server.job_calls.missing_packages", lambda _: [])


@pytest.mark.usefixtures("slow")
def test_a_cancelled_lesson_ends_its_process(client: Visitor, photo_id: str, shelf: Path) -> None:
    job = started(client, photo_id)
    wait_for_step(client, job)
    assert children()
    client.delete(f"/api/jobs/{job}")
    assert finished(client, job)[-1]["state"] == "cancelled"
    assert not children()
    assert len(list(shelf.iterdir())) == 1


@pytest.mark.usefixtures("slow")
def test_a_lesson_ends_with_the_server(shelf: Path) -> None:
    for client in connected(ServeOptions(limits=LIMITS, styles_dir=shelf, device="cpu")):
        wait_for_step(client, started(client, client.upload(PHOTO).json()["id"]))
        assert children()
    assert not children()


@pytest.mark.usefixtures("slow")
def test_only_so_many_styles_are_learned(client: Visitor, photo_id: str) -> None:
    for number in range(LIMITS.lessons):
        started(client, photo_id, title=f"Night {number}")
    assert client.post("/api/lessons", json=lesson(photo_id, title="Night 0")).status_code == 400  # it is in the queue
    assert client.post("/api/lessons", json=lesson(photo_id)).status_code == 413


def test_a_lesson_that_crashes_is_told(client: Visitor, photo_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning, "PROGRAM", (sys.executable, "-c", "raise SystemExit('stylecli: no memory left.')"))
    monkeypatch.setattr("stylecli.web.server.job_calls.missing_packages", lambda _: [])
    last = finished(client, started(client, photo_id))[-1]
    assert (last["state"], last["message"]) == ("failed", "no memory left")


def test_without_the_extra_nothing_is_learned(client: Visitor, photo_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("calls", "job_calls"):
        monkeypatch.setattr(f"stylecli.web.server.{module}.missing_packages", lambda _: ["torch"])
    assert client.get("/api/styles").json()["learns"] is False
    assert "torch missing" in client.post("/api/lessons", json=lesson(photo_id)).json()["message"]


@pytest.mark.parametrize(
    "change",
    [
        {"title": ""},
        {"title": "???"},
        {"title": 5},
        {"title": "great wave"},
        {"seconds": 1},
        {"seconds": 1e9},
        {"seconds": None},
        {"year": -4},
        {"base": "../x"},
        {"base": None},
    ],
)
def test_a_lesson_that_makes_no_sense_is_refused(client: Visitor, photo_id: str, change: dict[str, Any]) -> None:
    assert client.post("/api/lessons", json=lesson(photo_id, **change)).status_code == 400


def test_a_lesson_needs_the_key_and_a_painting(client: Visitor, photo_id: str) -> None:
    assert client.post("/api/lessons", json=lesson("none")).status_code == 422
    assert client.post("/api/lessons", json=lesson(photo_id), headers={"x-stylecli-key": "x"}).status_code == 401
    assert client.get("/api/jobs/none/preview").status_code == 422


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Café at Night", "cafe-at-night"),
        ("--force", "force"),
        ("../../etc", "etc"),
        ("The Kiss (1908)", "the-kiss-1908"),
        ("神奈川沖浪裏", ""),
        ("x" * 200, "x" * 60),
    ],
)
def test_a_style_is_called_after_its_title(title: str, name: str) -> None:
    assert name_of_title(title) == name


def wait_for_step(client: Visitor, job: str) -> None:
    until = time.monotonic() + 180
    while client.get(f"/api/jobs/{job}").json()["done"] != 1:
        assert time.monotonic() < until


def children() -> list[psutil.Process]:
    return [one for one in psutil.Process().children() if "time.sleep(600)" in " ".join(one.cmdline())]
