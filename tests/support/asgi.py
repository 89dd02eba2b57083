"""A client for an ASGI application, without a network: one request, one answer; faults of the application fly."""

from __future__ import annotations

import asyncio
import json as json_module
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status_code: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode()

    def json(self) -> Any:
        return json_module.loads(self.content)


@dataclass
class Client:
    """Sends requests with `headers`, which each request may change."""

    app: Any
    host: str
    headers: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **options: Any) -> Answer:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> Answer:
        return self.request("POST", path, **options)

    def delete(self, path: str, **options: Any) -> Answer:
        return self.request("DELETE", path, **options)

    def request(
        self,
        method: str,
        path: str,
        *,
        content: bytes | Iterable[bytes] = b"",
        json: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        if json is not None:
            content = json_module.dumps(json).encode()
        given = {"host": self.host, **self.headers, **(headers or {})}
        if isinstance(content, bytes):
            given.setdefault("content-length", str(len(content)))
            content = [content]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode("latin-1", "replace"),
            "query_string": b"",
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in given.items()],
            "client": ("127.0.0.1", 50_000),
            "server": ("127.0.0.1", 8765),
        }
        return asyncio.run(_exchange(self.app, scope, iter(content)))


async def _exchange(app: Any, scope: MutableMapping[str, Any], pieces: Iterator[bytes]) -> Answer:
    told: list[MutableMapping[str, Any]] = []
    is_sent = False

    async def receive() -> MutableMapping[str, Any]:
        nonlocal is_sent
        if is_sent:
            await asyncio.Event().wait()  # the client stays
        piece = next(pieces, None)
        is_sent = piece is None
        return {"type": "http.request", "body": piece or b"", "more_body": not is_sent}

    async def send(message: MutableMapping[str, Any]) -> None:
        told.append(message)

    await app(scope, receive, send)
    headers = {name.decode(): value.decode("latin-1") for name, value in told[0].get("headers", ())}
    return Answer(told[0]["status"], headers, b"".join(message.get("body", b"") for message in told[1:]))
