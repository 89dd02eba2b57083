"""Who may call the server and with what: its guard, its limits, its answers."""

from __future__ import annotations

import http.client
import random
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import numpy as np
import psutil
import pytest
import skimage.data

from stylecli.cli.app import suite
from stylecli.core.errors import UsageError
from stylecli.media.images.files import encode_picture, picture_from_pixels, read_picture
from stylecli.web.options import ServeOptions
from tests.support.pages import write_clip
from tests.web.conftest import HOST, LIMITS, PHOTO, PORT, TINY, Served, Visitor, connected, finished, serving

# The guard


def test_the_page_is_served_without_the_key_and_calls_are_not(client: Visitor) -> None:
    client.headers.pop("x-stylecli-key")
    assert client.get("/").status_code == 200
    assert client.get("/api/styles").status_code == 401
    assert client.get("/api/styles", headers={"x-stylecli-key": client.key[:-1]}).status_code == 401
    assert client.get("/api/styles", headers={"x-stylecli-key": client.key}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["example.org", "example.org:8765", "127.0.0.1", "127.0.0.1:80", "127.0.0.1.evil.org:8765", "", "10.0.0.1:8765"],
)
def test_a_rebound_host_is_refused_even_with_the_key(client: Visitor, host: str) -> None:
    assert client.get("/", headers={"host": host}).status_code == 403
    assert client.get("/api/styles", headers={"host": host}).status_code == 403


@pytest.mark.parametrize("host", [HOST, "localhost:8765", "LOCALHOST:8765", "[::1]:8765"])
def test_names_of_this_machine_are_served(client: Visitor, host: str) -> None:
    assert client.get("/api/styles", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "origin", ["https://example.org", "null", "", "http://127.0.0.1", "https://127.0.0.1:8765", "http://localhost:8765"]
)
def test_a_foreign_origin_is_refused_even_with_the_key(client: Visitor, origin: str) -> None:
    for method, path in (("GET", "/"), ("POST", "/api/sample"), ("GET", "/api/styles")):
        assert client.request(method, path, headers={"origin": origin}).status_code == 403


def test_the_page_itself_may_call(client: Visitor) -> None:
    assert client.get("/api/styles", headers={"origin": f"http://{HOST}"}).status_code == 200


def test_another_site_cannot_call_without_an_origin(client: Visitor) -> None:
    assert client.get("/api/styles", headers={"sec-fetch-site": "cross-site"}).status_code == 403


def test_no_answer_lets_other_sites_read(client: Visitor) -> None:
    for path in ("/", "/api/styles", "/nothing", "/main.js"):
        headers = client.get(path).headers
        assert not [name for name in headers if name.startswith("access-control")]
        policy = headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "script-src 'self';" in policy
        assert headers["x-content-type-options"] == "nosniff"


def test_the_page_has_no_inline_scripts_styles_or_foreign_addresses(client: Visitor) -> None:
    page = client.get("/").text
    assert page.count("<script") == page.count('<script type="module" src="main.js">') == 1
    assert "<style" not in page
    assert " style=" not in page
    assert "http" not in page


@pytest.mark.parametrize(
    "path",
    [
        "/../pyproject.toml",
        "/..%2f..%2fpyproject.toml",
        "/%2e%2e/server.py",
        "/page/../../server.py",
        "//etc/passwd",
        "/server.py",
        "/api/uploads/..%2f..%2fetc/file",
        "/api/uploads/%2e%2e/file",
        "/api/styles/..%2f../preview",
        "/main.js/..",
        "/main.js%00",
    ],
)
def test_no_path_leads_out_of_the_page(client: Visitor, path: str) -> None:
    assert client.get(path).status_code in (403, 404, 422)


def test_a_style_is_a_name_and_never_a_path(client: Visitor, photo_id: str, tiny_style: Path) -> None:
    for style in (str(tiny_style), "./great-wave", "../styles/great-wave", "/etc", ""):
        answer = client.post("/api/paint", json={"upload": photo_id, "style": style})
        assert answer.status_code == 404, style


# What is taken


def test_a_photo_is_taken_in_and_painted_as_the_command_line_does(
    client: Visitor, photo_id: str, tiny_style: Path, tmp_path: Path
) -> None:
    answer = client.post("/api/picture", json={"upload": photo_id, "style": tiny_style.name, "strength": 0.6})
    (tmp_path / "photo.png").write_bytes(PHOTO)
    options = ["-s", str(tiny_style), "--strength", "0.6", "-o", str(tmp_path / "made.png")]
    subprocess.run([sys.executable, "-m", "stylecli", "image", str(tmp_path / "photo.png"), *options], check=True)
    assert answer.content == (tmp_path / "made.png").read_bytes()
    assert answer.headers["x-name"] == f"photo-{tiny_style.name}.png"


def test_a_blend_is_that_of_the_command_line(client: Visitor, photo_id: str, tmp_path: Path) -> None:
    blend = "great-wave:0.6+the-scream:0.4"
    answer = client.post("/api/picture", json={"upload": photo_id, "style": blend})
    (tmp_path / "photo.png").write_bytes(PHOTO)
    suite.main(["image", str(tmp_path / "photo.png"), "-s", blend], standalone_mode=False)
    (made,) = tmp_path.glob("photo-*.png")
    assert answer.content == made.read_bytes()
    assert answer.headers["x-name"] == made.name


@pytest.mark.parametrize(
    ("blend", "status"), [("great-wave+", 400), ("great-wave:-1+the-scream", 400), ("great-wave+../../etc", 404)]
)
def test_a_blend_that_is_none_is_refused(client: Visitor, photo_id: str, blend: str, status: int) -> None:
    assert client.post("/api/paint", json={"upload": photo_id, "style": blend}).status_code == status


def test_a_preview_has_the_pixels_of_the_result(client: Visitor, photo_id: str, tiny_style: Path) -> None:
    call = {"upload": photo_id, "style": tiny_style.name}
    preview = client.post("/api/paint", json=call)
    shape = int(preview.headers["x-height"]), int(preview.headers["x-width"]), 4
    made = read_picture(client.post("/api/picture", json=call).content).pixels
    assert np.array_equal(np.frombuffer(preview.content, np.uint8).reshape(shape)[..., :3], made)


@pytest.mark.parametrize(
    ("data", "name", "said"),
    [
        (b"These are words. " * 300, "words.jpg", "neither a picture nor a video"),
        (b"", "empty.png", "it is empty"),
        (b"\0\0\0\x18ftypheic" + bytes(100), "phone.heic", "HEIC"),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n" + bytes(50), "list.mp4", "neither a picture nor a video"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n" + bytes(50), "list.mp4", "neither a picture nor a video"),
        (PHOTO[: len(PHOTO) // 2], "half.png", "half.png"),
        (b"\x89PNG\r\n\x1a\n" + bytes(2_100_000), "large.png", "too large"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_and_deleted(client: Visitor, data: bytes, name: str, said: str) -> None:
    answer = client.upload(data, name)
    assert answer.status_code == 422
    assert said in answer.json()["message"]
    assert "/" not in answer.json()["message"].replace("A/V", "")
    assert client.upload(PHOTO).status_code == 201  # there is room again


def test_a_picture_of_too_many_pixels_is_refused(client: Visitor) -> None:
    large = encode_picture(picture_from_pixels(np.zeros((500, 500, 3), np.uint8)), ".png")
    assert "too many" in client.upload(large).json()["message"]


def test_a_file_of_too_many_bytes_is_refused_while_it_arrives(client: Visitor) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(40):
            yield bytes(100_000)

    assert client.post("/api/uploads", content=pieces()).status_code == 413
    assert client.upload(bytes(3_000_001)).status_code == 413


def test_only_so_many_files_are_held(client: Visitor) -> None:
    answers = [client.upload(TINY) for _ in range(LIMITS.uploads + 1)]
    assert [answer.status_code for answer in answers] == [201] * LIMITS.uploads + [413]
    client.delete(f"/api/uploads/{answers[0].json()['id']}")
    assert client.upload(TINY).status_code == 201


@pytest.mark.parametrize(
    "name",
    [
        "../../evil.png",
        "C:\\evil.png",
        "/etc/passwd",
        "a\0b.png",
        "\u202egnp.exe",
        "x" * 5000,
        "",
        ".",
        "..",
        "photo.png;rm",
    ],
)
def test_names_of_files_lead_nowhere(client: Visitor, name: str) -> None:
    facts = client.upload(TINY, quote(name)).json()
    assert not set(facts["name"]) & set("/\\\0")
    assert facts["name"].strip(".")
    assert len(facts["name"]) <= 100


@pytest.mark.parametrize(
    "call",
    [
        b"",
        b"[]",
        b"nonsense",
        b'{"style": 5}',
        b'{"style": "tiny", "strength": 2}',
        b'{"style": "tiny", "strength": NaN}',
        b'{"style": "tiny", "brush": "huge"}',
        b'{"style": "tiny", "brush": 1e400}',
        b'{"style": "tiny", "mask": "../x"}',
        b'{"style": "tiny", "preserve_color": "yes"}',
        b"[" * 20_000,
        b'{"style": "' + b"x" * 40_000 + b'"}',
        b"\xff\xfe",
        b'{"style": "\\ud800"}',
    ],
)
def test_calls_that_make_no_sense_are_refused(client: Visitor, photo_id: str, call: bytes) -> None:
    call = call.replace(b"{", f'{{"upload": "{photo_id}", '.encode())
    assert client.post("/api/picture", content=call).status_code in (400, 404, 413, 422)


def test_a_region_outside_of_the_picture_is_refused(client: Visitor, photo_id: str) -> None:
    inside = {"upload": photo_id, "left": 0, "top": 0, "width": 9_999, "height": 10}
    answer = client.post("/api/region", json=inside)
    assert (answer.headers["x-width"], answer.headers["x-height"]) == ("451", "10")
    for change in ({"left": 451}, {"top": -1}, {"width": 0}, {"height": "x"}):
        assert client.post("/api/region", json={**inside, **change}).status_code == 400


# Long work


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
    subprocess.run([sys.executable, "-m", "stylecli", "video", str(clip), *options], check=True, capture_output=True)
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


# The whole


def test_another_address_needs_a_password() -> None:
    with pytest.raises(UsageError, match="other machines"):
        ServeOptions(host="0.0.0.0")
    with pytest.raises(UsageError, match="too short"):
        ServeOptions(host="0.0.0.0", password="short")


def test_a_password_gives_the_key(tiny_style: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stylecli.web.calls.WRONG_PASSWORD_SECONDS", 0)
    options = ServeOptions(host="0.0.0.0", password="open sesame", styles_dir=tiny_style.parent, limits=LIMITS)
    for client in connected(options):
        assert client.post("/api/session", json={"password": "wrong"}).status_code == 401
        assert client.post("/api/session", json={"password": None}).status_code == 401
        assert client.post("/api/session", json={"password": "open sesame"}).json() == {"key": client.key}
        assert client.get("/", headers={"host": f"192.168.1.5:{PORT}"}).status_code == 200
        assert client.get("/", headers={"host": f"rebound.example:{PORT}"}).status_code == 403


def test_without_a_password_nobody_gets_the_key(client: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stylecli.web.calls.WRONG_PASSWORD_SECONDS", 0)
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
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
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
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        try:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(2)
            until = time.monotonic() + 2
            while connection.recv(65_536) and time.monotonic() < until:
                pass
        except OSError:
            pass
