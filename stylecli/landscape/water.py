"""The sea: moving waves that reflect the landscape and the sun."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from stylecli.landscape import light
from stylecli.landscape.layer import EYE
from stylecli.landscape.noise import Floats

GRAVITY = 9.81  # metres a second squared
WAVES = 44
WAVELENGTHS = (0.45, 26.0)  # metres
STEEPNESS = 0.054  # root mean square slope of all waves together: a gentle breeze
WIND_AZIMUTH = 2.5  # radians: the waves run from the far right to the near left
RIPPLES = 0.022  # root mean square slope of ripples below the smallest wave
DEPTHS = np.array([0.010, 0.050, 0.062], np.float32)  # radiance from inside the water
SUN_ON_WATER = 0.011  # radiance of the sun's blurred reflection, in units of `SUN_COLOR`

Surroundings = Callable[[Floats, Floats], Floats]  # azimuth, slope -> radiance (..., 3)


class Sea:
    """A fixed set of waves."""

    def __init__(self, seed: int = 11) -> None:
        random = np.random.default_rng(seed)
        length = np.geomspace(*WAVELENGTHS, WAVES)
        heading = WIND_AZIMUTH + random.normal(0, 0.62, WAVES)
        number = 2 * np.pi / length
        self.x, self.z = number * np.sin(heading), number * np.cos(heading)
        self.speed = np.sqrt(GRAVITY * number)  # angular, deep water
        self.phase = random.uniform(0, 2 * np.pi, WAVES)
        slope = length**0.10 * random.uniform(0.6, 1.4, WAVES)
        self.slope = slope * STEEPNESS / np.sqrt(np.sum(slope**2) / 2)

    def tilt(self, x: Floats, z: Floats, seconds: float, blur: Floats) -> tuple[Floats, Floats, Floats]:
        """Return the slopes of the surface along x and z, and the slope variance of waves too small to resolve.

        `blur` (H, 1): metres along the view that one pixel covers.
        """
        east, north, lost = np.zeros_like(x), np.zeros_like(x), np.full_like(blur, RIPPLES**2)
        for wave_x, wave_z, speed, phase, slope in zip(self.x, self.z, self.speed, self.phase, self.slope, strict=True):
            kept = np.exp(-0.5 * (0.55 * wave_z * blur) ** 2)
            lost += 0.5 * slope**2 * (1 - kept**2)
            rows = int(np.argmax(kept[:, 0] > 0.03))  # above this row the wave is too small to resolve
            angle = np.float32(wave_x) * x[rows:] + np.float32(wave_z) * z[rows:]
            angle += np.float32(phase - speed * seconds)
            swing = kept[rows:] * np.float32(slope) * np.cos(angle)
            east[rows:] += swing * np.float32(np.sin(np.arctan2(wave_x, wave_z)))
            north[rows:] += swing * np.float32(np.cos(np.arctan2(wave_x, wave_z)))
        return east, north, lost

    def radiance(
        self,
        azimuth: Floats,
        slope: Floats,
        *,
        eye_x: float,
        seconds: float,
        focal: float,
        around: Surroundings,
        sunshine: float,
    ) -> Floats:
        """Return the radiance (H, W, 3) of the sea in directions (H, W); slope < 0 and constant along a row."""
        down = np.maximum(-slope[:, :1], 0.3 / focal)
        distance = EYE / down
        x, z = np.sin(azimuth) * distance + np.float32(eye_x), np.cos(azimuth) * distance
        east, north, lost = self.tilt(x, z, seconds, distance / (down * focal))
        # At grazing angles waves hide their far sides, so visible facets lean toward the eye (Cox and Munk 1954).
        lean = np.sqrt(lost) * 0.35 / (1 + down / np.sqrt(lost))
        sine, cosine = np.sin(azimuth), np.cos(azimuth)
        east, north = east + lean * sine, north + lean * cosine
        facing = east * sine + north * cosine + down  # minus the view direction times the normal, unnormalised
        facing = 0.5 * (facing + np.sqrt(facing**2 + (0.25 * down) ** 2))  # no facet is seen from below
        length = 1 + east**2 + north**2
        ray_x = sine - 2 * facing * east / length
        ray_z = cosine - 2 * facing * north / length
        ray_up = np.abs(2 * facing / length - down)
        mirror_azimuth = np.arctan2(ray_x, ray_z)
        mirror_slope = ray_up / np.hypot(ray_x, ray_z)
        cosine_in = facing / np.sqrt(length * (1 + down**2))
        fresnel = (0.02 + 0.98 * (1 - np.clip(cosine_in, 0, 1)) ** 5)[..., None]
        mirrored = around(mirror_azimuth, mirror_slope)
        mirrored = mirrored + sunshine * self._glitter(mirror_azimuth, mirror_slope, lost)
        sea: Floats = DEPTHS * 0.8 + fresnel * (mirrored - DEPTHS)
        return sea

    def _glitter(self, azimuth: Floats, slope: Floats, lost: Floats) -> Floats:
        """Return the sun's reflection on a surface as rough as the unresolved slopes: narrow near, broad far away."""
        across, along = azimuth - light.SUN_AZIMUTH, slope - light.SUN_SLOPE
        wide = 4 * lost + 0.010**2  # a tilt of t turns the ray by 2 t; plus the size of the sun
        narrow = 4 * lost * 0.06 + 0.010**2  # at grazing angles, sideways tilt moves the ray little
        spread = np.exp(-0.5 * (along**2 / wide + across**2 / narrow)) / np.sqrt(wide * narrow)
        return SUN_ON_WATER * spread[..., None] * light.SUN_COLOR
