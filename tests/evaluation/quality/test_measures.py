"""The measures by their definitions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from stylecli.core.errors import MediaError
from stylecli.evaluation.quality.measures import (
    mean_quality,
    open_painting,
    open_photo,
    paint_and_measure,
    scores_of_photo,
)
from stylecli.evaluation.quality.metrics.stylized_photo import CONTENT_LAYER, image_tensor
from stylecli.media.images.files import picture_from_pixels, write_picture
from stylecli.training.losses.distilled import DistilledNetwork
from stylecli.training.losses.names import STYLE_LAYERS
from stylecli.training.losses.perceptual import gram_matrix


class Painter:
    """Paints by a function of the picture."""

    def __init__(self, function: Callable[[NDArray[np.float32]], NDArray[np.float32]]) -> None:
        self.stylize = function


UNTOUCHED = Painter(lambda unit: unit)
NEGATIVE = Painter(lambda unit: 1 - unit)


@pytest.fixture
def photo_path(photo: NDArray[np.uint8], tmp_path: Path) -> Path:
    path = tmp_path / "cat.png"
    write_picture(picture_from_pixels(np.ascontiguousarray(photo[:192:3, :192:3])), path)  # 64 x 64: judged as it is
    return path


def test_the_photo_itself_has_no_distance_of_content(photo_path: Path, distilled_network: DistilledNetwork) -> None:
    photo = open_photo(photo_path, distilled_network)
    painted = paint_and_measure(UNTOUCHED, photo, loss_network=distilled_network, painting=None)
    assert painted.scores["content"] == 0
    assert painted.scores["style"] is None
    assert painted.scores["noise_left"] == 1
    assert painted.scores["grid_energy"] == scores_of_photo(photo, loss_network=distilled_network)["grid_energy"]


def test_the_painting_itself_has_no_distance_of_style(photo_path: Path, distilled_network: DistilledNetwork) -> None:
    photo = open_photo(photo_path, distilled_network)
    painting = open_painting(photo_path, distilled_network)
    painted = paint_and_measure(UNTOUCHED, photo, loss_network=distilled_network, painting=painting)
    # Zero but for the order of sums.
    assert painted.scores["style"] == pytest.approx(0, abs=1e-6)


def test_content_and_style_are_those_of_the_definition(photo_path: Path, distilled_network: DistilledNetwork) -> None:
    photo = open_photo(photo_path, distilled_network)
    painting = open_painting(photo_path, distilled_network)
    painted = paint_and_measure(NEGATIVE, photo, loss_network=distilled_network, painting=painting)
    features = distilled_network(image_tensor(255 - photo.pixels))
    original = distilled_network(image_tensor(photo.pixels))
    content = (features[CONTENT_LAYER] - original[CONTENT_LAYER]).square().mean()
    assert painted.scores["content"] == pytest.approx(
        (content / original[CONTENT_LAYER].square().mean()).item(), rel=1e-4
    )
    style = 0.0
    for layer in STYLE_LAYERS:
        gram, target = gram_matrix(features[layer]), gram_matrix(original[layer])
        style += ((gram - target).square().sum() / target.square().sum()).item()
    assert painted.scores["style"] == pytest.approx(style, rel=1e-4)


def test_total_variation_sums_both_directions(photo_path: Path, distilled_network: DistilledNetwork) -> None:
    photo = open_photo(photo_path, distilled_network)
    stripes = np.zeros((64, 64, 3), np.float32)
    stripes[:, ::2] = 1  # every neighbour to the right differs by 1, none below
    painted = paint_and_measure(Painter(lambda _: stripes), photo, loss_network=distilled_network, painting=None)
    assert painted.scores["total_variation"] == pytest.approx(1)


def test_a_mean_needs_every_value() -> None:
    scores = [{"content": 1.0, "style": 0.5, "noise_left": 0.0}, {"content": 3.0, "style": 1.5, "noise_left": 1.0}]
    quality = mean_quality(scores, ["a", "b"], noise_sigma=25)
    assert quality.scores == {"content": 2, "style": 1, "noise_left": 0.5}
    without = mean_quality([scores[0], {**scores[1], "style": None}], ["a", "b"], noise_sigma=25)
    assert without.scores["style"] is None


def test_a_mere_strip_is_refused(tmp_path: Path, distilled_network: DistilledNetwork) -> None:
    write_picture(picture_from_pixels(np.zeros((2, 40, 3), np.uint8)), tmp_path / "strip.png")
    with pytest.raises(MediaError, match="too narrow"):
        open_photo(tmp_path / "strip.png", distilled_network)
