"""The calls about long work: begin it, hear how far it is, take its result, end it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse

from stylecli.core.errors import MediaError, UsageError
from stylecli.core.extras import missing_packages
from stylecli.web.jobs.learning import Learning, lesson_of
from stylecli.web.jobs.stylization import Stylization
from stylecli.web.pictures.uploads import FullError
from stylecli.web.pictures.wishes import span_of, wish_of
from stylecli.web.server.exchange import Call, Site, aside, json_of

EVENT_SECONDS = 0.2  # between two looks at a job
QUIET_SECONDS = 10.0  # after which a line says that the connection lives


class JobCalls:
    """The calls about the jobs of one server."""

    def __init__(self, site: Site) -> None:
        self._site, self._lessons = site, 0

    def routes(self) -> list[tuple[str, str, Call]]:
        """(method, path, call) of every call."""
        return [
            ("POST", "/api/jobs", self.start_job),
            ("POST", "/api/lessons", self.start_lesson),
            ("GET", "/api/jobs/{id}", self.job),
            ("GET", "/api/jobs/{id}/preview", self.job_preview),
            ("GET", "/api/jobs/{id}/events", self.events),
            ("GET", "/api/jobs/{id}/result", self.result),
            ("DELETE", "/api/jobs/{id}", self.cancel_job),
        ]

    async def start_job(self, request: Request) -> Response:
        """Begin long work."""
        call = await json_of(request, self._site.limits.call_bytes)
        ids = call.get("uploads")
        if not isinstance(ids, list):
            raise UsageError("the call is not understood")
        uploads = [self._site.uploads[upload_id] for upload_id in ids]
        wish = wish_of(call)
        work = Stylization(self._site.previews, wish, span_of(call))
        style = (await aside(self._site.networks.pack, wish.style, wish.variant)).name
        return JSONResponse(self._site.jobs.start(work, uploads, style).facts(), 201)

    async def start_lesson(self, request: Request) -> Response:
        """Begin to learn a style from a painting that was uploaded."""
        call = await json_of(request, self._site.limits.call_bytes)
        painting, site = self._site.uploads[call.get("upload")], self._site
        lesson = lesson_of(call, await aside(site.networks.packs), site.limits)
        if painting.kind != "picture":
            raise UsageError("this is no picture", hint="Choose a picture of the painting.")
        if missing := missing_packages("train"):
            raise UsageError(f"{', '.join(missing)} missing", hint='Install it: pip install "stylecli[train]".')
        if any(job.style == lesson.name for job in site.jobs.open()):
            raise UsageError(f"{lesson.title}: it is being learned already", hint="Choose another title.")
        if self._lessons >= site.limits.lessons:
            raise FullError(f"{self._lessons} styles were learned", hint="Start the server again for more.")
        job = site.jobs.start(Learning(lesson, site.styles_dir), [painting], lesson.name, lane="lessons")
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
