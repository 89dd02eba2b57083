"""Small pictures at once: a photo or a frame made small, the same in a style, a region of the full-size result.

The proxy of a picture is painted with strokes as large as they will be in the whole. All painting is done by one
thread, since networks use all cores.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from threading import RLock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylecli.core.errors import MediaError, PackError
from stylecli.inference.engine import Device, Engine
from stylecli.inference.tiles import WHOLE_PIXELS
from stylecli.media.images.alpha import bled
from stylecli.media.images.files import read_picture
from stylecli.media.pixels import quantize, to_unit
from stylecli.media.resizing import resize
from stylecli.media.video.clip import probe
from stylecli.media.video.reading.reader import read_frames
from stylecli.packs.blend import blend, is_blend, parse_blend
from stylecli.packs.pack import StylePack
from stylecli.packs.shelves import list_styles
from stylecli.stylize.look import Look
from stylecli.stylize.painting import paint
from stylecli.stylize.pictures.pages import read_mask
from stylecli.web.looks import Wish, brush_on_proxy
from stylecli.web.uploads import Upload, Uploads

PROXY_SHORT_SIDE = 1080  # pixels: what a screen shows, and no less than what stroke size "auto" works at
TILE_SIDE = 640  # pixels, of the longer side of the small pictures
CACHE_BYTES = 300 * 10**6  # of proxies and painted proxies
FULL_CACHE_BYTES = 1_200 * 10**6  # of full-size pictures: two of the largest
ENGINES = 32  # kept open

Rgba = NDArray[np.uint8]  # (H, W, 4)


class Previews:
    """The previews of one server. Thread-safe; calls wait for each other."""

    def __init__(self, uploads: Uploads, *, device: Device, styles_dir: Path | None) -> None:
        self.device, self._uploads, self._styles_dir = device, uploads, styles_dir
        self._engines: OrderedDict[tuple[str, str], Engine] = OrderedDict()
        self._blends: OrderedDict[tuple[str, str | None], StylePack] = OrderedDict()
        self._small, self._full = _Cache(CACHE_BYTES), _Cache(FULL_CACHE_BYTES)
        self.lock = RLock()

    def close(self) -> None:
        """Free all memory."""
        with self.lock:
            while self._engines:
                self._engines.popitem()[1].close()

    def packs(self) -> dict[str, StylePack]:
        """The styles that visitors may name: those on the shelves, never a path."""
        return {pack.name: pack for pack in list_styles(self._styles_dir)}

    def pack(self, name: str, variant: str | None = None) -> StylePack:
        """The style of a name, or a blend of such: `great-wave:0.6+starry-night:0.4`.

        Raises:
            PackError: there is none, or it has no such variant.
            UsageError: a blend that is not written as one.
        """
        if not is_blend(name):
            return self._named(name, variant)
        with self.lock:
            key = (name, variant)
            if key not in self._blends:
                parts = parse_blend(name)
                packs = [self._named(part.style, variant) for part in parts]
                self._blends[key] = blend(packs, [part.share for part in parts])
                if len(self._blends) > ENGINES:
                    self._blends.popitem(last=False)
            return self._blends[key]

    def _named(self, name: str, variant: str | None) -> StylePack:
        if (found := self.packs().get(name)) is None:
            raise PackError(f"{name[:80]}: no style of this name", hint="Reload the page.")
        pack = StylePack(found.folder, found.card, variant)
        pack.model()
        return pack

    def engine(self, name: str, variant: str | None = None) -> Engine:
        """The open network of a style; hold `lock` while it works.

        Raises:
            PackError, DeviceError: as `Engine`.
        """
        pack = self.pack(name, variant)
        key = (name, pack.model().sha256)
        with self.lock:
            if key not in self._engines:
                self._engines[key] = Engine(pack, device=self.device)
                if len(self._engines) > ENGINES:
                    self._engines.popitem(last=False)[1].close()
            self._engines.move_to_end(key)
            return self._engines[key]

    def look(self, wish: Wish) -> Look:
        """The look of a wish, with its mask read."""
        mask = read_mask(self._uploads[wish.mask].path) if wish.mask else None
        return Look(wish.strength, wish.preserve_color, mask, wish.brush)

    def photo(self, upload: Upload, second: float = 0.0, *, is_tile: bool = False) -> Rgba:
        """The proxy of a picture, or of a video's frame at a time.

        Raises:
            MediaError: it cannot be read.
        """
        with self.lock:
            pixels, alpha = self._proxy(upload, second)
            return _shown(pixels, alpha, is_tile=is_tile)

    def painted(self, upload: Upload, wish: Wish, second: float = 0.0, *, is_tile: bool = False) -> Rgba:
        """The proxy wholly in a style: strength, colours and mask are what the page mixes itself.

        Raises:
            MediaError, PackError, DeviceError: the file, the style or the device does not work.
        """
        with self.lock:
            pixels, alpha = self._proxy(upload, second)
            engine = self.engine(wish.style, wish.variant)
            brush = brush_on_proxy(wish.brush, pixels.shape[0] / upload.height)

            def make() -> tuple[NDArray[np.uint8], None]:
                return paint(engine, pixels, Look(brush=brush)), None

            key = (upload.id, second, wish.style, wish.variant, brush)
            return _shown(self._small.get(key, make)[0], alpha, is_tile=is_tile)

    def region(self, upload: Upload, wish: Wish | None, second: float, place: tuple[int, int, int, int]) -> Rgba:
        """A rectangle (left, top, width, height) at full size: of the photo, or of the photo wholly in a style.

        Raises:
            MediaError, PackError, DeviceError: as `painted`.
        """
        with self.lock:
            pixels, alpha = self._full.get((upload.id, second), lambda: self._read(upload, second))
            if wish is not None:
                photo, engine, look = pixels, self.engine(wish.style, wish.variant), Look(brush=wish.brush)

                def make() -> tuple[NDArray[Any], None]:
                    return paint(engine, photo, look), None

                pixels = self._full.get((upload.id, second, wish.style, wish.variant, wish.brush), make)[0]
            left, top, width, height = place
            rows, columns = slice(top, top + height), slice(left, left + width)
            return _shown(pixels[rows, columns], None if alpha is None else alpha[rows, columns], is_tile=False)

    def forget(self, upload_id: str) -> None:
        """Free what is kept of an upload."""
        with self.lock:
            self._small.forget(upload_id)
            self._full.forget(upload_id)

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


class _Cache:
    """Pictures by what they are of; the oldest go where there are too many bytes. Keys begin with an upload's id."""

    def __init__(self, most: int) -> None:
        self._most, self._size = most, 0
        self._items: OrderedDict[tuple[Hashable, ...], tuple[Any, Any]] = OrderedDict()

    def get(self, key: tuple[Hashable, ...], make: Callable[[], tuple[Any, Any]]) -> tuple[Any, Any]:
        if key in self._items:
            self._items.move_to_end(key)
            return self._items[key]
        made = make()
        self._items[key] = made
        self._size += _bytes_of(made)
        while self._size > self._most and len(self._items) > 1:
            self._size -= _bytes_of(self._items.popitem(last=False)[1])
        return made

    def forget(self, upload_id: str) -> None:
        for key in [key for key in self._items if key[0] == upload_id]:
            self._size -= _bytes_of(self._items.pop(key))


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


def _shown(pixels: NDArray[Any], alpha: NDArray[Any] | None, *, is_tile: bool) -> Rgba:
    """Bytes of R, G, B, A as a canvas takes them."""
    height, width = pixels.shape[:2]
    if is_tile and max(height, width) > TILE_SIDE:
        scale = TILE_SIDE / max(height, width)
        height, width = max(1, round(height * scale)), max(1, round(width * scale))
        pixels = _made_small(pixels, height, width)
        alpha = None if alpha is None else _made_small(alpha[..., None], height, width)[..., 0]
    rgba = np.empty((height, width, 4), np.uint8)
    rgba[..., :3] = quantize(to_unit(pixels), np.uint8) if pixels.dtype != np.uint8 else pixels
    rgba[..., 3] = 255 if alpha is None else quantize(to_unit(alpha), np.uint8)
    return rgba


def _bytes_of(item: tuple[Any, Any]) -> int:
    return sum(part.nbytes for part in item if part is not None)
