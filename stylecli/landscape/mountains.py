"""The mountains behind the bay: ridges, woods, meadows, snow, and aerial perspective."""

from __future__ import annotations

import numpy as np

from stylecli.landscape import light
from stylecli.landscape.heightfield import Grid, opaque, seen, slopes, sunlit
from stylecli.landscape.layer import Layer
from stylecli.landscape.noise import Floats, fractal, ridged, value_noise

HAZE_REACH = 26_000.0  # metres: distance at which haze hides 63 percent
MIST_HEIGHT = 110.0  # metres: of the mist above the water
TREE_LINE, SNOW_LINE = 480.0, 690.0  # metres
TREE_HEIGHT = 8.0  # metres
SUNKEN = 14.0  # metres that the relief is lowered, so that the shore is not a straight line

FOREST = np.array([0.030, 0.042, 0.018], np.float32)
MEADOW = np.array([0.115, 0.100, 0.040], np.float32)
ROCK = np.array([0.165, 0.140, 0.125], np.float32)
SNOW = np.array([0.82, 0.84, 0.90], np.float32)


def mountains(left: float, right: float, focal: float) -> Layer:
    """Render the land from azimuth `left` to `right`, in radians."""
    grid = Grid.over(left, right, _distances(int(min(1_000, 250 + 0.65 * focal))), focal=focal)
    height = _height(grid)
    return seen(height, opaque(_color(height, grid)), grid, top=0.30, bottom=-3 / focal)


def _distances(count: int) -> Floats:
    """Return the distances in metres at which the ground is sampled, densest at the main range to avoid steps."""
    parts = ((1_700, 4_800, 0.22), (4_800, 11_500, 0.58), (11_500, 42_000, 0.20))
    return np.concatenate([np.geomspace(near, far, int(count * part), endpoint=False) for near, far, part in parts])


def _height(grid: Grid) -> Floats:
    """Return the height in metres above the water, (A, D)."""
    x, z = grid.x, grid.z
    warp_x, warp_z = fractal(x / 2600, z / 2600, octaves=3, seed=5), fractal(x / 2600, z / 2600, octaves=3, seed=9)
    crest = ridged(x / 2300 + 0.45 * warp_x, z / 2300 + 0.45 * warp_z, octaves=9, seed=21)
    hills = fractal(x / 900, z / 900, octaves=6, seed=41) + 0.5
    azimuth = grid.azimuth[:, None]
    summit = _bell(azimuth, -0.19, 0.27)  # the highest peaks, left of the centre
    shoulder = _bell(azimuth, 0.56, 0.20)  # lower peaks on the right, behind the sun's path
    near, main, far = (
        _bell(np.log(grid.distance), np.log(center), width)
        for center, width in ((3_000, 0.26), (7_600, 0.30), (17_000, 0.40))
    )
    height: Floats = main * (420 + 820 * summit + 420 * shoulder) * (0.10 + 1.55 * crest)
    height += far * (1000 + 1000 * summit + 900 * shoulder) * (0.15 + 1.25 * crest)
    height += near * (65 + 390 * _bell(azimuth, -0.52, 0.24) + 300 * _bell(azimuth, 0.62, 0.22)) * hills
    wooded = (height > 25) & (height < TREE_LINE) & (grid.distance < 9_000)
    trees = TREE_HEIGHT * value_noise(x / TREE_HEIGHT, z / TREE_HEIGHT, seed=77)
    height += trees * wooded - SUNKEN
    return height


def _color(height: Floats, grid: Grid) -> Floats:
    """Return the radiance of the ground at the eye, (A, D, 3)."""
    lit, upright = light.shading(*slopes(height, grid))
    lit = lit * sunlit(height, grid)
    patch = fractal(grid.x / 320, grid.z / 320, octaves=4, seed=61)  # varies tree line and snow line
    meadow = _ramp(height + 300 * patch, TREE_LINE + 220, TREE_LINE - 30) * _ramp(upright, 0.60, 0.80)
    forest = _ramp(height + 420 * patch, TREE_LINE, TREE_LINE - 260) * _ramp(upright, 0.55, 0.75)
    snow = _ramp(height + 380 * patch, SNOW_LINE - 120, SNOW_LINE + 220) * _ramp(upright, 0.40, 0.62)
    ground = ROCK * (1 + 0.9 * patch[..., None])
    for material, cover in ((MEADOW, meadow), (FOREST, forest), (SNOW, snow)):
        ground = ground + (material - ground) * cover[..., None]
    sky = 0.35 + 0.65 * upright[..., None]
    return _through_air(ground * (lit[..., None] * light.KEY_LIGHT + sky * light.SKY_LIGHT), height, grid)


def _through_air(color: Floats, height: Floats, grid: Grid) -> Floats:
    """Aerial perspective: haze in the colour of the low sky of each direction, denser in the mist on the water."""
    haze = 0.82 * light.sky_color(grid.azimuth, np.full_like(grid.azimuth, 0.035))[:, None, :]
    mist = 1.5 * np.exp(-np.maximum(height, 0) / MIST_HEIGHT) * np.clip(grid.distance / 6_000, 0, 1)
    clear = np.exp(-(grid.distance / HAZE_REACH) * (0.75 + mist))[..., None]
    veiled: Floats = color * clear + haze * (1 - clear)
    return veiled


def _bell(value: Floats, center: float, width: float) -> Floats:
    bell: Floats = np.exp(-(((value - center) / width) ** 2)).astype(np.float32)
    return bell


def _ramp(value: Floats, start: float, end: float) -> Floats:
    """Interpolate smoothly from 0 at `start` to 1 at `end`; `start` may be larger."""
    t = np.clip((value - start) / (end - start), 0, 1)
    smooth: Floats = t * t * (3 - 2 * t)
    return smooth
