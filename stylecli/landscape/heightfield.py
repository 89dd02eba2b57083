"""Ground as a height field over azimuth and distance: slopes, shadows, projection to the view."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from stylecli.landscape import light
from stylecli.landscape.layer import EYE, Layer
from stylecli.landscape.noise import Floats

SHADOW_WALKS = np.geomspace(90, 5200, 12, dtype=np.float32)  # metres toward the sun at which shadows are sampled
PENUMBRA = 5.0  # larger values make harder shadow edges


@dataclass(frozen=True)
class Grid:
    """Points on the ground: `azimuth` (A,) in radians and `distance` (D,) in metres, both rising; x right, z ahead."""

    azimuth: Floats
    distance: Floats
    focal: float

    @classmethod
    def over(cls, left: float, right: float, distance: Floats, *, focal: float) -> Self:
        """A grid with one azimuth for each pixel column."""
        return cls(np.arange(left, right, 1 / focal, dtype=np.float32), distance.astype(np.float32), focal)

    @property
    def x(self) -> Floats:
        """Metres to the right, (A, D)."""
        return np.sin(self.azimuth)[:, None] * self.distance

    @property
    def z(self) -> Floats:
        """Metres ahead, (A, D)."""
        return np.cos(self.azimuth)[:, None] * self.distance


def slopes(height: Floats, grid: Grid) -> tuple[Floats, Floats]:
    """Return the gradients of the height (A, D) along x and z."""
    along = np.gradient(height, axis=1) / np.gradient(grid.distance)
    across = np.gradient(height, axis=0) / (np.gradient(grid.azimuth)[:, None] * grid.distance)
    sine, cosine = np.sin(grid.azimuth)[:, None], np.cos(grid.azimuth)[:, None]
    return along * sine + across * cosine, along * cosine - across * sine


def sunlit(height: Floats, grid: Grid) -> Floats:
    """Return soft shadows (A, D), 0 in shadow to 1 in light, by steps toward the key light at half resolution."""
    low, x, z = height[::2, ::2], grid.x[::2, ::2], grid.z[::2, ::2]
    left, per_azimuth = grid.azimuth[0], 1 / (grid.azimuth[2] - grid.azimuth[0])
    clear = np.ones_like(low)
    for walk in SHADOW_WALKS:
        at_x, at_z = x + walk * np.sin(light.KEY_AZIMUTH), z + walk * np.cos(light.KEY_AZIMUTH)
        column = ((np.arctan2(at_x, at_z) - left) * per_azimuth).astype(np.int32)
        row = np.searchsorted(grid.distance[::2], np.hypot(at_x, at_z))
        ground = low[np.clip(column, 0, low.shape[0] - 1), np.clip(row, 0, low.shape[1] - 1)]
        clear = np.minimum(clear, 0.5 + PENUMBRA * ((low - ground) / walk + light.KEY_SLOPE))
    soft = np.clip(clear, 0, 1).repeat(2, axis=0).repeat(2, axis=1)
    return soft[: height.shape[0], : height.shape[1]]


def seen(height: Floats, color: Floats, grid: Grid, *, top: float, bottom: float) -> Layer:
    """Project the ground to the view: each pixel shows the nearest point that is at least as high as its slope.

    height: (A, D), metres; color: (A, D, 4), premultiplied; top, bottom: slopes.
    """
    count = len(grid.azimuth)
    rise = (height - EYE) / grid.distance
    skyline = np.maximum.accumulate(rise, axis=1)
    rows = 2 * int((top - bottom) * grid.focal)  # two samples a pixel are averaged, which smooths ridges
    slope = (top - (np.arange(rows) + 0.5) / (2 * grid.focal)).astype(np.float32)[::-1]  # rising
    # One sorted list of all columns' skylines, searched at once: each column lives in its own interval of ten.
    interval = 10.0 * np.arange(count)[:, None]
    found = np.searchsorted((skyline + interval).ravel(), (slope + interval).ravel()).reshape(count, rows)
    hit = found - np.arange(count)[:, None] * len(grid.distance)
    far = np.clip(found, 1, height.size - 1)
    high, low = rise.ravel()[far], rise.ravel()[far - 1]
    mix = (np.clip((slope - low) / np.maximum(high - low, 1e-7), 0, 1) * (hit > 0))[..., None]
    flat = color.reshape(-1, 4)
    samples = (flat[far - 1] * (1 - mix) + flat[far] * mix) * (hit < len(grid.distance))[..., None]
    pixels = samples.reshape(count, rows // 2, 2, 4).mean(axis=2)[:, ::-1].transpose(1, 0, 2)
    return Layer(np.ascontiguousarray(pixels, dtype=np.float32), float(grid.azimuth[0]), top, grid.focal)


def opaque(color: Floats) -> Floats:
    """Append an alpha channel of 1 to colours (..., 3)."""
    return np.concatenate([color, np.ones_like(color[..., :1])], axis=-1)
