"""Make the pictures of README and documents: everything in docs/pictures, from the bundled styles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stylecli.inference.engine import Engine
from stylecli.landscape import Landscape
from stylecli.media.images.files import picture_from_pixels, write_picture
from stylecli.packs.shelves import find_style, list_styles
from stylecli.stylize.look import Look
from stylecli.stylize.painting import paint
from stylecli.stylize.sheet import contact_sheet, labelled_grid

PICTURES = Path(__file__).with_name("pictures")
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
    scene = Landscape(1280, 853).frame(0, grain=0.009)
    _write(contact_sheet(scene, packs, title="The demo's own scene", device="cpu"), "styles.jpg")
    with Engine(find_style("starry-night"), device="cpu") as engine:
        tiles = [(paint(engine, scene, look), name, "") for name, look in LOOKS]
    _write(labelled_grid(tiles), "looks.jpg")


def _write(pixels: NDArray[np.uint8], name: str) -> None:
    write_picture(picture_from_pixels(pixels), PICTURES / name, quality=85, overwrite=True)


if __name__ == "__main__":
    main()
