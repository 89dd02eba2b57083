"""A real server in a process of its own, and a real browser."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data

from stylecli.media.images.files import encode_picture, picture_from_pixels, write_picture
from stylecli.web.options import Limits, ServeOptions
from tests.support.asgi import Answer, Client
from tests.support.pages import write_clip

if any(importlib.util.find_spec(name) is None for name in ("starlette", "uvicorn")):
    collect_ignore_glob = ["*test_*.py"]  # they need the extra `web`

PROGRAM = (sys.executable, "-m", "stylecli")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PORT = 8765
HOST = f"127.0.0.1:{PORT}"
LIMITS = Limits(
    upload_bytes=3_000_000,
    picture_bytes=2_000_000,
    total_bytes=8_000_000,
    pixels=200_000,
    uploads=4,
    waiting=2,
    batch=3,
    lessons=2,
)
PHOTO = encode_picture(picture_from_pixels(skimage.data.chelsea().copy()), ".png")  # 451 x 300
TINY = encode_picture(picture_from_pixels(np.full((4, 6, 3), 90, np.uint8)), ".png")


@dataclass
class Served:
    """A server that runs: its address without and with the key, its process, and its stderr so far."""

    url: str
    key: str
    process: subprocess.Popen[str]
    errors: Path

    @property
    def address(self) -> str:
        return f"{self.url}#key={self.key}"

    @property
    def port(self) -> int:
        return int(self.url.rstrip("/").rsplit(":", 1)[1])


@contextmanager
def serving(folder: Path, *options: str, program: Sequence[str] = PROGRAM, **environment: str) -> Iterator[Served]:
    """Start `stylecli serve`, and end it."""
    errors = folder / "serve.err"
    command = [*program, "serve", "--no-open", "--port", "0", *options]
    with errors.open("w") as stderr:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env={**os.environ, "TMPDIR": str(folder), **environment},
        )
    assert process.stdout
    try:
        url, _, key = process.stdout.readline().strip().partition("#key=")
        yield Served(url, key, process, errors)
    finally:
        process.terminate()
        process.wait(120)
        process.stdout.close()


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Give a running server with the bundled styles; at its end no traceback may have been printed."""
    with serving(tmp_path_factory.mktemp("served")) as server:
        yield server
    assert "Traceback" not in server.errors.read_text()


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with a photo, a second one, and a clip of a second."""
    folder = tmp_path_factory.mktemp("desk")
    write_picture(picture_from_pixels(skimage.data.chelsea().copy()), folder / "cat.png")
    write_picture(picture_from_pixels(skimage.data.coffee().copy()), folder / "coffee.jpg")
    frames = [np.roll(skimage.data.coffee()[:240, :320], 4 * step, 1) for step in range(12)]
    write_clip(folder / "clip.mp4", (np.ascontiguousarray(frame) for frame in frames), size=(320, 240), rate=12)
    (folder / "words.jpg").write_text("These are words. " * 400)
    (folder / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(200))
    return folder


@pytest.fixture(scope="session")
def cat(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the photo of a cat."""
    path = tmp_path_factory.mktemp("desk") / "cat.png"
    path.write_bytes(PHOTO)
    return path


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """Give a browser without a window, with a camera that shows a test picture."""
    sync_api = pytest.importorskip("playwright.sync_api")
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip("no Chromium; tests/web/setup.sh sets it up")
    arguments = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        yield browser
        browser.close()


class Visitor(Client):
    """A client with the key."""

    key = ""

    def upload(self, data: bytes, name: str = "photo.png") -> Answer:
        return self.post("/api/uploads", content=data, headers={"x-name": name})


@pytest.fixture
def client(tiny_style: Path) -> Iterator[Visitor]:
    """Give a client of the application behind its guard, with one tiny style on the nearest shelf."""
    yield from connected(ServeOptions(limits=LIMITS, styles_dir=tiny_style.parent, device="cpu"))


def connected(options: ServeOptions) -> Iterator[Visitor]:
    from stylecli.web.server.serving import guarded, site  # needs the extra `web`

    with site(options) as (application, key):
        guard = guarded(application, options, key=key, port=PORT)
        client = Visitor(guard, HOST, {"x-stylecli-key": key})
        client.key = key
        yield client


@pytest.fixture
def photo_id(client: Visitor) -> str:
    return str(client.upload(PHOTO).json()["id"])


def finished(client: Visitor, job: str) -> Any:
    """The events of a job, to its end."""
    lines = client.get(f"/api/jobs/{job}/events").text.split("\n\n")
    return [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
