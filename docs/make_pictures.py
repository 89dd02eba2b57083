"""Make the pictures of README and documents: everything in docs/pictures, from the bundled styles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stylecli.inference.engine import Engine
from stylecli.media.images.files import picture_from_pixels, read_picture, write_picture
from stylecli.media.pixels import to_unit
from stylecli.packs.shelves import find_style, list_styles
from stylecli.photos import JUDGING_PHOTOS, LEARNING_PHOTOS, PREVIEW_PHOTO
from stylecli.stylize.look import Look
from stylecli.stylize.painting import paint
from stylecli.stylize.sheet import contact_sheet, labelled_grid

TILE_WIDTH = 320
PICTURES = Path(__file__).with_name("pictures")
PHOTO = PREVIEW_PHOTO  # by Aitzol Berasategi, CC BY 4.0
EMPTY_PHOTO, FILLED = LEARNING_PHOTOS / "sunset.jpg", "starry-night"  # by the same
DETAILED_PHOTO, DETAILED = JUDGING_PHOTOS / "astronaut.jpg", "woman-with-a-hat"  # by NASA
FACE = np.s_[:TILE_WIDTH, 60 : 60 + TILE_WIDTH]  # of that photo
FLOWING, ROCKS = "starry-night", np.s_[40 : 40 + TILE_WIDTH, 200 : 200 + TILE_WIDTH]  # of PHOTO
STYLE, SECOND, BLEND = "composition-vii", "cafe-terrace", "cafe-terrace:0.5+composition-vii:0.5"
SOFT_HALF = np.linspace(-2, 3, 64, dtype=np.float32).clip(0, 1)[None]  # a mask that is white at the right
LOOKS = (
    ("the style as it is", Look()),
    ("--strength 0.5", Look(strength=0.5)),
    ("--preserve-color", Look(preserve_color=True)),
    ("--brush 2", Look(brush=2.0)),
)


def main() -> None:
    """Write all pictures anew."""
    PICTURES.mkdir(exist_ok=True)
    packs = list_styles()
    photo = read_picture(PHOTO).pixels
    _write(contact_sheet(photo, packs, title=PHOTO.name, tile_width=TILE_WIDTH, device="cpu"), "styles.jpg")
    with Engine(find_style(SECOND), device="cpu") as engine:
        over = to_unit(paint(engine, photo, Look()))
    with Engine(find_style(STYLE), device="cpu") as engine:
        tiles = [(paint(engine, photo, look), name, "") for name, look in LOOKS]
        two = paint(engine, photo, Look(mask=SOFT_HALF, over=over))
    with Engine(find_style(BLEND), device="cpu") as engine:
        tiles.append((paint(engine, photo, Look()), BLEND, ""))
    tiles.append((two, f"--mask, --over {SECOND}.jpg", ""))
    _write(labelled_grid(tiles, columns=3), "looks.jpg")
    empty = read_picture(EMPTY_PHOTO).pixels
    with Engine(find_style(FILLED), device="cpu") as engine:
        tiles = [(paint(engine, empty, Look(fill=fill)), f"--fill {fill:g}", "") for fill in (0.0, 1.0)]
    _write(labelled_grid([(empty, "the photo", ""), *tiles], columns=3), "fill.jpg")
    detailed = read_picture(DETAILED_PHOTO).pixels
    with Engine(find_style(DETAILED), device="cpu") as engine:
        tiles = [(paint(engine, detailed, Look(detail=detail)), f"--detail {detail:g}", "") for detail in (0.0, 1.0)]
    faces = [(pixels[FACE], *words) for pixels, *words in [(detailed, "the photo", ""), *tiles]]
    _write(labelled_grid(faces, columns=3), "detail.jpg")
    with Engine(find_style(FLOWING), device="cpu") as engine:
        tiles = [(paint(engine, photo, Look(flow=flow)), f"--flow {flow:g}", "") for flow in (0.0, 1.0)]
    rocks = [(pixels[ROCKS], *words) for pixels, *words in [(photo, "the photo", ""), *tiles]]
    _write(labelled_grid(rocks, columns=3), "flow.jpg")


def _write(pixels: NDArray[np.uint8], name: str) -> None:
    write_picture(picture_from_pixels(pixels), PICTURES / name, quality=85, overwrite=True)


if __name__ == "__main__":
    main()
