"""Stylize one picture file: its picture, or all its pages, frames or views, with everything else that it holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylecli.core.progress import Notice
from stylecli.inference.engine import Engine
from stylecli.media.images.codec import check_encoding, check_size, writable_format
from stylecli.media.images.files import NAMELESS, Pages, Picture, encode_pages, read_pages, read_picture
from stylecli.media.images.lost_content import pages_lost
from stylecli.media.images.picture import resized
from stylecli.media.pixels import LUMA, to_unit
from stylecli.stylize.frame_painter import FramePainter
from stylecli.stylize.look import Look
from stylecli.stylize.options import PictureOptions
from stylecli.stylize.painting import paint, weight_of


def stylize_picture(picture: Picture, engine: Engine, look: Look) -> Picture:
    """Stylize a picture, and keep all else of it: alpha, profile, metadata."""
    return _with_paint(picture, paint(engine, picture.pixels, look), look)


def stylize_pages(
    pages: Pages, engine: Engine, look: Look, *, paint_tasks: Sequence[Callable[[], NDArray[Any]]] = ()
) -> Pages:
    """Stylize all pictures of a file: frames of an animation and views of a moment as a scene, pages one by one.

    paint_tasks: what paints the first pictures, as frames of a scene (`FramePainter.begin`).
    """
    if paint_tasks:
        first = (_with_paint(one, task(), look) for one, task in zip(pages.pictures, paint_tasks, strict=False))
        others = (stylize_picture(one, engine, look) for one in pages.pictures[len(paint_tasks) :])
        return replace(pages, pictures=(*first, *others))
    if not pages.animation and pages.kind != "views":
        return replace(pages, pictures=tuple(stylize_picture(one, engine, look) for one in pages.pictures))
    painter = FramePainter(engine, look)
    painted = (_with_paint(one, painter(one.pixels), look) for one in pages.pictures)
    return replace(pages, pictures=tuple(painted))


def stylize_bytes(
    data: bytes, engine: Engine, look: Look, *, options: PictureOptions, suffix: str, notice: Notice
) -> bytes:
    """Stylize the bytes of a picture file; `suffix` names the format of the result. Options as in `run_jobs`.

    Raises:
        MediaError: it cannot be read, or the format cannot hold it.
        UsageError: an option makes no sense for the format.
    """
    check_encoding(options.encoding, writable_format(suffix, NAMELESS))
    pages = prepared(read_pages(data, reading=options.reading, page=page_of(options)), suffix, NAMELESS, options)
    stylized = stylize_pages(pages, engine, look)
    return encode_pages(stylized, suffix, encoding=options.encoding, notice=notice)


def page_of(options: PictureOptions) -> int | None:
    """Return the page that is asked for, counted from 0; None: all."""
    return None if options.page is None else options.page - 1


def prepared(pages: Pages, suffix: str, name: str, options: PictureOptions) -> Pages:
    """Choose the pictures that the format of the result holds, and shrink them to the size that is asked for.

    Raises:
        MediaError: the format cannot hold their size.
    """
    format_ = writable_format(suffix, name)
    pictures = pages.pictures
    lost = pages.lost
    if len(pictures) > 1 and not format_.holds(pages.kind):  # the others are not painted for nothing
        lost, pictures = (*lost, *pages_lost(pages, format_)), pictures[:1]
    if options.max_size:
        pictures = tuple(_at_most(one, options.max_size) for one in pictures)
    for one in pictures:
        check_size(one.pixels.shape[1], one.pixels.shape[0], format_, name)
    return replace(pages, pictures=pictures, lost=lost, animation=pages.animation if len(pictures) > 1 else None)


def read_mask(path: Path) -> NDArray[np.float32]:
    """Read a mask for `Look`: the brightness of a picture, dark where it is transparent; (H, W) in 0..1.

    Raises:
        MediaError: it cannot be read.
    """
    picture = read_picture(path)
    brightness: NDArray[np.float32] = to_unit(picture.pixels) @ LUMA
    return brightness if picture.alpha is None else brightness * to_unit(picture.alpha)


def read_over(path: Path) -> NDArray[np.float32]:
    """Read a picture for `Look.over`: (H, W, 3) in 0..1.

    Raises:
        MediaError: it cannot be read.
    """
    return to_unit(read_picture(path).pixels)


def _with_paint(picture: Picture, pixels: NDArray[Any], look: Look) -> Picture:
    if pixels is picture.pixels or np.array_equal(pixels, picture.pixels):
        return picture
    return picture.with_pixels(pixels, weight=weight_of(look, *pixels.shape[:2]))


def _at_most(picture: Picture, side: int) -> Picture:
    height, width = picture.pixels.shape[:2]
    scale = min(1.0, side / max(height, width))
    return resized(picture, max(1, round(height * scale)), max(1, round(width * scale)))
