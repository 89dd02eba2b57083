"""The calls about styles, files and pictures: each reads a request, checks it, and answers with JSON or pixels."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from shutil import copyfile
from typing import Any
from urllib.parse import quote, unquote

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from stylecli.core.errors import PackError, UsageError
from stylecli.core.extras import missing_packages
from stylecli.core.version import __version__
from stylecli.media.images.files import encode_picture, picture_from_pixels
from stylecli.photos import SAMPLE_PHOTO
from stylecli.web.pictures.previews import Rgba
from stylecli.web.pictures.results import make_picture, result_name
from stylecli.web.pictures.uploads import FullError, Upload
from stylecli.web.pictures.wishes import number, wish_of
from stylecli.web.server.exchange import Call, Site, aside, json_of
from stylecli.web.server.turns import Turns

WRONG_PASSWORD_SECONDS = 1.0  # of waiting: guessing must be slow
SAMPLE_NAME = "mountains.jpg"
FAR_QUALITY = 92  # of the JPEG files that other machines see while they choose; downloads are exact


class Calls:
    """The calls of one server."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._guessing, self._painting = asyncio.Lock(), Turns()

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
        ]

    async def session(self, request: Request) -> Response:
        """Exchange the password for the key."""
        given = (await json_of(request, self._site.limits.call_bytes)).get("password")
        async with self._guessing:  # one guess at a time
            password = self._site.password
            if password and isinstance(given, str) and hmac.compare_digest(given.encode(), password.encode()):
                return JSONResponse({"key": self._site.key})
            await asyncio.sleep(WRONG_PASSWORD_SECONDS)
        return JSONResponse({"message": "wrong password"}, 401)

    async def styles(self, _: Request) -> Response:
        """All styles."""
        packs = await aside(self._site.networks.packs)
        listed = [
            {
                "name": pack.name,
                "title": pack.card.title,
                "artist": pack.card.artist,
                "year": pack.card.year,
                "variants": [model.variant for model in pack.card.models],
                "default": pack.card.default,
                "fill": pack.card.fill,
                "detail": pack.card.detail,
                "flow": pack.card.flow,
                "apart": [model.variant for model in pack.card.models if not model.is_own],
            }
            for pack in packs.values()
        ]
        learns = not missing_packages("train")
        return JSONResponse({"styles": listed, "version": __version__, "learns": learns})

    async def style_preview(self, request: Request) -> Response:
        """The small picture of what a style does."""
        pack = await aside(self._site.networks.pack, request.path_params["name"])
        if not pack.preview.is_file():
            raise PackError(f"{pack.name}: no preview")
        return FileResponse(pack.preview, media_type="image/jpeg")

    async def upload(self, request: Request) -> Response:
        """Take in a file: the body is its bytes, the header x-name its name."""
        uploads = self._site.uploads
        name = unquote(request.headers.get("x-name", "picture"), errors="replace")
        length = request.headers.get("content-length", "0")
        await aside(uploads.check_room, int(length) if length.isascii() and length.isdigit() else 0)
        upload_id, shown, path = uploads.draft(name)
        try:
            await self._receive(request, path)
        except BaseException:
            uploads.discard(path)
            raise
        upload = await aside(uploads.add, upload_id, shown, path)
        return JSONResponse(upload.facts(), 201)

    async def sample(self, _: Request) -> Response:
        """A picture to try: the photo of `stylecli demo`."""
        uploads = self._site.uploads
        await aside(uploads.check_room, 0)
        upload_id, shown, path = uploads.draft(SAMPLE_NAME)
        await aside(copyfile, SAMPLE_PHOTO, path)
        upload = await aside(uploads.add, upload_id, shown, path)
        return JSONResponse(upload.facts(), 201)

    async def uploaded(self, request: Request) -> Response:
        """What is known of an upload."""
        return JSONResponse(self._site.uploads[request.path_params["id"]].facts())

    async def uploaded_file(self, request: Request) -> Response:
        """The bytes of an upload, for a page that was loaded again."""
        return FileResponse(self._site.uploads[request.path_params["id"]].path, media_type="application/octet-stream")

    async def remove(self, request: Request) -> Response:
        """Delete an upload."""
        await aside(self._site.uploads.remove, request.path_params["id"])
        await aside(self._site.previews.forget, request.path_params["id"])
        return Response(status_code=204)

    async def photo(self, request: Request) -> Response:
        """The photo made small."""
        call = await json_of(request, self._site.limits.call_bytes)
        upload, second, is_tile = self._upload(call), number(call, "second", 0), call.get("tile") is True
        photo = partial(self._site.previews.photo, upload, second, is_tile=is_tile)
        return await self._pixels(request, photo, is_urgent=not is_tile)

    async def paint(self, request: Request) -> Response:
        """The photo made small, in a style."""
        call = await json_of(request, self._site.limits.call_bytes)
        upload, wish = self._upload(call), wish_of(call)
        second, is_tile = number(call, "second", 0), call.get("tile") is True
        paint = partial(self._site.previews.painted, upload, wish, second, is_tile=is_tile)
        return await self._pixels(request, paint, is_urgent=not is_tile)

    async def region(self, request: Request) -> Response:
        """A rectangle at full size."""
        call = await json_of(request, self._site.limits.call_bytes)
        upload, wish = self._upload(call), wish_of(call) if "style" in call else None
        left, top, width, height = (int(number(call, name)) for name in ("left", "top", "width", "height"))
        if not (0 <= left < upload.width and 0 <= top < upload.height and width > 0 and height > 0):
            raise UsageError("the region lies outside of the picture")
        place = left, top, min(width, upload.width - left), min(height, upload.height - top)
        region = partial(self._site.previews.region, upload, wish, number(call, "second", 0), place)
        return await self._pixels(request, region, is_urgent=True)

    async def picture(self, request: Request) -> Response:
        """The result at full size, the same bytes that `stylecli image` writes."""
        call = await json_of(request, self._site.limits.call_bytes)
        upload, wish = self._upload(call), wish_of(call)
        if upload.kind != "picture":
            raise UsageError("this is no picture", hint="Stylize the video instead.")
        style = (await aside(self._site.networks.pack, wish.style, wish.variant)).name
        output, lost = await aside(make_picture, upload, wish, self._site.previews, upload.path.parent)
        content = await aside(_taken, output)
        headers = {"x-name": quote(result_name(upload, style, output)), "x-lost": quote(", ".join(lost))}
        return Response(content, media_type="application/octet-stream", headers=headers)

    def _upload(self, call: Mapping[str, Any]) -> Upload:
        return self._site.uploads[call.get("upload")]

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
                await aside(file.write, piece)

    async def _pixels(self, request: Request, make: Callable[[], Rgba], *, is_urgent: bool) -> Response:
        """Bytes of R, G, B, A, or a JPEG file for other machines; nothing is computed for a page that does not wait."""
        async with self._painting.turn(is_urgent=is_urgent):
            if await request.is_disconnected():
                return Response(status_code=499)
            rgba = await aside(make)
        if self._site.password is not None and bool((rgba[..., 3] == 255).all()):
            return Response(await aside(_jpeg, rgba), media_type="image/jpeg")
        headers = {"x-width": str(rgba.shape[1]), "x-height": str(rgba.shape[0])}
        return Response(rgba.tobytes(), media_type="application/octet-stream", headers=headers)


def _jpeg(rgba: Rgba) -> bytes:
    """A picture that is opaque, in about a tenth of the bytes."""
    return encode_picture(picture_from_pixels(rgba[..., :3].copy()), ".jpg", quality=FAR_QUALITY)


def _taken(path: Path) -> bytes:
    """The bytes of a file, which is deleted."""
    content = path.read_bytes()
    path.unlink()
    return content
