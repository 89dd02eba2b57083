"""The near shore: a rocky point with turf and pines against the light."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from stylecli.landscape import light
from stylecli.landscape.heightfield import Grid, opaque, seen, slopes
from stylecli.landscape.layer import EYE, Layer
from stylecli.landscape.noise import Floats, fractal, ridged

DISTANCE = 58.0  # metres: of the trees; reflections are shifted for this distance
STONE = np.array([0.062, 0.058, 0.058], np.float32)
TURF = np.array([0.034, 0.040, 0.014], np.float32)
KEY_SHARE = 0.55  # share of the key light that passes the trees
PINE = np.array([0.010, 0.014, 0.010], np.float32)
RIM = 0.05  # share of the sun's colour that passes the thin edges of a tree
# Azimuth in radians, height in metres, lean to the right relative to the height.
PINES = (
    (-0.535, 17.5, 0.05),
    (-0.488, 21.0, 0.03),
    (-0.446, 15.0, 0.06),
    (-0.400, 10.5, 0.09),
    (-0.352, 6.0, 0.10),
    (-0.565, 13.0, 0.02),
)
ROOTED = 0.35  # metres: depth of a tree's foot below the ground
BRANCHES = 260  # of a pine
NEEDLES = 420  # tufts of needles on a branch
TUFT = 1.25  # 10^-6 steradian that one tuft covers


def shore(left: float, right: float, focal: float, *, seed: int = 5) -> Layer:
    """Render the point and its trees from azimuth `left` to `right`, in radians."""
    grid = Grid.over(left, right, np.geomspace(22, 120, int(min(420, 120 + 0.3 * focal))), focal=focal)
    height = _height(grid)
    dry = np.clip(height / 0.12 + 0.5, 0, 1)[..., None]  # transparent under water
    ground = seen(height, opaque(_color(height, grid)) * dry, grid, top=0.42, bottom=-0.30)
    layer = replace(ground, distance=DISTANCE)
    random = np.random.default_rng(seed)
    foot = np.searchsorted(grid.distance, DISTANCE)
    for where, tall, lean in PINES:
        column = int(np.clip((where - left) * focal, 0, len(grid.azimuth) - 1))
        base = (height[column, foot] - ROOTED - EYE) / DISTANCE
        _plant(layer, _pine(random, tall / DISTANCE, lean) + np.array([where, base], np.float32))
    return layer


def _height(grid: Grid) -> Floats:
    x, z = grid.x, grid.z
    rock = ridged(x / 17, z / 17, octaves=7, seed=301)
    rough = fractal(x / 2.3, z / 2.3, octaves=5, seed=331, gain=0.6)
    reach = np.clip((-0.20 - grid.azimuth[:, None]) / 0.40, -1, 1)  # the point gets lower from the left edge to its tip
    body = np.exp(-(((grid.distance - DISTANCE) / 17) ** 2))
    height: Floats = body * (5.2 * reach + 4.6 * (rock - 0.35) * (reach > -1) + 1.1 * rough) - 0.55
    return height


def _color(height: Floats, grid: Grid) -> Floats:
    lit, upright = (part[..., None] for part in light.shading(*slopes(height, grid)))
    patch = fractal(grid.x / 1.6, grid.z / 1.6, octaves=5, seed=351, gain=0.65)[..., None]
    turf = np.clip((height - 1.3)[..., None] / 1.2 + 2 * patch, 0, 1) * np.clip((upright - 0.5) * 4, 0, 1)
    wet = np.clip(height / 0.7, 0.25, 1)[..., None]  # dark at the waterline
    ground = (STONE * (1 + patch) + turf * (TURF - STONE)) * wet
    shone_on: Floats = ground * (KEY_SHARE * lit * light.KEY_LIGHT + upright * light.SKY_LIGHT)
    return shone_on


def _pine(random: np.random.Generator, tall: float, lean: float) -> Floats:
    """Return points (N, 2) of a conifer with its foot at (0, 0): a trunk and drooping branches."""
    trunk = random.random(6 * NEEDLES) ** 0.8
    pieces = [np.stack([random.normal(0, 0.009, trunk.size) * (1.05 - trunk), trunk], axis=1)]
    for along in 1 - 0.88 * random.random(BRANCHES) ** 0.62:  # denser toward the foot
        reach = (0.25 * (1 - along) ** 0.85 + 0.014) * random.uniform(0.2, 1.1) * random.choice((-1, 1))
        part = random.random(NEEDLES) ** 0.75
        hang = np.abs(random.normal(0, 0.003 + 0.016 * (1 - 0.55 * part) * (1.1 - along)))
        droop = random.uniform(-0.05, 0.75) * part - 0.10 * part**2  # the tips bend up
        x, y = reach * part, along - droop * np.abs(reach) * part - hang
        pieces.append(np.stack([x + random.normal(0, 0.003, NEEDLES), y], axis=1))
    points = np.concatenate(pieces)
    points[:, 0] += lean * points[:, 1] ** 2
    return np.asarray(points * tall, dtype=np.float32)


def _plant(layer: Layer, points: Floats) -> None:
    """Draw a tree of many tufts into the layer; sparse parts let sunlight through."""
    height, width = layer.pixels.shape[:2]
    x, y = (points[:, 0] - layer.left) * layer.focal - 0.5, (layer.top - points[:, 1]) * layer.focal - 0.5
    column, row = np.floor(x).astype(int), np.floor(y).astype(int)
    u, v = x - column, y - row
    heap = np.zeros(height * width)
    for right, down, share in ((0, 0, (1 - u) * (1 - v)), (1, 0, u * (1 - v)), (0, 1, (1 - u) * v), (1, 1, u * v)):
        at_x, at_y = column + right, row + down
        inside = (at_x >= 0) & (at_x < width) & (at_y >= 0) & (at_y < height)
        heap += np.bincount(at_y[inside] * width + at_x[inside], share[inside], height * width)
    cover = 1 - np.exp(-heap.reshape(height, width, 1) * TUFT * 1e-6 * layer.focal**2)
    color = PINE + 4 * RIM * cover * (1 - cover) * light.SUN_COLOR
    layer.pixels[...] *= 1 - cover
    layer.pixels[..., :3] += color * cover
    layer.pixels[..., 3:] += cover
