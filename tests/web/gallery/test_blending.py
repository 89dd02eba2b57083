"""A browser that mixes the weights of two model files, as it is told, paints as the program's blend does."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from stylecli.inference.engine import Engine
from stylecli.inference.sessions import open_cpu_session
from stylecli.inference.uint8_model import pixel_model
from stylecli.packs.blend import blend
from stylecli.packs.pack import StylePack
from stylecli.packs.shelves import find_style
from stylecli.web.gallery.blending import related_styles, weight_spans

RELATED, OTHER = ("stables", "windmills"), "great-wave"
SHARE = 0.4
ROUNDING = 1  # levels: the browser adds up in other steps


@pytest.fixture(scope="module")
def packs() -> dict[str, StylePack]:
    return {name: find_style(name) for name in (*RELATED, OTHER)}


def test_only_styles_with_a_common_base_are_related(packs: dict[str, StylePack]) -> None:
    models = {name: pack.model_bytes() for name, pack in packs.items()}
    written = {name: pixel_model(content) for name, content in models.items()}
    one, other = RELATED
    assert related_styles(models, written) == {one: [other], other: [one], OTHER: []}


def test_files_with_weights_at_other_places_are_not_related(packs: dict[str, StylePack]) -> None:
    one, other = RELATED
    models = {name: packs[name].model_bytes() for name in RELATED}
    assert related_styles(models, {one: models[one], other: pixel_model(models[other])}) == {one: [], other: []}


def test_mean_weights_paint_as_the_blend_of_the_program(packs: dict[str, StylePack], photo: NDArray[np.uint8]) -> None:
    contents = [pixel_model(packs[name].model_bytes()) for name in RELATED]
    mixed = bytearray(contents[0])
    for offset, count in weight_spans(contents[0]):
        first, second = (np.frombuffer(content, "<f4", count, offset).astype(float) for content in contents)
        mean = (1 - SHARE) * first + SHARE * second
        mixed[offset : offset + 4 * count] = mean.astype("<f4").tobytes()
    (painted,) = open_cpu_session(bytes(mixed)).run(None, {"image": photo[None]})
    made = blend([packs[name] for name in RELATED], [1 - SHARE, SHARE])
    assert made.is_interpolated
    with Engine(made, device="cpu") as engine:
        ((_, levels),) = engine.stylized_bytes(photo, flow=0)
    assert np.abs(painted[0].astype(int) - levels).max() <= ROUNDING
