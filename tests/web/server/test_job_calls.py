"""Long work that is asked for: batches, videos, limits."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import skimage.data

from stylecli.cli.app import suite
from tests.support.pages import write_clip
from tests.web.conftest import TINY, Visitor, finished


def test_a_batch_becomes_a_zip_and_a_broken_file_stops_nothing(
    client: Visitor, photo_id: str, tiny_style: Path, tmp_path: Path
) -> None:
    second = client.upload(TINY, "photo.png").json()["id"]
    call = {"uploads": [photo_id, second], "style": tiny_style.name}
    events = finished(client, client.post("/api/jobs", json=call).json()["id"])
    assert events[-1]["state"] == "done"
    archive = tmp_path / "all.zip"
    archive.write_bytes(client.get(f"/api/jobs/{events[-1]['id']}/result").content)
    names = zipfile.ZipFile(archive).namelist()
    assert names == [f"photo-{tiny_style.name}.png", f"photo-{tiny_style.name}-2.png"]


def test_a_range_of_a_video_is_that_of_the_command_line(client: Visitor, tiny_style: Path, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    frames = (np.roll(skimage.data.coffee()[:120, :160], 4 * step, 1).copy() for step in range(12))
    write_clip(clip, frames, size=(160, 120), rate=12)
    facts = client.upload(clip.read_bytes(), "clip.mp4").json()
    assert (facts["kind"], facts["width"], facts["height"], facts["frames"]) == ("video", 160, 120, 12)
    frame = client.post("/api/photo", json={"upload": facts["id"], "second": 0.5})
    assert (frame.headers["x-width"], frame.headers["x-height"]) == ("160", "120")
    call = {"uploads": [facts["id"]], "style": tiny_style.name, "strength": 0.5, "span": {"start": 0.25, "end": 0.75}}
    events = finished(client, client.post("/api/jobs", json=call).json()["id"])
    assert (events[-1]["state"], events[-1]["done"], events[-1]["unit"]) == ("done", 6, "frames")
    made = client.get(f"/api/jobs/{events[-1]['id']}/result").content
    options = ["-s", str(tiny_style), "--strength", "0.5", "--range", "0.25:0.75", "-o", str(tmp_path / "made.mp4")]
    suite.main(["video", str(clip), *options], standalone_mode=False)
    assert made == (tmp_path / "made.mp4").read_bytes()


def test_a_range_that_is_none_is_refused(client: Visitor, photo_id: str, tiny_style: Path) -> None:
    for span in ("1:2", {"start": -1}, {"start": 2, "end": 1}, {"start": "0"}, {"end": float("inf")}):
        call = {"uploads": [photo_id], "style": tiny_style.name, "span": span}
        assert client.post("/api/jobs", json=call).status_code == 400


def test_the_queue_and_a_job_have_limits(client: Visitor, photo_id: str, tiny_style: Path) -> None:
    call = {"uploads": [photo_id] * 4, "style": tiny_style.name}
    assert client.post("/api/jobs", json=call).status_code == 413
    assert client.post("/api/jobs", json={**call, "uploads": []}).status_code == 413
    assert client.post("/api/jobs", json={**call, "uploads": "all"}).status_code == 400
    assert client.get("/api/jobs/none/events").status_code == 422
