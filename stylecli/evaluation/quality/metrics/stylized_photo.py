"""The input of a metric: a photo, its stylized picture and the painting. Everything is computed on first use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stylecli.evaluation.quality.metrics.artifacts import speck_density
from stylecli.evaluation.quality.metrics.feature_statistics import FeatureStatistics, statistics_of
from stylecli.evaluation.quality.metrics.noise import with_noise
from stylecli.evaluation.quality.metrics.texture import band_energies, flat_areas, octaves_apart
from stylecli.evaluation.quality.options import NOISE_SIGMA
from stylecli.media.pixels import Floats, quantize, to_unit
from stylecli.media.resizing import at_short_side, resize
from stylecli.training.losses.loss_network import LossNetwork
from stylecli.training.losses.names import STYLE_LAYERS

CONTENT_LAYER = "relu4_2"
JUDGE_LAYERS = (*STYLE_LAYERS, CONTENT_LAYER)
SCALES = (1, 2, 4, 8)  # by which picture and painting are shrunk together: strokes of several sizes


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


@dataclass(frozen=True, eq=False)
class Painting:
    """A painting at the size it is judged at, (H, W, 3) uint8."""

    pixels: NDArray[np.uint8]
    loss_network: LossNetwork

    @cached_property
    def statistics(self) -> Mapping[int, Mapping[str, FeatureStatistics]]:
        """The statistics of its features, by scale (1, 2, 4, 8 times smaller) and layer."""
        return {
            scale: statistics_of(features_of(self.loss_network, shrunk(self.pixels, scale), STYLE_LAYERS))
            for scale in SCALES
        }

    @cached_property
    def band_energies(self) -> tuple[float, ...]:
        """Its detail by size, as `texture.band_energies`."""
        return band_energies(self.pixels)

    @cached_property
    def speck_density(self) -> float:
        """As `artifacts.speck_density`."""
        return speck_density(self.pixels)


@dataclass(frozen=True, eq=False)
class StylizedPhoto:
    """One style on one photo. noise_sigma: standard deviation, in levels of 255, of the noise on the noisy copy."""

    photo: Photo
    stylizer: Stylizer
    loss_network: LossNetwork
    painting: Painting | None = None
    noise_sigma: float = NOISE_SIGMA

    @cached_property
    def clean(self) -> Floats:
        """The photo (H, W, 3) in 0..1."""
        return to_unit(self.photo.pixels)

    @cached_property
    def noisy(self) -> Floats:
        """The photo with noise."""
        return with_noise(self.clean, self.noise_sigma / 255)

    @cached_property
    def painted(self) -> Floats:
        """The stylized photo (H, W, 3) in 0..1."""
        return self.stylizer.stylize(self.clean)

    @cached_property
    def painted_noisy(self) -> Floats:
        """The stylized noisy copy."""
        return self.stylizer.stylize(self.noisy)

    @cached_property
    def pixels(self) -> NDArray[np.uint8]:
        """The stylized photo in 8 bits, as people see it."""
        return quantize(self.painted, np.uint8)

    @cached_property
    def content(self) -> Tensor:
        """The feature maps of the stylized photo at CONTENT_LAYER."""
        return self._at_full_size[0]

    @cached_property
    def statistics(self) -> Mapping[int, Mapping[str, FeatureStatistics]]:
        """The statistics of the stylized photo's features, by scale and layer."""
        smaller = {
            scale: statistics_of(features_of(self.loss_network, shrunk(self.pixels, scale), STYLE_LAYERS))
            for scale in SCALES[1:]
        }
        return {1: self._at_full_size[1], **smaller}

    @cached_property
    def texture(self) -> tuple[float, ...] | None:
        """Octaves by band between the strokes in the photo's flat areas and the painting's; None without a painting."""
        if self.painting is None:
            return None
        energies = band_energies(self.pixels, flat_areas(self.photo.pixels))
        return octaves_apart(energies, self.painting.band_energies)

    @cached_property
    def _at_full_size(self) -> tuple[Tensor, Mapping[str, FeatureStatistics]]:
        """Content and style by one pass; the large feature maps are not kept."""
        features = features_of(self.loss_network, self.pixels, JUDGE_LAYERS)
        return features.pop(CONTENT_LAYER), statistics_of(features)


def shrunk(pixels: NDArray[Any], scale: int) -> NDArray[Any]:
    """Shrink a picture (H, W, 3) to a whole fraction of its size."""
    if scale == 1:
        return pixels
    height, width = pixels.shape[:2]
    return resize(pixels, max(1, height // scale), max(1, width // scale))


def as_judged(pixels: NDArray[Any], short_side: int) -> NDArray[np.uint8]:
    """Resize a picture (H, W, 3) to a short side of `short_side` pixels, in 8 bits."""
    return quantize(at_short_side(to_unit(pixels), short_side), np.uint8)


def image_tensor(pixels: NDArray[Any]) -> Tensor:
    """Convert a picture (H, W, 3) to a tensor (1, 3, H, W) in 0..1."""
    return torch.from_numpy(to_unit(pixels)).permute(2, 0, 1)[None]


def device_of(loss_network: LossNetwork) -> torch.device:
    """Return the device of a loss network."""
    return next(loss_network.buffers()).device


@torch.no_grad()
def features_of(loss_network: LossNetwork, pixels: NDArray[Any], layers: Sequence[str]) -> dict[str, Tensor]:
    """Return the feature maps (1, C, h, w) of a picture (H, W, 3), by layer."""
    features: dict[str, Tensor] = loss_network(image_tensor(pixels).to(device_of(loss_network)), layers)
    return features
