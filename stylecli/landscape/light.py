"""The light: position and colour of the sun, colour of the sky and of haze.

Colours are linear RGB radiance with BT.709 primaries; 1 is about the brightest level with visible detail.
Directions are an azimuth in radians (0 straight ahead, right positive) and a slope, the tangent of the elevation.
"""

from __future__ import annotations

import numpy as np

from stylecli.landscape.noise import Floats

SUN_AZIMUTH = 0.20
SUN_SLOPE = 0.120
SUN_RADIUS = 0.0085  # nearly twice the real radius, since a low sun looks large
SUN_COLOR = np.array([1.0, 0.55, 0.20], np.float32)
# The light on the mountains comes from further right than the sun: backlit, they would be one flat shade.
KEY_AZIMUTH = 1.05
KEY_SLOPE = 0.33
KEY_LIGHT = np.array([4.3, 2.15, 0.90], np.float32)
SKY_LIGHT = np.array([0.15, 0.21, 0.36], np.float32)

ZENITH = np.array([0.035, 0.105, 0.270], np.float32)
MIDDLE = np.array([0.21, 0.31, 0.43], np.float32)
HORIZON = np.array([1.0, 0.50, 0.20], np.float32)
HORIZON_AWAY = np.array([0.33, 0.31, 0.42], np.float32)  # far from the sun the low sky is mauve


def sky_color(azimuth: Floats, slope: Floats) -> Floats:
    """Return the radiance of the clear sky without the sun's disc, (..., 3); also the colour of haze there."""
    slope = np.maximum(slope, 0)
    low = np.exp(-slope / 0.085)[..., None]
    middle = np.exp(-slope / 0.34)[..., None]
    toward = np.exp(-(((azimuth - SUN_AZIMUTH) / 0.42) ** 2))[..., None]
    horizon = HORIZON_AWAY + toward * (HORIZON - HORIZON_AWAY)
    color = ZENITH + middle * (MIDDLE - ZENITH)
    color = color + low * (horizon - color)
    sky: Floats = color + sun_glow(azimuth, slope)
    return sky


def sun_glow(azimuth: Floats, slope: Floats) -> Floats:
    """Return forward scattering around the sun: a narrow lobe for dust and a wide one for air."""
    angle = np.hypot(azimuth - SUN_AZIMUTH, slope - SUN_SLOPE)[..., None]
    glow: Floats = SUN_COLOR * (0.9 * np.exp(-angle / 0.045) + 0.42 * np.exp(-angle / 0.19))
    return glow


def shading(east: Floats, north: Floats) -> tuple[Floats, Floats]:
    """Return the cosine of the key light on ground of these slopes, and how far it faces up, both 0..1."""
    toward = np.array([np.sin(KEY_AZIMUTH), KEY_SLOPE, np.cos(KEY_AZIMUTH)], np.float32) / np.hypot(1, KEY_SLOPE)
    upright = 1 / np.sqrt(1 + east**2 + north**2)
    return np.clip((toward[1] - east * toward[0] - north * toward[2]) * upright, 0, 1), upright


def sun_disc(azimuth: Floats, slope: Floats, pixel: float) -> Floats:
    """Return the coverage of the sun's disc, (..., 1). `pixel`: width of a pixel in radians, for antialiasing."""
    angle = np.hypot(azimuth - SUN_AZIMUTH, slope - SUN_SLOPE)
    covered: Floats = np.clip((SUN_RADIUS - angle) / pixel + 0.5, 0, 1)[..., None]
    return covered
