"""A contact sheet: one photo in every style, in one labelled picture."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylecli.core.errors import UsageError
from stylecli.core.files import check_room, same_place
from stylecli.core.progress import Progress, Step, ignore
from stylecli.inference.engine import Device, Engine
from stylecli.media.images.files import check_target, picture_from_pixels, read_picture, write_picture
from stylecli.media.pixels import quantize, to_unit
from stylecli.packs.pack import StylePack
from stylecli.stylize.look import AUTO_SHORT_SIDE, Look
from stylecli.stylize.names import check_writable
from stylecli.stylize.options import TILE_WIDTH
from stylecli.stylize.painting import paint

PAPER = [248, 247, 244]  # sRGB
FONT = "Source Sans Pro"
INK = "#222222"
FAINT_INK = "#787672"
TITLE_SIZE = 1 / 24  # of the tile's width, as are the next two
SUBTITLE_SIZE = 1 / 30
BYTES_WRITTEN = 0.2  # for each byte of pixels, at least: a painted picture as JPEG of high quality
GAP = 1 / 16  # between tiles; a tile and its label are half as far apart

Tile = tuple[NDArray[np.uint8], str, str]  # picture (H, W, 3), title, subtitle


def write_sheet(
    photo: Path,
    output: Path,
    packs: Sequence[StylePack],
    *,
    tile_width: int = TILE_WIDTH,
    device: Device = "auto",
    overwrite: bool = False,
    progress: Progress = ignore,
) -> None:
    """Draw a picture file in every style and write the sheet.

    Raises:
        MediaError: the photo cannot be read or the sheet not written.
        UsageError: the sheet would replace a file.
        PackError, DeviceError: as `contact_sheet`.
    """
    if same_place(output, photo):
        raise UsageError(f"{output}: is the photo itself", hint="Give another name as `output`.")
    check_writable(output)  # before the work, as the next one
    check_target(output, overwrite=overwrite)
    pixels = read_picture(photo).pixels
    height, width = pixels.shape[:2]
    tile_bytes = min(tile_width, width) ** 2 * height / width * 3
    check_room(output, needed=(len(packs) + 1) * tile_bytes * BYTES_WRITTEN)
    title = "".join(filter(str.isprintable, photo.name))  # a file's name may hold bytes that are no text
    sheet = contact_sheet(pixels, packs, title=title, tile_width=tile_width, device=device, progress=progress)
    write_picture(picture_from_pixels(sheet), output, overwrite=overwrite)


def contact_sheet(
    photo: NDArray[Any],
    packs: Sequence[StylePack],
    *,
    title: str,
    tile_width: int = TILE_WIDTH,
    device: Device = "auto",
    progress: Progress = ignore,
) -> NDArray[np.uint8]:
    """Draw a photo (H, W, 3), sRGB-encoded RGB, and after it the photo in every style; returns (H, W, 3).

    Every tile shows the whole result made small, so strokes look as large as they will be. `title` stands under the
    photo itself; titles and artists of the styles under theirs.

    Raises:
        PackError: a style is damaged.
        DeviceError: the device asked for does not work.
    """
    working = _at_most(photo, AUTO_SHORT_SIDE / min(photo.shape[:2]))
    return labelled_grid(_painted(working, packs, title, device, progress), tile_width=tile_width)


def tile_of(pack: StylePack, painted: NDArray[np.uint8]) -> Tile:
    """Label a picture with the painting whose style it has."""
    card = pack.card
    return painted, card.title, f"{card.artist}, {card.year}" if card.year else card.artist


def labelled_grid(
    tiles: Iterable[Tile], *, tile_width: int = TILE_WIDTH, columns: int | None = None
) -> NDArray[np.uint8]:
    """Arrange labelled pictures of about one shape in `columns`, or so that the whole, (H, W, 3), is about square."""
    import pyvips  # takes 0.1 s, which only the sheet should pay

    gap = round(tile_width * GAP)
    cells, shapes = [], []
    for picture, title, subtitle in tiles:
        tile = _at_most(picture, tile_width / picture.shape[1])
        shapes.append(tile.shape)
        cells.append(_cell(tile, title, subtitle, tile_width=tile_width))
    height, width = shapes[0][:2]
    columns = columns or _columns(len(cells), height / width)
    sheet = pyvips.Image.arrayjoin(cells, across=columns, shim=gap, background=PAPER)
    framed = sheet.embed(gap, gap, sheet.width + 2 * gap, sheet.height + 2 * gap, extend="background", background=PAPER)
    pixels: NDArray[np.uint8] = framed.numpy()
    return pixels


def _columns(cells: int, ratio: float) -> int:
    """Columns that make about a square of cells `ratio` times as high as wide; one more if fewer places stay empty."""
    square = min(cells, max(1, round(math.sqrt(cells * ratio))))
    return min(square, square + 1, key=lambda columns: -cells % columns)


def _painted(
    photo: NDArray[np.uint8], packs: Sequence[StylePack], title: str, device: Device, progress: Progress
) -> Iterator[Tile]:
    yield photo, title, "the photo"
    for index, pack in enumerate(packs):
        progress(Step(index, len(packs), "styles", pack.name))
        with Engine(pack, device=device) as engine:
            yield tile_of(pack, paint(engine, photo, Look()))
    progress(Step(len(packs), len(packs), "styles"))


def _at_most(pixels: NDArray[Any], scale: float) -> NDArray[np.uint8]:
    """Make a picture smaller by a scale below 1; it is never made larger."""
    import pyvips

    samples = quantize(to_unit(pixels), np.uint8)
    if scale >= 1:
        return samples
    height, width = (max(1, round(side * scale)) for side in samples.shape[:2])
    image = pyvips.Image.new_from_array(np.ascontiguousarray(samples), interpretation="srgb")
    smaller: NDArray[np.uint8] = image.thumbnail_image(width, height=height, size="force").numpy()
    return smaller


def _cell(tile: NDArray[np.uint8], title: str, subtitle: str, *, tile_width: int) -> Any:
    import font_source_sans_pro as fonts  # a bare machine has no font at all
    import pyvips

    pyvips.Image.text(".", fontfile=fonts.SourceSansPro)  # one call makes one font known: here the regular one
    # Pango markup (a title's own "&" is escaped), one text: lines keep their distance whatever letters they hold.
    # At 72 dots per inch a point is a pixel; sizes are in 1024ths of it.
    title_size, subtitle_size = (round(tile_width * size * 1024) for size in (TITLE_SIZE, SUBTITLE_SIZE))
    label = pyvips.Image.text(
        f'<span size="{title_size}" color="{INK}" weight="bold">{html.escape(title)}</span>\n'
        f'<span size="{subtitle_size}" color="{FAINT_INK}">{html.escape(subtitle)}</span>',
        font=FONT,
        fontfile=fonts.SourceSansProBold,
        width=tile_width,
        dpi=72,
        wrap="word-char",
        spacing=round(tile_width * GAP / 8),
        rgba=True,
    )
    picture = pyvips.Image.new_from_array(np.ascontiguousarray(tile), interpretation="srgb")
    gap = round(tile_width * GAP / 2)
    return picture.join(label.flatten(background=PAPER), "vertical", expand=True, shim=gap, background=PAPER)
