"""The judge of styles: how much of the photo stays, how much of the painting comes, by the features of VGG-19.

The definition, so that numbers can be compared: photos at a short side of 384 pixels (Lanczos), stylized at native
brush, in 8 bits; the painting at a short side of 512; content is the mean squared difference at relu4_2 over the
photo's mean square; style is the sum over relu1_2, relu2_2, relu3_3 and relu4_1 of ||G - G_s||² / ||G_s||²,
G = F Fᵀ / (C H W); means over the photos.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stylecli.engine import Engine, quantize, to_unit
from stylecli.evaluation.metrics import grid_energy, noise_gain
from stylecli.images import read_picture
from stylecli.look import resize
from stylecli.progress import Progress, Step, ignore
from stylecli.training.loss_network import LossNetwork
from stylecli.training.losses import STYLE_LAYERS, content_loss, gram_matrix, style_loss

PHOTO_SHORT_SIDE = 384  # pixels
PAINTING_SHORT_SIDE = 512
CONTENT_LAYER = "relu4_2"
JUDGE_LAYERS = (*STYLE_LAYERS, CONTENT_LAYER)


@dataclass(frozen=True)
class Quality:
    """Means over a set of photos; lower is better in all. `style` is None when no painting was given."""

    content: float
    style: float | None
    grid_energy: float
    noise_gain: float
    photos: tuple[str, ...]

    def as_record(self) -> dict[str, Any]:
        """For the card and for JSON: rounded."""
        record = dataclasses.asdict(self)
        return {key: round(value, 3) if isinstance(value, float) else value for key, value in record.items()}


def measure_quality(
    engine: Engine,
    photos: Sequence[Path],
    *,
    painting: Path | None,
    loss_network: LossNetwork,
    progress: Progress = ignore,
) -> Quality:
    """Judge one style by the definition above.

    Raises:
        MediaError: a photo or the painting cannot be read.
    """
    targets = None
    if painting:
        image = _tensor(_at_short_side(read_picture(painting).pixels, PAINTING_SHORT_SIDE))
        targets = {
            layer: gram_matrix(features) for layer, features in _features(loss_network, image, STYLE_LAYERS).items()
        }
    rows = []
    for number, path in enumerate(photos):
        progress(Step(number, len(photos), "photos", f"{engine.name}: {path.name}"))
        photo = _at_short_side(read_picture(path).pixels, PHOTO_SHORT_SIDE)
        stylized = quantize(engine.stylize(to_unit(photo)), np.uint8)
        features = _features(loss_network, _tensor(stylized), JUDGE_LAYERS)
        target = _features(loss_network, _tensor(photo), [CONTENT_LAYER])[CONTENT_LAYER]
        rows.append(
            (
                content_loss(features[CONTENT_LAYER], target).item(),
                style_loss(features, targets).item() if targets else float("nan"),
                grid_energy(stylized),
                noise_gain(engine.stylize, to_unit(photo)),
            )
        )
    progress(Step(len(photos), len(photos), "photos"))
    content, style, grid, noise = np.mean(rows, axis=0).tolist()
    return Quality(content, style if targets else None, grid, noise, tuple(path.name for path in photos))


def _at_short_side(pixels: NDArray[Any], short_side: int) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    scale = short_side / min(height, width)
    return quantize(resize(to_unit(pixels), round(height * scale), round(width * scale)), np.uint8)


def _tensor(pixels: NDArray[Any]) -> Tensor:
    return torch.from_numpy(to_unit(pixels)).permute(2, 0, 1)[None]


@torch.no_grad()
def _features(loss_network: LossNetwork, image: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
    features: dict[str, Tensor] = loss_network(image, layers)
    return features
