"""The whole server: passwords, what is deleted at the end, mutated requests."""

from __future__ import annotations

import gzip
import http.client
import random
import socket
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from stylecli.core.errors import UsageError
from stylecli.media.images.files import encode_picture, picture_from_pixels, read_picture
from stylecli.web.options import ServeOptions
from tests.web.conftest import LIMITS, PHOTO, PORT, TINY, Served, Visitor, connected, serving


def test_another_address_needs_a_password() -> None:
    with pytest.raises(UsageError, match="other machines"):
        ServeOptions(host="0.0.0.0")
    with pytest.raises(UsageError, match="too short"):
        ServeOptions(host="0.0.0.0", password="short")


def test_a_password_gives_the_key(tiny_style: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stylecli.web.server.calls.WRONG_PASSWORD_SECONDS", 0)
    options = ServeOptions(host="0.0.0.0", password="open sesame", styles_dir=tiny_style.parent, limits=LIMITS)
    for client in connected(options):
        assert client.post("/api/session", json={"password": "wrong"}).status_code == 401
        assert client.post("/api/session", json={"password": None}).status_code == 401
        assert client.post("/api/session", json={"password": "open sesame"}).json() == {"key": client.key}
        assert client.get("/", headers={"host": f"192.168.1.5:{PORT}"}).status_code == 200
        assert client.get("/", headers={"host": f"rebound.example:{PORT}"}).status_code == 403


def test_other_machines_get_small_files_to_look_at(tiny_style: Path) -> None:
    options = ServeOptions(host="0.0.0.0", password="open sesame", styles_dir=tiny_style.parent, limits=LIMITS)
    photo = read_picture(PHOTO).pixels
    for client in connected(options):
        answer = client.post("/api/photo", json={"upload": client.upload(PHOTO).json()["id"]})
        assert answer.headers["content-type"] == "image/jpeg"
        assert len(answer.content) < photo.nbytes / 5
        assert np.abs(read_picture(answer.content).pixels.astype(int) - photo).mean() < 3
        clear = np.dstack([photo[:8, :8], np.full((8, 8), 90, np.uint8)])
        upload = client.upload(encode_picture(picture_from_pixels(clear[..., :3].copy(), clear[..., 3].copy()), ".png"))
        answer = client.post("/api/photo", json={"upload": upload.json()["id"]})
        assert answer.content[3] == 90


def test_the_files_of_the_page_are_sent_compressed_where_the_browser_takes_it(client: Visitor) -> None:
    for name in ("", "page.css", "main.js", "regular.ttf"):
        plain = client.get(f"/{name}")
        packed = client.get(f"/{name}", headers={"accept-encoding": "gzip, br"})
        assert packed.headers["content-encoding"] == "gzip"
        assert "content-encoding" not in plain.headers
        assert gzip.decompress(packed.content) == plain.content
        assert len(packed.content) < 0.7 * len(plain.content)


def test_without_a_password_nobody_gets_the_key(client: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stylecli.web.server.calls.WRONG_PASSWORD_SECONDS", 0)
    for password in ("", "None", None, [], 0):
        assert client.post("/api/session", json={"password": password}).status_code == 401


def test_uploads_are_deleted_at_the_end(tiny_style: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for client in connected(ServeOptions(styles_dir=tiny_style.parent, limits=replace(LIMITS, uploads=9))):
        client.upload(TINY)
        assert list(tmp_path.rglob("original*"))
    assert not list(tmp_path.iterdir())


def test_mutated_requests_neither_break_nor_fill_the_server(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        chance = random.Random(5)
        process = psutil.Process(server.process.pid)
        seeds = _requests(server)
        for request in seeds:
            _raw(server.port, request)
        before = 0
        for number in range(1000):
            request = bytearray(chance.choice(seeds))
            for _ in range(chance.randint(1, 6)):
                _mutate(request, chance)
            _raw(server.port, bytes(request))
            if number == 200:
                before = process.memory_info().rss
        assert process.memory_info().rss - before < 60_000_000
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=180)
        connection.request("GET", "/api/styles", headers={"x-stylecli-key": server.key})
        assert connection.getresponse().status == 200
        connection.close()
    assert "Traceback" not in server.errors.read_text()
    assert not list(tmp_path.glob("stylecli-web-*"))


def _requests(server: Served) -> list[bytes]:
    """One request of each kind, as a browser sends them, without anything that computes for long."""
    head = f"Host: 127.0.0.1:{server.port}\r\nx-stylecli-key: {server.key}\r\nConnection: close\r\n"
    call = b'{"upload": "abc", "style": "great-wave", "strength": 0.5, "brush": "auto", "second": 0}'
    bodies = [
        ("uploads", TINY),
        ("paint", call),
        ("region", call),
        ("picture", call),
        ("jobs", call),
        ("session", b"{}"),
    ]
    posts = [
        f"POST /api/{name} HTTP/1.1\r\n{head}Content-Length: {len(body)}\r\nx-name: a.png\r\n\r\n".encode() + body
        for name, body in bodies[:-1]
    ]
    paths = ("", "main.js", "api/styles", "api/uploads/abc", "api/jobs/abc/events", "api/styles/great-wave/preview")
    return [*(f"GET /{path} HTTP/1.1\r\n{head}\r\n".encode() for path in paths), *posts]


def _mutate(request: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(request))
    match chance.randrange(5):
        case 0:
            request[at] = chance.randrange(256)
        case 1:
            del request[at : at + chance.randint(1, 20)]
        case 2:
            request[at:at] = bytes(chance.randrange(256) for _ in range(chance.randint(1, 20)))
        case 3:
            request[at:at] = request[max(0, at - 30) : at]
        case 4:
            request[at:at] = chance.choice([b"..%2f", b"\r\n", b"\0", b"%", b"NaN", b"999999999999", b"{", b'"'])
    if not request:
        request += b"\r\n"


def _raw(port: int, request: bytes) -> None:
    """Send bytes and read what comes, for a moment: an incomplete request gets no answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=180) as connection:
        try:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(2)
            until = time.monotonic() + 2
            while connection.recv(65_536) and time.monotonic() < until:
                pass
        except OSError:
            pass
