"""Small pictures at once: a photo or a frame made small, the same in a style, a region of the full-size result.

The proxy of a picture is painted with strokes as large as they will be in the whole. All painting is done by one
thread, since networks use all cores.
"""

from __future__ import annotations

from contextlib import closing
from fractions import Fraction
from threading import RLock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylecli.core.errors import MediaError
from stylecli.inference.tiles import WHOLE_PIXELS
from stylecli.media.images.alpha import bled
from stylecli.media.images.files import read_picture
from stylecli.media.pixels import quantize, to_unit
from stylecli.media.resizing import resize
from stylecli.media.video.clip import probe
from stylecli.media.video.reading.reader import read_frames
from stylecli.stylize.look import Brush, Look
from stylecli.stylize.painting import paint
from stylecli.stylize.pictures.pages import read_mask
from stylecli.stylize.prepared_photo import PreparedPhoto, paint_prepared, prepare_photo
from stylecli.web.pictures.cache import Cache
from stylecli.web.pictures.networks import Networks
from stylecli.web.pictures.uploads import Upload, Uploads
from stylecli.web.pictures.wishes import Wish, brush_on_proxy

PROXY_SHORT_SIDE = 1080  # pixels: what a screen shows, and no less than what stroke size "auto" works at
TILE_SIDE = 640  # pixels, of the longer side of the small pictures
CACHE_BYTES = 300 * 10**6  # of proxies and painted proxies
FULL_CACHE_BYTES = 1_200 * 10**6  # of full-size pictures: two of the largest

Rgba = NDArray[np.uint8]  # (H, W, 4)


class Previews:
    """The previews of one server. Thread-safe; calls wait for each other."""

    def __init__(self, uploads: Uploads, networks: Networks) -> None:
        """`lock` is held while a network of `networks` works: it uses all cores."""
        self.networks, self._uploads = networks, uploads
        self._small, self._full = Cache(CACHE_BYTES), Cache(FULL_CACHE_BYTES)
        self.lock = RLock()

    def look(self, wish: Wish) -> Look:
        """The look of a wish, with its mask read."""
        mask = read_mask(self._uploads[wish.mask].path) if wish.mask else None
        amounts = (wish.fill, wish.detail, wish.flow)
        return Look(wish.strength, wish.preserve_color, mask, wish.brush, None, *amounts)

    def photo(self, upload: Upload, second: float = 0.0, *, is_tile: bool = False) -> Rgba:
        """The proxy of a picture, or of a video's frame at a time.

        Raises:
            MediaError: it cannot be read.
        """
        with self.lock:
            rgba = _rgba(*self._proxy(upload, second))
            return _tile(rgba) if is_tile else rgba

    def painted(self, upload: Upload, wish: Wish, second: float = 0.0, *, is_tile: bool = False) -> Rgba:
        """The proxy wholly in a style: strength, colours and mask are what the page mixes itself.

        is_tile: a small picture, without fine strokes, which take five times as long and would hardly be seen.

        Raises:
            MediaError, PackError, DeviceError: the file, the style or the device does not work.
        """
        with self.lock:
            pixels, alpha = self._proxy(upload, second)
            engine = self.networks.engine(wish.style, wish.variant)
            brush = brush_on_proxy(wish.brush, pixels.shape[0] / upload.height)
            look, prepared = _look(upload, wish, brush), self._prepared(upload, second, pixels, brush)
            fill = engine.fill if look.fill is None else look.fill
            detail = engine.detail if look.detail is None else look.detail
            if is_tile or prepared.details is None:
                detail = 0.0
            flow = engine.flow if look.flow is None else look.flow

            def make() -> tuple[Rgba]:
                rgba = _rgba(pixels, alpha)
                paint_prepared(prepared, engine, rgba[..., :3], fill=fill, detail=detail, flow=flow)
                return (rgba,)

            key = (upload.id, second, wish.style, wish.variant, brush, fill, detail, flow)
            (rgba,) = self._small.get(key, make)
            return _tile(rgba) if is_tile else rgba

    def region(self, upload: Upload, wish: Wish | None, second: float, place: tuple[int, int, int, int]) -> Rgba:
        """A rectangle (left, top, width, height) at full size: of the photo, or of the photo wholly in a style.

        Raises:
            MediaError, PackError, DeviceError: as `painted`.
        """
        with self.lock:
            pixels, alpha = self._full.get((upload.id, second), lambda: self._read(upload, second))
            if wish is not None:
                photo, engine = pixels, self.networks.engine(wish.style, wish.variant)
                look = _look(upload, wish, wish.brush)

                def make() -> tuple[NDArray[Any]]:
                    return (paint(engine, photo, look),)

                key = (upload.id, second, wish.style, wish.variant, look.brush, look.fill, look.detail, look.flow)
                (pixels,) = self._full.get(key, make)
            left, top, width, height = place
            rows, columns = slice(top, top + height), slice(left, left + width)
            return _rgba(pixels[rows, columns], None if alpha is None else alpha[rows, columns])

    def forget(self, upload_id: str) -> None:
        """Free what is kept of an upload."""
        with self.lock:
            self._small.forget(upload_id)
            self._full.forget(upload_id)

    def _prepared(self, upload: Upload, second: float, pixels: NDArray[np.uint8], brush: Brush) -> PreparedPhoto:
        """What all styles take from a proxy, made once."""

        def make() -> PreparedPhoto:
            return prepare_photo(pixels, brush, fills=upload.kind == "picture")

        return PreparedPhoto(*self._small.get((upload.id, second, "prepared", brush), make))

    def _proxy(self, upload: Upload, second: float) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
        def make() -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
            pixels, alpha = self._full.get((upload.id, second), lambda: self._read(upload, second))
            height, width = proxy_size(*pixels.shape[:2])
            return _made_small(pixels, height, width), (
                None if alpha is None else _made_small(alpha[..., None], height, width)[..., 0]
            )

        pixels, alpha = self._small.get((upload.id, second), make)
        return pixels, alpha

    def _read(self, upload: Upload, second: float) -> tuple[NDArray[Any], NDArray[Any] | None]:
        if upload.kind == "picture":
            picture = read_picture(upload.path)
            return picture.pixels, picture.alpha
        return _frame_at(upload, second)


def _look(upload: Upload, wish: Wish, brush: Brush) -> Look:
    """What the network and the strokes make of a picture, or of a frame, which looks as in the video itself."""
    look = Look(brush=brush, fill=wish.fill, detail=wish.detail, flow=wish.flow)
    return look if upload.kind == "picture" else look.of_frames()


def proxy_size(height: int, width: int) -> tuple[int, int]:
    """Height and width of a picture's proxy, which every network measures whole."""
    scale = min(1.0, PROXY_SHORT_SIDE / min(height, width), (WHOLE_PIXELS / (height * width)) ** 0.5)
    return max(1, int(height * scale + 0.5)), max(1, int(width * scale + 0.5))


def _frame_at(upload: Upload, second: float) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """The first frame from a second on, or the last one before it."""
    clip = probe(upload.path)
    for start in (max(0.0, second), max(0.0, second - 1), 0.0):  # the file may end sooner than it tells
        with closing(read_frames(clip, span=(Fraction(str(start)), None), allow_truncated=True)) as frames:
            frame = next(frames, None)
        if frame is not None:
            return (frame.pixels if frame.alpha is None else bled(frame.pixels, frame.alpha)), frame.alpha
    raise MediaError(f"{upload.name}: no frame can be decoded", hint="Is it complete?")


def _made_small(pixels: NDArray[Any], height: int, width: int) -> NDArray[np.uint8]:
    """Another size as bytes; a picture of bytes that has the size already stays as it is."""
    if pixels.dtype == np.uint8 and pixels.shape[:2] == (height, width):
        return pixels
    small: NDArray[np.uint8] = quantize(resize(np.ascontiguousarray(pixels), height, width), np.uint8)
    return small


def _tile(rgba: Rgba) -> Rgba:
    """A proxy made small in bytes: to within a few levels what `resize` makes, in an eighth of its time."""
    import pyvips  # a native library that --help does not need

    longer = max(rgba.shape[:2])
    if longer <= TILE_SIDE:
        return rgba
    small: Rgba = pyvips.Image.new_from_array(rgba).resize(TILE_SIDE / longer, kernel="lanczos3").numpy()
    return small


def _rgba(pixels: NDArray[Any], alpha: NDArray[Any] | None) -> Rgba:
    """Bytes of R, G, B, A as a canvas takes them."""
    rgba = np.empty((*pixels.shape[:2], 4), np.uint8)
    rgba[..., :3] = quantize(to_unit(pixels), np.uint8) if pixels.dtype != np.uint8 else pixels
    rgba[..., 3] = 255 if alpha is None else quantize(to_unit(alpha), np.uint8)
    return rgba
