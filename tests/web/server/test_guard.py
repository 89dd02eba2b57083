"""Who may call: the Host, the Origin, the key, and paths that lead nowhere."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from stylecli.web.server.guard import Guard
from tests.support.asgi import Client
from tests.web.conftest import HOST, PORT, Visitor


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


def test_work_that_the_end_of_the_server_cancels_is_answered() -> None:
    async def cancelled(*_: object) -> None:
        raise asyncio.CancelledError

    client = Client(Guard(cancelled, key="key", port=PORT, is_public=False), HOST)
    assert client.get("/").status_code == 503
