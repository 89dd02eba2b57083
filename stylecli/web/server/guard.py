"""Who may call: first the Host, then the Origin, then the key. Stands before everything else of the server.

A page on another site can send requests to a server on this machine, and by DNS rebinding even read the answers. A
rebound request has a foreign Host and may lack an Origin, so Host is checked first. There are no cookies that a browser
would send along by itself: every call carries the key in a header, which only our own page knows.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

KEY_HEADER = b"x-stylecli-key"
CALLS = "/api/"  # paths that need the key
OPEN_CALLS = ("/api/session",)  # where a password is exchanged for the key
HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[^:\[\]]+):(?P<port>[0-9]+)")
LOCAL_NAMES = ("127.0.0.1", "localhost", "[::1]")

SECURITY_HEADERS: Mapping[bytes, bytes] = {
    b"content-security-policy": (
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; "
        b"connect-src 'self'; font-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; "
        b"frame-ancestors 'none'"
    ),
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"permissions-policy": b"camera=(self), microphone=(), geolocation=()",
    b"referrer-policy": b"no-referrer",
    b"x-content-type-options": b"nosniff",
    b"cache-control": b"no-store",
}


class Guard:
    """ASGI middleware that refuses strangers and adds the security headers to every answer."""

    def __init__(self, app: App, *, key: str, port: int, is_public: bool) -> None:
        """With `is_public`, other machines may call by an IP address or by this machine's name."""
        self._app, self._key, self._is_public = app, key.encode(), is_public
        self._port = port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass it on."""
        if scope["type"] != "http":
            return  # neither websockets nor lifespan

        has_started = False

        async def send_guarded(message: MutableMapping[str, Any]) -> None:
            nonlocal has_started
            if message["type"] == "http.response.start":
                has_started = True
                ours = [(name, value) for name, value in message.get("headers", ()) if name not in SECURITY_HEADERS]
                message = {**message, "headers": [*ours, *SECURITY_HEADERS.items()]}
            await send(message)

        refusal = self._refusal(scope["path"], list(scope["headers"]))
        if refusal:
            await _refuse(send_guarded, *refusal)
        else:
            try:
                await self._app(scope, receive, send_guarded)
            except asyncio.CancelledError:  # the server ends in the middle of the work: no reason for a traceback
                if not has_started:
                    await _refuse(send_guarded, 503, "the server ends")

    def _refusal(self, path: str, headers: Iterable[tuple[bytes, bytes]]) -> tuple[int, str] | None:
        given: dict[bytes, list[bytes]] = {}
        for name, value in headers:
            given.setdefault(name.lower(), []).append(value)
        hosts, origins = given.get(b"host", []), given.get(b"origin", [])
        if len(hosts) != 1 or not self._is_ours(host := hosts[0].decode("latin-1").lower()):
            return 403, "this name is not served here"
        if any(origin.decode("latin-1").lower() != f"http://{host}" for origin in origins):
            return 403, "pages of other sites may not call"
        if given.get(b"sec-fetch-site", [b"none"])[0] == b"cross-site" and path.startswith(CALLS):
            return 403, "pages of other sites may not call"
        keys = given.get(KEY_HEADER, [])
        needs_key = path.startswith(CALLS) and path not in OPEN_CALLS
        if needs_key and (len(keys) != 1 or not hmac.compare_digest(keys[0], self._key)):
            return 401, "the key is missing or wrong"
        return None

    def _is_ours(self, host: str) -> bool:
        found = HOST.fullmatch(host)
        return found is not None and found["port"] == str(self._port) and self._is_our_name(found["name"])

    def _is_our_name(self, name: str) -> bool:
        if name in LOCAL_NAMES:
            return True
        if not self._is_public:
            return False
        try:  # rebinding needs a name: an address cannot be rebound
            ipaddress.ip_address(name.strip("[]"))
            return True
        except ValueError:
            return name == socket.gethostname().lower()


async def _refuse(send: Send, status: int, message: str) -> None:
    body = b'{"message": "%s"}' % message.encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
