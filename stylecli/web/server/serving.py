"""The local server: the page's own files, its calls, and the guard before both."""

from __future__ import annotations

import gzip
import mimetypes
import secrets
import socket
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from stylecli.core.errors import MediaError, StyleError, UsageError
from stylecli.core.files import blamed_on
from stylecli.core.progress import Notice
from stylecli.web.jobs.queue import Jobs
from stylecli.web.options import PORT, ServeOptions
from stylecli.web.page_files import MAIN_FILE, page_files
from stylecli.web.pictures.networks import Networks
from stylecli.web.pictures.previews import Previews
from stylecli.web.pictures.uploads import Uploads, temporary_folder
from stylecli.web.server.calls import Calls
from stylecli.web.server.exchange import Site, answer_of
from stylecli.web.server.guard import App, Guard
from stylecli.web.server.job_calls import JobCalls

CONNECTIONS_MAX = 100
PACKED_SUFFIXES = (".jpg",)  # of files that are compressed already
LEAVE_SECONDS = 1  # that open connections have when the server ends
WARNING = (
    "other machines reach this page, and whoever listens on the network reads the password and the pictures: "
    "it is plain HTTP. Use it only in a network that you trust."
)


def serve(
    options: ServeOptions,
    *,
    ready: Callable[[str], None] = lambda _: None,
    opens_browser: bool = True,
    notice: Notice = lambda _: None,
) -> None:
    """Serve the page until SIGINT or SIGTERM. `ready` gets the address, which holds the key.

    A folder of styles that does not exist yet is made: the page adds what it learns.

    Raises:
        UsageError: the port is taken or not allowed.
        MediaError: the folder of styles cannot be made.
    """
    if options.styles_dir:
        with blamed_on(options.styles_dir, error=MediaError, hint="Choose another folder."):
            options.styles_dir.mkdir(parents=True, exist_ok=True)
    listening = _bound(options.host, options.port)
    with listening, site(options) as (built, key):
        port = listening.getsockname()[1]
        address = f"http://{_in_url(options.host)}:{port}/"
        if options.is_public:
            notice(WARNING)
        else:
            address += f"#key={key}"
        ready(address)
        if opens_browser:
            webbrowser.open(address)
        config = uvicorn.Config(
            cast("Any", guarded(built, options, key=key, port=port)),  # uvicorn has its own types of messages
            log_level="error",
            access_log=False,
            lifespan="off",
            server_header=False,
            limit_concurrency=CONNECTIONS_MAX,
            timeout_graceful_shutdown=LEAVE_SECONDS,
        )
        uvicorn.Server(config).run(sockets=[listening])


@contextmanager
def site(options: ServeOptions) -> Iterator[tuple[App, str]]:
    """The application without its guard, and its key; all uploads are deleted at the end."""
    key = secrets.token_urlsafe(24)
    with temporary_folder() as folder:
        uploads, networks = (
            Uploads(folder, options.limits),
            Networks(device=options.device, styles_dir=options.styles_dir),
        )
        previews, jobs = Previews(uploads, networks), Jobs(folder, options.limits)
        built = Site(
            uploads, networks, previews, jobs, options.limits, options.styles_dir, key=key, password=options.password
        )
        try:
            yield application(built), key
        finally:
            jobs.close()
            networks.close()


def application(site: Site) -> App:
    """The routes of the page and of its calls."""
    calls = [
        Route(path, call, methods=[method]) for method, path, call in (*Calls(site).routes(), *JobCalls(site).routes())
    ]
    files = page_files({"engine": "server", "password": site.password is not None})
    pages = [Route(f"/{name}", _sender(name, content)) for name, content in files.items()]
    main = Route("/", _sender(MAIN_FILE, files[MAIN_FILE]))
    handlers: dict[Any, Any] = {
        StyleError: _answer,
        ClientDisconnect: _answer,
        HTTPException: _http_fault,
    }
    return cast("App", Starlette(routes=[main, *pages, *calls], exception_handlers=handlers))


def guarded(app: App, options: ServeOptions, *, key: str, port: int) -> Guard:
    """The application behind its guard."""
    return Guard(app, key=key, port=port, is_public=options.is_public)


def _sender(name: str, content: bytes) -> Callable[[Request], Response]:
    """Send one file of the page, compressed where the browser takes it: these files hold no secret."""
    media_type = "text/javascript" if name.endswith(".js") else mimetypes.guess_type(name)[0]
    media_type = media_type or "application/octet-stream"
    packed = b"" if name.endswith(PACKED_SUFFIXES) else gzip.compress(content, mtime=0)

    def send(request: Request) -> Response:
        if packed and "gzip" in request.headers.get("accept-encoding", ""):
            headers = {"content-encoding": "gzip", "vary": "accept-encoding"}
            return Response(packed, media_type=media_type, headers=headers)
        return Response(content, media_type=media_type)

    return send


async def _answer(_: Request, error: Exception) -> Response:
    return answer_of(error)


async def _http_fault(_: Request, error: HTTPException) -> Response:
    return JSONResponse({"message": error.detail}, error.status_code)


def _bound(host: str, port: int | None) -> socket.socket:
    """A socket that listens: at the port, or for None at `PORT` or any free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for candidate in (PORT, 0) if port is None else (port,):
        listening = socket.socket(family)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, candidate))
            listening.listen()
            return listening
        except OSError as error:
            listening.close()
            fault = error
    raise UsageError(f"{host}:{port}: cannot be served at ({fault.strerror})", hint="Choose another `port`.")


def _in_url(host: str) -> str:
    if host in ("0.0.0.0", "::"):
        host = socket.gethostname()
    return f"[{host}]" if ":" in host else host
