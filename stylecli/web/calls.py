"""The calls of the page: each reads a request, checks it, and answers with JSON, pixels or a file."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from shutil import copyfile
from typing import Any, TypeVar
from urllib.parse import quote, unquote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse

from stylecli.core.errors import DeviceError, MediaError, PackError, StyleError, UsageError
from stylecli.core.extras import missing_packages
from stylecli.core.version import __version__
from stylecli.web.jobs import Jobs
from stylecli.web.learning import Learning, lesson_of
from stylecli.web.looks import number, span_of, wish_of
from stylecli.web.options import Limits
from stylecli.web.page_files import PAGE, SAMPLE_FILE
from stylecli.web.previews import Previews, Rgba
from stylecli.web.results import Stylization, make_picture, result_name
from stylecli.web.uploads import FullError, Upload, Uploads

Answer = TypeVar("Answer")
Call = Callable[[Request], Awaitable[Response]]

STATUS = ((FullError, 413), (UsageError, 400), (PackError, 404), (MediaError, 422), (DeviceError, 503))
EVENT_SECONDS = 0.2  # between two looks at a job
QUIET_SECONDS = 10.0  # after which a line says that the connection lives
WRONG_PASSWORD_SECONDS = 1.0  # of waiting: guessing must be slow
SAMPLE_NAME = "bay.jpg"


@dataclass(frozen=True)
class Site:
    """What the calls of one server work with."""

    uploads: Uploads
    previews: Previews
    jobs: Jobs
    limits: Limits
    styles_dir: Path | None
    key: str
    password: str | None


class Calls:
    """The calls of one server."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._guessing, self._painting = asyncio.Lock(), asyncio.Lock()
        self._lessons = 0

    def routes(self) -> list[tuple[str, str, Call]]:
        """(method, path, call) of every call."""
        return [
            ("POST", "/api/session", self.session),
            ("GET", "/api/styles", self.styles),
            ("GET", "/api/styles/{name}/preview", self.style_preview),
            ("POST", "/api/uploads", self.upload),
            ("POST", "/api/sample", self.sample),
            ("GET", "/api/uploads/{id}", self.uploaded),
            ("GET", "/api/uploads/{id}/file", self.uploaded_file),
            ("DELETE", "/api/uploads/{id}", self.remove),
            ("POST", "/api/photo", self.photo),
            ("POST", "/api/paint", self.paint),
            ("POST", "/api/region", self.region),
            ("POST", "/api/picture", self.picture),
            ("POST", "/api/jobs", self.start_job),
            ("POST", "/api/lessons", self.start_lesson),
            ("GET", "/api/jobs/{id}", self.job),
            ("GET", "/api/jobs/{id}/preview", self.job_preview),
            ("GET", "/api/jobs/{id}/events", self.events),
            ("GET", "/api/jobs/{id}/result", self.result),
            ("DELETE", "/api/jobs/{id}", self.cancel_job),
        ]

    async def session(self, request: Request) -> Response:
        """Exchange the password for the key."""
        given = (await self._json(request)).get("password")
        async with self._guessing:  # one guess at a time
            password = self._site.password
            if password and isinstance(given, str) and hmac.compare_digest(given.encode(), password.encode()):
                return JSONResponse({"key": self._site.key})
            await asyncio.sleep(WRONG_PASSWORD_SECONDS)
        return JSONResponse({"message": "wrong password"}, 401)

    async def styles(self, _: Request) -> Response:
        """All styles."""
        packs = await _aside(self._site.previews.packs)
        listed = [
            {
                "name": pack.name,
                "title": pack.card.title,
                "artist": pack.card.artist,
                "year": pack.card.year,
                "variants": [model.variant for model in pack.card.models],
                "default": pack.card.default,
            }
            for pack in packs.values()
        ]
        learns = not missing_packages("train")
        return JSONResponse({"styles": listed, "version": __version__, "learns": learns})

    async def style_preview(self, request: Request) -> Response:
        """The small picture of what a style does."""
        pack = await _aside(self._site.previews.pack, request.path_params["name"])
        if not pack.preview.is_file():
            raise PackError(f"{pack.name}: no preview")
        return FileResponse(pack.preview, media_type="image/jpeg")

    async def upload(self, request: Request) -> Response:
        """Take in a file: the body is its bytes, the header x-name its name."""
        uploads = self._site.uploads
        name = unquote(request.headers.get("x-name", "picture"), errors="replace")
        length = request.headers.get("content-length", "0")
        await _aside(uploads.check_room, int(length) if length.isascii() and length.isdigit() else 0)
        upload_id, shown, path = uploads.draft(name)
        try:
            await self._receive(request, path)
        except BaseException:
            uploads.discard(path)
            raise
        upload = await _aside(uploads.add, upload_id, shown, path)
        return JSONResponse(upload.facts(), 201)

    async def sample(self, _: Request) -> Response:
        """A picture to try: the bay of `stylecli demo`."""
        uploads = self._site.uploads
        await _aside(uploads.check_room, 0)
        upload_id, shown, path = uploads.draft(SAMPLE_NAME)
        await _aside(copyfile, PAGE / SAMPLE_FILE, path)
        upload = await _aside(uploads.add, upload_id, shown, path)
        return JSONResponse(upload.facts(), 201)

    async def uploaded(self, request: Request) -> Response:
        """What is known of an upload."""
        return JSONResponse(self._site.uploads[request.path_params["id"]].facts())

    async def uploaded_file(self, request: Request) -> Response:
        """The bytes of an upload, for a page that was loaded again."""
        return FileResponse(self._site.uploads[request.path_params["id"]].path, media_type="application/octet-stream")

    async def remove(self, request: Request) -> Response:
        """Delete an upload."""
        await _aside(self._site.uploads.remove, request.path_params["id"])
        await _aside(self._site.previews.forget, request.path_params["id"])
        return Response(status_code=204)

    async def photo(self, request: Request) -> Response:
        """The photo made small."""
        call = await self._json(request)
        upload, second, is_tile = self._upload(call), number(call, "second", 0), call.get("tile") is True
        return await self._pixels(request, partial(self._site.previews.photo, upload, second, is_tile=is_tile))

    async def paint(self, request: Request) -> Response:
        """The photo made small, in a style."""
        call = await self._json(request)
        upload, wish = self._upload(call), wish_of(call)
        second, is_tile = number(call, "second", 0), call.get("tile") is True
        paint = partial(self._site.previews.painted, upload, wish, second, is_tile=is_tile)
        return await self._pixels(request, paint)

    async def region(self, request: Request) -> Response:
        """A rectangle at full size."""
        call = await self._json(request)
        upload, wish = self._upload(call), wish_of(call) if "style" in call else None
        left, top, width, height = (int(number(call, name)) for name in ("left", "top", "width", "height"))
        if not (0 <= left < upload.width and 0 <= top < upload.height and width > 0 and height > 0):
            raise UsageError("the region lies outside of the picture")
        place = left, top, min(width, upload.width - left), min(height, upload.height - top)
        return await self._pixels(
            request, partial(self._site.previews.region, upload, wish, number(call, "second", 0), place)
        )

    async def picture(self, request: Request) -> Response:
        """The result at full size, the same bytes that `stylecli image` writes."""
        call = await self._json(request)
        upload, wish = self._upload(call), wish_of(call)
        if upload.kind != "picture":
            raise UsageError("this is no picture", hint="Stylize the video instead.")
        style = (await _aside(self._site.previews.pack, wish.style, wish.variant)).name
        output, lost = await _aside(make_picture, upload, wish, self._site.previews, upload.path.parent)
        content = await _aside(_taken, output)
        headers = {"x-name": quote(result_name(upload, style, output)), "x-lost": quote(", ".join(lost))}
        return Response(content, media_type="application/octet-stream", headers=headers)

    async def start_job(self, request: Request) -> Response:
        """Begin long work."""
        call = await self._json(request)
        ids = call.get("uploads")
        if not isinstance(ids, list):
            raise UsageError("the call is not understood")
        uploads = [self._site.uploads[upload_id] for upload_id in ids]
        wish, previews = wish_of(call), self._site.previews
        work = Stylization(previews, wish, span_of(call))
        style = (await _aside(previews.pack, wish.style, wish.variant)).name
        return JSONResponse(self._site.jobs.start(work, uploads, style).facts(), 201)

    async def start_lesson(self, request: Request) -> Response:
        """Begin to learn a style from a painting that was uploaded."""
        call = await self._json(request)
        painting, site = self._upload(call), self._site
        lesson = lesson_of(call, await _aside(site.previews.packs), site.limits)
        if painting.kind != "picture":
            raise UsageError("this is no picture", hint="Choose a picture of the painting.")
        if missing := missing_packages("train"):
            raise UsageError(f"{', '.join(missing)} missing", hint='Install it: pip install "stylecli[train]".')
        if any(job.style == lesson.name for job in site.jobs.open()):
            raise UsageError(f"{lesson.title}: it is being learned already", hint="Choose another title.")
        if self._lessons >= site.limits.lessons:
            raise FullError(f"{self._lessons} styles were learned", hint="Start the server again for more.")
        job = site.jobs.start(Learning(lesson, site.styles_dir), [painting], lesson.name)
        self._lessons += 1
        return JSONResponse(job.facts(), 201)

    async def job_preview(self, request: Request) -> Response:
        """The picture of a job's work so far."""
        job = self._site.jobs[request.path_params["id"]]
        try:
            content = job.preview.read_bytes() if job.preview else b""
        except OSError:  # the job has ended meanwhile
            content = b""
        return Response(content, status_code=200 if content else 404, media_type="image/png")

    async def job(self, request: Request) -> Response:
        """How far a job is."""
        return JSONResponse(self._site.jobs[request.path_params["id"]].facts())

    async def events(self, request: Request) -> Response:
        """How far a job is, again and again until it is over: server-sent events."""
        job = self._site.jobs[request.path_params["id"]]

        async def told() -> AsyncIterator[str]:
            last, quiet = "", 0.0
            while True:
                is_over, now = job.is_over, json.dumps(job.facts())
                if now != last:
                    yield f"data: {now}\n\n"
                    last, quiet = now, 0.0
                if is_over:
                    return
                await asyncio.sleep(EVENT_SECONDS)
                quiet += EVENT_SECONDS
                if quiet >= QUIET_SECONDS:
                    yield ": still here\n\n"
                    quiet = 0.0

        return StreamingResponse(told(), media_type="text/event-stream")

    async def result(self, request: Request) -> Response:
        """The file that a job made."""
        job = self._site.jobs[request.path_params["id"]]
        if job.state != "done" or job.result is None:
            raise MediaError("this work is not finished")
        media_type = {".mp4": "video/mp4", ".webm": "video/webm", ".mov": "video/quicktime"}.get(job.result.suffix)
        headers = {"x-name": quote(job.name)}
        return FileResponse(job.result, media_type=media_type or "application/octet-stream", headers=headers)

    async def cancel_job(self, request: Request) -> Response:
        """End a job."""
        self._site.jobs.cancel(request.path_params["id"])
        return Response(status_code=204)

    def _upload(self, call: Mapping[str, Any]) -> Upload:
        return self._site.uploads[call.get("upload")]

    async def _json(self, request: Request) -> dict[str, Any]:
        body = bytearray()
        async for piece in request.stream():
            body += piece
            if len(body) > self._site.limits.call_bytes:
                raise FullError("the call is too long")
        try:
            value = json.loads(bytes(body))
            json.dumps(value, ensure_ascii=False).encode()  # half a character cannot be answered
        except (ValueError, RecursionError) as error:
            raise UsageError("the call is not understood", hint="It is no JSON.") from error
        if not isinstance(value, dict):
            raise UsageError("the call is not understood", hint="It is no JSON object.")
        return value

    async def _receive(self, request: Request, path: Path) -> None:
        """Write the body into a file, piece by piece."""
        pieces = request.stream().__aiter__()
        received = 0
        with path.open("wb") as file:
            while True:
                try:
                    piece = await asyncio.wait_for(anext(pieces), self._site.limits.stall_seconds)
                except StopAsyncIteration:
                    return
                except TimeoutError as error:
                    raise UsageError("the upload has stopped", hint="Send the file again.") from error
                received += len(piece)
                if received > self._site.limits.upload_bytes:
                    raise FullError(
                        "the file is too large",
                        hint=f"At most {self._site.limits.upload_bytes // 10**6} MB are taken.",
                    )
                await _aside(file.write, piece)

    async def _pixels(self, request: Request, make: Callable[[], Rgba]) -> Response:
        """Bytes of R, G, B, A; nothing is computed for a page that does not wait any more."""
        async with self._painting:
            if await request.is_disconnected():
                return Response(status_code=499)
            rgba = await _aside(make)
        headers = {"x-width": str(rgba.shape[1]), "x-height": str(rgba.shape[0])}
        return Response(rgba.tobytes(), media_type="application/octet-stream", headers=headers)


def answer_of(error: Exception) -> Response:
    """What the page is told of a fault that a user can cure."""
    if isinstance(error, ClientDisconnect):
        return Response(status_code=499)
    if not isinstance(error, StyleError):
        raise error
    status = next((status for kind, status in STATUS if isinstance(error, kind)), 400)
    return JSONResponse({"message": error.message, "hint": error.hint}, status)


async def _aside(work: Callable[..., Answer], *arguments: Any) -> Answer:
    """Do work in a thread, so that the server goes on answering."""
    return await asyncio.to_thread(work, *arguments)


def _taken(path: Path) -> bytes:
    """The bytes of a file, which is deleted."""
    content = path.read_bytes()
    path.unlink()
    return content
