"""What all calls share: what they work with, a call's JSON, work in a thread, the answer to a fault."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from stylecli.core.errors import DeviceError, MediaError, PackError, StyleError, UsageError
from stylecli.web.jobs.queue import Jobs
from stylecli.web.options import Limits
from stylecli.web.pictures.networks import Networks
from stylecli.web.pictures.previews import Previews
from stylecli.web.pictures.uploads import FullError, Uploads

Answer = TypeVar("Answer")
Call = Callable[[Request], Awaitable[Response]]

STATUS = ((FullError, 413), (UsageError, 400), (PackError, 404), (MediaError, 422), (DeviceError, 503))


@dataclass(frozen=True)
class Site:
    """What the calls of one server work with."""

    uploads: Uploads
    networks: Networks
    previews: Previews
    jobs: Jobs
    limits: Limits
    styles_dir: Path | None
    key: str
    password: str | None


async def json_of(request: Request, bytes_max: int) -> dict[str, Any]:
    """The JSON object in a call.

    Raises:
        FullError: it is longer than `bytes_max`.
        UsageError: it is none.
    """
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > bytes_max:
            raise FullError("the call is too long")
    try:
        value = json.loads(bytes(body))
        json.dumps(value, ensure_ascii=False).encode()  # half a character cannot be answered
    except (ValueError, RecursionError) as error:
        raise UsageError("the call is not understood", hint="It is no JSON.") from error
    if not isinstance(value, dict):
        raise UsageError("the call is not understood", hint="It is no JSON object.")
    return value


def answer_of(error: Exception) -> Response:
    """What the page is told of a fault that a user can cure."""
    if isinstance(error, ClientDisconnect):
        return Response(status_code=499)
    if not isinstance(error, StyleError):
        raise error
    status = next((status for kind, status in STATUS if isinstance(error, kind)), 400)
    return JSONResponse({"message": error.message, "hint": error.hint}, status)


async def aside(work: Callable[..., Answer], *arguments: Any) -> Answer:
    """Do work in a thread, so that the server goes on answering."""
    return await asyncio.to_thread(work, *arguments)
