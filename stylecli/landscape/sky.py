"""The sky: clear air and a layer of clouds, lit by the low sun from the side."""

from __future__ import annotations

import numpy as np

from stylecli.landscape import light
from stylecli.landscape.noise import Floats, Tile

TILE = 1024  # texels
TEXEL = 14.0  # metres
CLOUD_BASE = 1_500.0  # metres
WIND = (34.0, -12.0)  # metres a second to the right and toward the eye; fast enough to show within four seconds
LIT = np.array([1.45, 0.66, 0.28], np.float32)
SHADE = np.array([0.060, 0.066, 0.115], np.float32)
HAZE_SLOPE = 0.055  # below about this slope, haze hides the clouds
SUNWARD = 13.0  # texels toward the sun at which the shading cloud is sampled


class Clouds:
    """The textures of the cloud layer."""

    def __init__(self, seed: int = 3) -> None:
        self.billows = Tile(TILE, slope=1.55, seed=seed)
        self.drift = Tile(TILE // 4, slope=2.4, seed=seed + 1, levels=1)

    def sky(self, azimuth: Floats, slope: Floats, seconds: float) -> Floats:
        """Return the radiance of the sky without the sun's disc, and the transmittance of the clouds: (..., 3 + 1)."""
        clear = light.sky_color(azimuth, slope)
        up = np.maximum(slope, 0.018)
        x = (np.sin(azimuth) * CLOUD_BASE / up - WIND[0] * seconds) / TEXEL
        y = (np.cos(azimuth) * CLOUD_BASE / up - WIND[1] * seconds) / TEXEL
        far = np.clip((up - 0.03) / 0.06, 0, 1)  # the layer fades into haze at the horizon
        thick = self._thickness(x, y, up)
        sun_x, sun_y = np.sin(light.SUN_AZIMUTH), np.cos(light.SUN_AZIMUTH)
        toward = self._thickness(x + SUNWARD * sun_x, y + SUNWARD * sun_y, up)
        angle = np.hypot(azimuth - light.SUN_AZIMUTH, slope - light.SUN_SLOPE)
        cover = 1 - np.exp(-2.6 * thick * far)
        lit = np.exp(-1.9 * toward - 0.8 * thick)  # light that reaches this side of the cloud
        lining = 0.8 + 2.4 * np.exp(-angle / 0.13)
        color = LIT * (lit * lining)[..., None] + SHADE + 0.30 * clear
        haze = np.exp(-HAZE_SLOPE / up)[..., None]
        color = clear + haze * (color - clear)
        return np.concatenate([clear + cover[..., None] * (color - clear), (1 - cover)[..., None]], axis=-1)

    def _thickness(self, x: Floats, y: Floats, up: Floats) -> Floats:
        wide = self.drift.at(x / 5.5, y / 8)
        warp = 9 * wide
        fine = self._mipped(x * 0.8 + warp, y * 1.1 + warp, up)
        return np.maximum(0.62 * fine + 0.80 * wide - 0.34, 0)

    def _mipped(self, x: Floats, y: Floats, up: Floats) -> Floats:
        """Sample the billows at a mip level that rises with distance, so that they do not flicker."""
        level = np.clip(np.log2(0.09 / up), 0, len(self.billows.levels) - 1.001)
        total = np.zeros_like(x)
        for number in range(len(self.billows.levels)):
            share = np.clip(1 - np.abs(level - number), 0, 1)
            used = share > 0
            total[used] += share[used] * self.billows.at(x[used], y[used], number)
        return total
