"""Measure styles on photos by every metric.

The definition, so that numbers can be compared: photos at a short side of 384 pixels (Lanczos), stylized at native
brush, in 8 bits; the painting at a short side of 512; content is the mean squared difference at relu4_2 over the
photo's mean square; style is the sum over relu1_2, relu2_2, relu3_3 and relu4_1 of ||G - G_s||² / ||G_s||²,
G = F Fᵀ / (C H W); means over the photos. Another loss network gives other numbers, so that it is always named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from stylecli.core.errors import MediaError
from stylecli.evaluation.quality.metrics.registry import METRICS, Metric
from stylecli.evaluation.quality.metrics.stylized_photo import (
    CONTENT_LAYER,
    JUDGE_LAYERS,
    Painting,
    Photo,
    StylizedPhoto,
    Stylizer,
    as_judged,
    features_of,
)
from stylecli.evaluation.quality.options import NOISE_SIGMA
from stylecli.media.images.files import read_picture
from stylecli.media.pixels import quantize
from stylecli.training.losses.loss_network import LossNetwork
from stylecli.training.losses.names import STYLE_LAYERS
from stylecli.training.losses.perceptual import content_loss, gram_matrix, style_loss

PHOTO_SHORT_SIDE = 384  # pixels
PAINTING_SHORT_SIDE = 512
ASPECT_MAX = 16  # long side over short: a strip of one pixel's width would become gigabytes of feature maps

Scores = Mapping[str, float | None]  # by the name of the metric; None where it cannot be told


@dataclass(frozen=True)
class Quality:
    """Means over photos. noise_sigma: the noise of the metric `noise_left`, in levels of 255. photos: their names."""

    scores: Scores
    noise_sigma: float
    photos: tuple[str, ...]

    def as_record(self) -> dict[str, Any]:
        """Return a record for the card, JSON and tables, with rounded numbers."""
        rounded = {name: None if value is None else round(value, 3) for name, value in self.scores.items()}
        return {**rounded, "noise_sigma": self.noise_sigma, "photos": self.photos}


@dataclass(frozen=True, eq=False)
class Painted:
    """The stylized photo and its stylized noisy copy, both (H, W, 3) uint8, with their scores."""

    pixels: NDArray[np.uint8]
    noisy: NDArray[np.uint8]
    scores: Scores


class _Identity:
    """A stylizer that returns the photo, to measure the photo itself."""

    def stylize(self, unit: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the picture as it is."""
        return unit


def open_photo(path: Path, loss_network: LossNetwork) -> Photo:
    """Read a photo and bring it to the size it is judged at.

    Raises:
        MediaError: it cannot be read, or is a mere strip.
    """
    pixels = read_picture(path).pixels
    height, width = pixels.shape[:2]
    if max(height, width) > ASPECT_MAX * min(height, width):
        raise MediaError(f"{path}: {width} x {height} is too narrow to be judged", hint="Leave it out, or crop it.")
    name = "".join(filter(str.isprintable, path.name))  # a file's name may hold bytes that are no text
    judged = as_judged(pixels, PHOTO_SHORT_SIDE)
    return Photo(name, judged, features_of(loss_network, judged, [CONTENT_LAYER])[CONTENT_LAYER])


def open_painting(path: Path, loss_network: LossNetwork) -> Painting:
    """Read a painting and bring it to the size it is judged at; raises MediaError if it cannot be read."""
    return Painting(as_judged(read_picture(path).pixels, PAINTING_SHORT_SIDE), loss_network)


def style_grams(painting: Path, loss_network: LossNetwork, layers: Sequence[str] = STYLE_LAYERS) -> dict[str, Tensor]:
    """Return the Gram matrices (1, C, C) of a painting by layer; raises MediaError if it cannot be read."""
    pixels = open_painting(painting, loss_network).pixels
    return {layer: gram_matrix(features) for layer, features in features_of(loss_network, pixels, layers).items()}


def paint_and_measure(
    stylizer: Stylizer,
    photo: Photo,
    *,
    loss_network: LossNetwork,
    painting: Painting | None,
    noise_sigma: float = NOISE_SIGMA,
    metrics: Sequence[Metric] = METRICS,
) -> Painted:
    """Judge one style on one photo by every metric; `painting` is None when it is not known."""
    stylized = StylizedPhoto(photo, stylizer, loss_network, painting, noise_sigma)
    scores = {metric.name: metric.measure(stylized) for metric in metrics}
    return Painted(stylized.pixels, quantize(stylized.painted_noisy, np.uint8), scores)


def scores_of_photo(photo: Photo, *, loss_network: LossNetwork, metrics: Sequence[Metric] = METRICS) -> Scores:
    """Score the unpainted photo, for the metrics where that is a useful reference; None for the others."""
    stylized = StylizedPhoto(photo, _Identity(), loss_network)
    return {metric.name: metric.measure(stylized) if metric.has_photo_value else None for metric in metrics}


def mean_quality(scores: Sequence[Scores], photos: Sequence[str], *, noise_sigma: float) -> Quality:
    """Return the means by metric; None where one of the numbers is not known."""
    means: dict[str, float | None] = {}
    for name in scores[0]:
        values = [one[name] for one in scores]
        known = [value for value in values if value is not None]
        means[name] = float(np.mean(known)) if len(known) == len(values) else None
    return Quality(means, noise_sigma=noise_sigma, photos=tuple(photos))


def distances(
    painted: NDArray[np.uint8], photo: Photo, *, loss_network: LossNetwork, targets: Mapping[str, Tensor] | None
) -> tuple[float, float | None]:
    """Return content and style distance of a painted photo, (H, W, 3), without the other metrics."""
    features = features_of(loss_network, painted, JUDGE_LAYERS)
    content = content_loss(features[CONTENT_LAYER], photo.content).item()
    return content, style_loss(features, targets).item() if targets else None
