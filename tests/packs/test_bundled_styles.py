"""What every style that ships must be, whatever it was trained with."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from stylecli.inference.engine import Engine
from stylecli.packs.pack import open_pack
from stylecli.packs.shelves import bundled_shelf, find_style
from stylecli.photos.film import sample_photo

WINDOW = 32  # pixels: strokes cancel out in the mean of every second pixel of it
VARIANTS = [
    (pack.name, model.variant)
    for pack in map(open_pack, sorted(folder for folder in bundled_shelf().iterdir() if folder.is_dir()))
    for model in pack.card.models
]


@pytest.mark.parametrize(("style", "variant"), VARIANTS)
def test_no_mesh_lies_over_calm_areas(style: str, variant: str) -> None:
    sky = np.ascontiguousarray(sample_photo(640, 426)[:96])
    with Engine(find_style(style, variant=variant), device="cpu") as engine:
        painted = engine.stylize(sky)
    meshes = [mesh_of(window) for window in windows(painted)]
    assert np.sqrt(np.mean(np.square(meshes))) < 0.8 / 255


def windows(picture: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    for top in range(0, picture.shape[0] - WINDOW + 1, WINDOW):
        for left in range(0, picture.shape[1] - WINDOW + 1, WINDOW):
            yield picture[top : top + WINDOW, left : left + WINDOW]


def mesh_of(window: NDArray[np.float32]) -> float:
    """How far the means of the four places modulo 2 lie apart: the root mean square, gradients taken out."""
    down = (window[1:] - window[:-1]).mean((0, 1))
    across = (window[:, 1:] - window[:, :-1]).mean((0, 1))
    places = [window[i::2, j::2].mean((0, 1)) - i * down - j * across for i in (0, 1) for j in (0, 1)]
    return float(np.std(places, axis=0).mean())
