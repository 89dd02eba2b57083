"""The measures of styles: how much of the photo stays, how much of the painting comes, by the features of VGG-19.

The definition, so that numbers can be compared: photos at a short side of 384 pixels (Lanczos), stylized at native
brush, in 8 bits; the painting at a short side of 512; content is the mean squared difference at relu4_2 over the
photo's mean square; style is the sum over relu1_2, relu2_2, relu3_3 and relu4_1 of ||G - G_s||² / ||G_s||²,
G = F Fᵀ / (C H W); means over the photos. Another loss network gives other numbers, so that it is always named.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stylecli.core.errors import MediaError
from stylecli.evaluation.quality.metrics import grid_energy, noise_gain, noise_left, with_noise
from stylecli.media.images.files import read_picture
from stylecli.media.pixels import quantize, to_unit
from stylecli.media.resizing import resize
from stylecli.training.losses.loss_network import LossNetwork
from stylecli.training.losses.names import STYLE_LAYERS
from stylecli.training.losses.perceptual import content_loss, gram_matrix, style_loss, total_variation

PHOTO_SHORT_SIDE = 384  # pixels
PAINTING_SHORT_SIDE = 512
ASPECT_MAX = 16  # long side over short: a strip of one pixel's width would become gigabytes of feature maps
CONTENT_LAYER = "relu4_2"
JUDGE_LAYERS = (*STYLE_LAYERS, CONTENT_LAYER)
NOISE_SIGMA = 25.0  # levels of 255: the noise that papers on denoising show most


class Stylizer(Protocol):
    """Anything that paints: a style's `Engine`, the network of a run."""

    def stylize(self, unit: NDArray[np.float32]) -> NDArray[np.float32]:
        """Paint a picture (H, W, 3), sRGB-encoded RGB in 0..1; same shape and range."""


@dataclass(frozen=True, eq=False)
class Photo:
    """A photo at the size it is judged at: `pixels` (H, W, 3) uint8, `content` its feature maps at CONTENT_LAYER."""

    name: str
    pixels: NDArray[np.uint8]
    content: Tensor


@dataclass(frozen=True)
class Scores:
    """Measured on one photo, or means. Lower is better, of the variation calmer; `style` needs a painting."""

    content: float
    style: float | None
    total_variation: float
    grid_energy: float
    noise_gain: float
    noise_left: float


@dataclass(frozen=True)
class Quality(Scores):
    """Means over photos, and what belongs to them: the noise (levels of 255) that `noise_left` speaks of, the names."""

    noise_sigma: float
    photos: tuple[str, ...]

    def as_record(self) -> dict[str, Any]:
        """For the card, JSON and tables: rounded."""
        record = dataclasses.asdict(self)
        return {key: round(value, 3) if isinstance(value, float) else value for key, value in record.items()}


@dataclass(frozen=True, eq=False)
class Painted:
    """What a style made of a photo and of its noisy copy, both (H, W, 3) uint8, and how good that is."""

    pixels: NDArray[np.uint8]
    noisy: NDArray[np.uint8]
    scores: Scores


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
    judged = at_short_side(pixels, PHOTO_SHORT_SIDE)
    return Photo(name, judged, _features(loss_network, image_tensor(judged), [CONTENT_LAYER])[CONTENT_LAYER])


def style_targets(painting: Path, loss_network: LossNetwork, layers: Sequence[str] = STYLE_LAYERS) -> dict[str, Tensor]:
    """The Gram matrices of a painting by layer; raises MediaError if it cannot be read."""
    image = image_tensor(at_short_side(read_picture(painting).pixels, PAINTING_SHORT_SIDE))
    return {layer: gram_matrix(features) for layer, features in _features(loss_network, image, layers).items()}


def paint_and_measure(
    stylizer: Stylizer,
    photo: Photo,
    *,
    loss_network: LossNetwork,
    targets: Mapping[str, Tensor] | None,
    noise_sigma: float = NOISE_SIGMA,
) -> Painted:
    """Judge one style on one photo; `targets` are the painting's, None when it is not known."""
    clean = to_unit(photo.pixels)
    noisy = with_noise(clean, noise_sigma / 255)
    unit, unit_noisy = stylizer.stylize(clean), stylizer.stylize(noisy)
    painted = quantize(unit, np.uint8)
    content, style = distances(painted, photo, loss_network=loss_network, targets=targets)
    scores = Scores(
        content=content,
        style=style,
        total_variation=total_variation(image_tensor(painted)).item(),
        grid_energy=grid_energy(painted),
        noise_gain=noise_gain(stylizer.stylize, clean),
        noise_left=noise_left(clean, noisy, unit, unit_noisy),
    )
    return Painted(painted, quantize(unit_noisy, np.uint8), scores)


def distances(
    painted: NDArray[np.uint8], photo: Photo, *, loss_network: LossNetwork, targets: Mapping[str, Tensor] | None
) -> tuple[float, float | None]:
    """Content and style distance of what was made of a photo, (H, W, 3)."""
    features = _features(loss_network, image_tensor(painted), JUDGE_LAYERS)
    content = content_loss(features[CONTENT_LAYER], photo.content).item()
    return content, style_loss(features, targets).item() if targets else None


def scores_of_photo(photo: Photo) -> Scores:
    """What the photo itself would get, for comparison: the best content, no style."""
    variation = total_variation(image_tensor(photo.pixels)).item()
    return Scores(0.0, None, variation, grid_energy(photo.pixels), 1.0, 1.0)


def mean_quality(scores: Sequence[Scores], photos: Sequence[str], *, noise_sigma: float) -> Quality:
    """The means; of the style None when one of them is not known."""
    means: dict[str, float | None] = {}
    for field in dataclasses.fields(Scores):
        values = [getattr(one, field.name) for one in scores]
        means[field.name] = None if None in values else float(np.mean(values))
    return Quality(**means, noise_sigma=noise_sigma, photos=tuple(photos))  # type: ignore[arg-type]  # by name


def at_short_side(pixels: NDArray[Any], short_side: int) -> NDArray[np.uint8]:
    """A picture (H, W, 3) at another size, in 8 bits."""
    height, width = pixels.shape[:2]
    scale = short_side / min(height, width)
    return quantize(resize(to_unit(pixels), round(height * scale), round(width * scale)), np.uint8)


def image_tensor(pixels: NDArray[Any]) -> Tensor:
    """A picture (H, W, 3) as (1, 3, H, W) in 0..1."""
    return torch.from_numpy(to_unit(pixels)).permute(2, 0, 1)[None]


def device_of(loss_network: LossNetwork) -> torch.device:
    """Where a loss network computes."""
    return next(loss_network.buffers()).device


@torch.no_grad()
def _features(loss_network: LossNetwork, image: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
    features: dict[str, Tensor] = loss_network(image.to(device_of(loss_network)), layers)
    return features
