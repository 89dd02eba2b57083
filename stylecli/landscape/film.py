"""From linear radiance to 8 bits: bloom, vignette, filmic tone curve, grain."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stylecli.landscape.noise import Floats

EXPOSURE = 1.05
GLOW = 0.13  # share of the light that the lens scatters
GLOW_WIDTH = 0.018  # standard deviation of the blur, in picture widths
VIGNETTE = 0.22  # share of the light lost in the corners


def develop(radiance: Floats, *, grain: float) -> NDArray[np.uint8]:
    """Convert linear radiance (H, W, 3) to sRGB-encoded uint8. `grain`: deviation of the added noise, of white."""
    height, width = radiance.shape[:2]
    exposed = radiance + GLOW * (_blurred(np.minimum(radiance, 12), GLOW_WIDTH * width) - radiance)
    y, x = np.linspace(-1, 1, height, dtype=np.float32)[:, None], np.linspace(-1, 1, width, dtype=np.float32)
    exposed *= (EXPOSURE * (1 - VIGNETTE * (0.5 * (x**2 + y**2)) ** 1.5))[..., None]
    encoded = encode(filmic(exposed))
    if grain:
        noise = np.random.default_rng(0).standard_normal((height, width, 1), dtype=np.float32)
        encoded = np.clip(encoded + np.float32(grain) * noise, 0, 1)
    return np.asarray(encoded * 255 + 0.5, dtype=np.uint8)


def filmic(x: Floats) -> Floats:
    """Apply Narkowicz's fit of the ACES curve: linear 0..inf -> linear 0..1."""
    return np.clip(x * (2.51 * x + 0.03) / (x * (2.43 * x + 0.59) + 0.14), 0, 1)


def encode(linear: Floats) -> Floats:
    """Apply the sRGB transfer curve from a table; a power for every sample would be the slowest step of a frame."""
    table = np.linspace(0, 1, 4097, dtype=np.float32)
    table = np.where(table <= 0.0031308, 12.92 * table, 1.055 * table ** (1 / 2.4) - 0.055).astype(np.float32)
    return table.take((linear * 4096 + 0.5).astype(np.int32))


def _blurred(picture: Floats, deviation: float) -> Floats:
    """Blur widely: downsample by block means, blur, upsample."""
    block = max(1, int(deviation / 2))
    height, width = picture.shape[:2]
    rows, columns = -(-height // block), -(-width // block)
    padded = np.pad(picture, ((0, rows * block - height), (0, columns * block - width), (0, 0)), mode="edge")
    small: Floats = padded.reshape(rows, block, columns, block, 3).mean(axis=(1, 3))
    for axis in (0, 1):
        small = _gaussian(small, deviation / block, axis)
    for axis, size in ((0, height), (1, width)):
        small = _stretched(small, block, size, axis)
    return small


def _gaussian(picture: Floats, deviation: float, axis: int) -> Floats:
    reach = int(3 * deviation) + 1
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2).astype(np.float32)
    size = picture.shape[axis]
    total = np.zeros_like(picture)
    for shift, weight in enumerate(weights / weights.sum(), start=-reach):
        total += weight * picture.take(np.clip(np.arange(size) + shift, 0, size - 1), axis)
    return total


def _stretched(picture: Floats, block: int, size: int, axis: int) -> Floats:
    at = np.clip((np.arange(size, dtype=np.float32) + 0.5) / block - 0.5, 0, picture.shape[axis] - 1)
    first = np.minimum(at.astype(np.int32), max(0, picture.shape[axis] - 2))
    shape = [1, 1, 1]
    shape[axis] = size
    mix = (at - first).reshape(shape)
    second = np.minimum(first + 1, picture.shape[axis] - 1)
    return np.asarray(picture.take(first, axis) * (1 - mix) + picture.take(second, axis) * mix, dtype=np.float32)
