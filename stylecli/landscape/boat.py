"""A small sloop: hull, mast and two sails that let sunlight through."""

from __future__ import annotations

import numpy as np

from stylecli.landscape.layer import EYE, Layer
from stylecli.landscape.noise import Floats

DISTANCE = 105.0  # metres
SPEED = 1.6  # metres a second to the right
ROLL = 0.035  # radians
START = -0.030  # azimuth at second 0
HULL = np.array([0.055, 0.030, 0.022], np.float32)
SAIL_LIT = np.array([0.92, 0.50, 0.24], np.float32)  # cloth with the sun behind it
SAIL_SHADE = np.array([0.30, 0.19, 0.15], np.float32)
SPAR = np.array([0.04, 0.03, 0.03], np.float32)
# Outlines in metres: x forward, y up from the waterline.
HULL_LINE = (
    (-4.2, 0.95),
    (-3.9, 0.0),
    (-3.0, -0.35),
    (2.4, -0.35),
    (3.6, 0.25),
    (4.5, 1.25),
    (2.0, 0.98),
    (-1.5, 0.86),
)
MAST_LINE = ((0.42, 0.8), (0.58, 0.8), (0.54, 12.0), (0.46, 12.0))
BOOM_LINE = ((-3.9, 1.72), (0.5, 1.85), (0.5, 2.02), (-3.9, 1.85))
MAIN_LINE = ((0.38, 2.1), (-1.6, 1.95), (-3.8, 1.98), (-3.05, 4.3), (-2.05, 7.0), (-0.85, 9.8), (0.38, 11.8))
JIB_LINE = ((4.3, 1.35), (2.6, 1.55), (0.75, 2.1), (0.66, 5.2), (0.62, 10.6), (1.9, 7.2), (3.2, 4.0))


def boat(seconds: float, eye_x: float, focal: float) -> Layer:
    """Draw the boat at second `seconds`. `eye_x`: metres that the camera has moved to the right."""
    azimuth = START + (SPEED * seconds - eye_x) / DISTANCE
    roll = ROLL * np.sin(2 * np.pi * seconds / 3.7)
    heave = 0.14 * np.sin(2 * np.pi * seconds / 2.9 + 1)
    half, tall = 0.062, 0.125  # of the layer, with room for the roll
    width, height = int(2 * half * focal) + 2, int((tall + 0.012) * focal) + 2
    left, top = azimuth - half, tall - EYE / DISTANCE
    x = ((np.arange(width) + 0.5) / focal - half) * DISTANCE
    y = (tall - (np.arange(height) + 0.5) / focal) * DISTANCE
    pixel = DISTANCE / focal
    x, y = np.meshgrid(x.astype(np.float32), (y - heave).astype(np.float32))
    x, y = x * np.cos(roll) + y * np.sin(roll), y * np.cos(roll) - x * np.sin(roll)
    pixels = np.zeros((height, width, 4), np.float32)
    belly = np.clip((x + 3.6) / 4.2, 0, 1)[..., None]
    main = SAIL_SHADE + (SAIL_LIT - SAIL_SHADE) * belly * (1 - 0.12 * (np.sin(y * 4.2)[..., None] > 0.93))
    jib = SAIL_SHADE + (SAIL_LIT - SAIL_SHADE) * np.clip((x - 0.4) / 2.6, 0.25, 1)[..., None]
    parts = ((MAIN_LINE, main), (JIB_LINE, jib), (MAST_LINE, SPAR), (BOOM_LINE, SPAR), (HULL_LINE, HULL))
    for outline, color in parts:
        cover = (polygon(outline, x, y, pixel) * (y + heave > -0.05))[..., None]
        pixels[..., :3] = pixels[..., :3] * (1 - cover) + color * cover
        pixels[..., 3:] = pixels[..., 3:] * (1 - cover) + cover
    return Layer(pixels, left, top, focal, DISTANCE)


def polygon(outline: tuple[tuple[float, float], ...], x: Floats, y: Floats, pixel: float) -> Floats:
    """Return the coverage, 0..1, of a polygon at points (x, y) by signed distance. Edges are one `pixel` wide."""
    nearest, inside = np.full_like(x, np.inf), np.zeros(x.shape, bool)
    for (x0, y0), (x1, y1) in zip(outline, outline[1:] + outline[:1], strict=True):
        along = np.clip(((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / ((x1 - x0) ** 2 + (y1 - y0) ** 2), 0, 1)
        nearest = np.minimum(nearest, np.hypot(x - x0 - along * (x1 - x0), y - y0 - along * (y1 - y0)))
        if y0 != y1:
            inside ^= ((y0 > y) != (y1 > y)) & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
    return np.clip(np.where(inside, nearest, -nearest) / pixel + 0.5, 0, 1)
