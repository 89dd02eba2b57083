"""The metrics by name. To add one, write its function and add an entry to METRICS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from stylecli.evaluation.quality.metrics.artifacts import frame_energy, grid_energy, speck_density
from stylecli.evaluation.quality.metrics.contours import edge_f1, emboss_index
from stylecli.evaluation.quality.metrics.feature_statistics import e_statistic, style_distance
from stylecli.evaluation.quality.metrics.noise import noise_gain, noise_left
from stylecli.evaluation.quality.metrics.palette import palette_distance
from stylecli.evaluation.quality.metrics.stylized_photo import SCALES, Painting, StylizedPhoto, image_tensor
from stylecli.evaluation.quality.metrics.texture import BANDS
from stylecli.training.losses.names import STYLE_LAYERS
from stylecli.training.losses.perceptual import content_loss
from stylecli.training.losses.regularizers import total_variation

Better = Literal["lower", "higher", ""]  # which way is better; "" for neither


@dataclass(frozen=True)
class Metric:
    """A number that says how good one style is on one photo.

    name: its key in JSON, CSV, cards. heading: its column in reports. text: what it means, a sentence for the report.
    measure: a stylized photo to the number, or None where it cannot be told, as without a painting.
    has_photo_value: the number of the photo itself, unpainted, is worth knowing. is_detail: one of several that another
    metric sums up; it stands in JSON, CSV and cards, in no table.
    """

    name: str
    heading: str
    better: Better
    measure: Callable[[StylizedPhoto], float | None]
    text: str = ""
    has_photo_value: bool = False
    is_detail: bool = False


def with_painting(measure: Callable[[StylizedPhoto, Painting], float]) -> Callable[[StylizedPhoto], float | None]:
    """Make the function of a metric that needs the painting; it returns None without one."""

    def measured(stylized: StylizedPhoto) -> float | None:
        return None if stylized.painting is None else measure(stylized, stylized.painting)

    return measured


def _style(stylized: StylizedPhoto, painting: Painting, *, scales: tuple[int, ...]) -> float:
    distances = [style_distance(stylized.statistics[scale], painting.statistics[scale]) for scale in scales]
    return float(np.mean(distances))


def _effectiveness(stylized: StylizedPhoto, painting: Painting, *, layers: tuple[str, ...]) -> float:
    painted, wanted = stylized.statistics[1], painting.statistics[1]
    return float(np.mean([e_statistic(painted[layer], wanted[layer]) for layer in layers]))


def _texture(stylized: StylizedPhoto, *, band: int) -> float | None:
    return None if stylized.texture is None else stylized.texture[band]


METRICS = (
    Metric(
        "content",
        "content distance",
        "lower",
        lambda one: content_loss(one.content, one.photo.content).item(),
        "how far the features of the picture are from those of the photo",
    ),
    Metric(
        "style",
        "style distance",
        "lower",
        with_painting(partial(_style, scales=(1,))),
        "how far its Gram matrices are from those of the painting",
    ),
    Metric(
        "style_scales",
        "style at four scales",
        "lower",
        with_painting(partial(_style, scales=SCALES)),
        "the mean of the style distances of picture and painting made 1, 2, 4 and 8 times smaller, so that large "
        "strokes count too",
    ),
    *(
        Metric(
            f"style_{scale}",
            f"style, {scale} times smaller",
            "lower",
            with_painting(partial(_style, scales=(scale,))),
            is_detail=True,
        )
        for scale in SCALES[1:]
    ),
    Metric(
        "e_statistic",
        "E statistic",
        "higher",
        with_painting(partial(_effectiveness, layers=STYLE_LAYERS)),
        "how well the distribution of its features fits the painting's (Yeh et al. 2019), mean over the layers; each "
        "step of 0.7 halves the divergence",
    ),
    *(
        Metric(
            f"e_{layer}",
            f"E at {layer}",
            "higher",
            with_painting(partial(_effectiveness, layers=(layer,))),
            is_detail=True,
        )
        for layer in STYLE_LAYERS
    ),
    Metric(
        "palette",
        "palette distance",
        "lower",
        with_painting(lambda one, painting: palette_distance(one.pixels, painting.pixels)),
        "how far its colours would have to move to be the painting's, in units of CIE Lab (sliced Wasserstein)",
    ),
    Metric(
        "texture",
        "texture in flat areas",
        "lower",
        lambda one: None if one.texture is None else float(np.mean(np.abs(one.texture))),
        "how far the energy of strokes, by size, in the flattest quarter of the photo is from the painting's; 1 is "
        "twice or half",
    ),
    *(
        Metric(
            f"texture_{sigma}",
            f"texture, {sigma} pixels",
            "",
            partial(_texture, band=band),
            is_detail=True,
        )
        for band, sigma in enumerate(BANDS)
    ),
    Metric(
        "edge_f1",
        "edges kept",
        "higher",
        lambda one: edge_f1(one.pixels, one.photo.pixels),
        "agreement of its edges with those of the photo, 0 to 1 (F1)",
    ),
    Metric(
        "emboss",
        "emboss index",
        "lower",
        lambda one: emboss_index(one.pixels, one.photo.pixels),
        "how far the change is the photo's own relief: 0 for strokes, 1 for a sharpened photo",
    ),
    Metric(
        "specks",
        "specks",
        "lower",
        lambda one: speck_density(one.pixels),
        "isolated dots, light and dark, for each 10,000 pixels",
        has_photo_value=True,
    ),
    Metric(
        "specks_beyond",
        "specks beyond the painting's",
        "lower",
        with_painting(lambda one, painting: max(0.0, speck_density(one.pixels) - painting.speck_density)),
        is_detail=True,
    ),
    Metric(
        "total_variation",
        "total variation",
        "",
        lambda one: total_variation(image_tensor(one.pixels)).item(),
        "differences of neighbouring pixels; below the photos' own, the picture is calmer than they are",
        has_photo_value=True,
    ),
    Metric(
        "grid_energy",
        "grid energy",
        "lower",
        lambda one: grid_energy(one.pixels),
        "how far a grid of 2 or 4 pixels stands out",
        has_photo_value=True,
    ),
    Metric(
        "frame_energy",
        "frame energy",
        "lower",
        lambda one: frame_energy(one.pixels),
        "how far a frame along the border stands out",
        has_photo_value=True,
    ),
    Metric(
        "noise_gain",
        "noise gain",
        "lower",
        lambda one: noise_gain(one.stylizer.stylize, one.clean),
        "how much faint noise (2 levels of 255) grows; above 1, a video of a still scene flickers",
        has_photo_value=True,
    ),
    Metric(
        "noise_left",
        "noise left",
        "lower",
        lambda one: noise_left(one.clean, one.noisy, one.painted, one.painted_noisy),
        "the change that strong noise on the photo makes in the picture, over the noise itself",
        has_photo_value=True,
    ),
)
