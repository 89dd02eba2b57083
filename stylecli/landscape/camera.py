"""The camera: renders a frame of the bay to 8-bit pixels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stylecli.landscape import light
from stylecli.landscape.boat import boat
from stylecli.landscape.film import develop
from stylecli.landscape.layer import EYE, Layer
from stylecli.landscape.mountains import mountains
from stylecli.landscape.noise import Floats
from stylecli.landscape.shore import shore
from stylecli.landscape.sky import Clouds
from stylecli.landscape.water import Sea

FOCAL = 0.92  # focal length in picture widths: 62 degrees across, a 30 mm lens on full frame
HORIZON = 0.60  # share of the height that is above the horizon
PAN = 0.006  # radians a second to the right
SLIDE = 0.30  # metres a second to the right
MARGIN = 0.07  # radians rendered on each side of the frame, for reflections in the water
SEA_SAMPLES = 2  # rows of samples for a row of sea pixels: ripples are finer than pixels
SUN_DISC = 30.0  # radiance


class Landscape:
    """The bay at golden hour, to be rendered at one size. The camera slides and pans slowly to the right."""

    def __init__(self, width: int, height: int, *, seconds: float = 0.0) -> None:
        """Build the static parts for a picture of this size in pixels, wide enough for `seconds` of motion."""
        self.width, self.height = width, height
        self.focal = FOCAL * width
        half = 0.5 / FOCAL + MARGIN
        self.mountains = mountains(-half, half + PAN * seconds, self.focal)
        self.shore = shore(-half, -0.05, self.focal)
        self.clouds = Clouds()
        self.sea = Sea()

    def frame(self, seconds: float, *, grain: float = 0.0) -> NDArray[np.uint8]:
        """Render second `seconds`: (H, W, 3) uint8, sRGB-encoded. `grain`: standard deviation of noise, of white."""
        yaw, eye_x = PAN * seconds, SLIDE * seconds
        azimuth = yaw + (np.arange(self.width, dtype=np.float32) + 0.5 - self.width / 2) / self.focal
        horizon = round(HORIZON * self.height)
        slope = (horizon - np.arange(self.height, dtype=np.float32) - 0.5) / self.focal
        near = [boat(seconds, eye_x, self.focal), _slid(self.shore, eye_x)]

        backdrop = self._backdrop(yaw, float(slope[0]), horizon, seconds)
        margin = (backdrop.pixels.shape[1] - self.width) // 2
        upper = backdrop.pixels[:, margin : margin + self.width]
        above, beside = np.meshgrid(slope[:horizon], azimuth, indexing="ij")
        disc = light.sun_disc(beside, above, 1 / self.focal)
        upper = upper[..., :3] + SUN_DISC * light.SUN_COLOR * disc * upper[..., 3:]
        lower = self._sea(azimuth, slope[horizon:], seconds, backdrop, near)
        radiance = np.concatenate([upper, lower])
        for layer in near:
            layer.draw(radiance, azimuth, slope)
        return develop(radiance, grain=grain)

    def _sea(self, azimuth: Floats, slope: Floats, seconds: float, backdrop: Layer, near: list[Layer]) -> Floats:
        parts = (np.arange(SEA_SAMPLES, dtype=np.float32) + 0.5) / SEA_SAMPLES - 0.5
        finer = (slope[:, None] - parts / np.float32(self.focal)).ravel()
        sea = self.sea.radiance(
            *np.meshgrid(azimuth, finer),
            eye_x=SLIDE * seconds,
            seconds=seconds,
            focal=self.focal,
            around=lambda at, up: _mirrored(backdrop, near, at, up),
            sunshine=_sunshine(backdrop),
        )
        samples = sea.reshape(len(slope), SEA_SAMPLES, len(azimuth), 3)
        return np.asarray(samples.mean(axis=1))

    def _backdrop(self, yaw: float, top: float, rows: int, seconds: float) -> Layer:
        """Render sky and mountains, with a margin on both sides for reflections. Alpha: transmittance for sunlight."""
        margin = int(MARGIN * self.focal)
        columns = self.width + 2 * margin
        left = yaw - columns / 2 / self.focal
        azimuth = (left + (np.arange(columns) + 0.5) / self.focal).astype(np.float32)
        slope = (top - np.arange(rows) / self.focal).astype(np.float32)
        sky = self.clouds.sky(*np.meshgrid(azimuth, slope), seconds)
        self.mountains.draw(sky, azimuth, slope)
        return Layer(sky, left, top + 0.5 / self.focal, self.focal)


def _sunshine(backdrop: Layer) -> float:
    """Return the share of the sun's disc that is not covered, 0..1."""
    ring = np.linspace(-1, 1, 5, dtype=np.float32) * light.SUN_RADIUS
    x, y = np.meshgrid(light.SUN_AZIMUTH + ring, light.SUN_SLOPE + ring)
    return float(backdrop.at(x, y)[..., 3].mean())


def _mirrored(backdrop: Layer, near: list[Layer], azimuth: Floats, slope: Floats) -> Floats:
    """Return the radiance along rays that the water reflects. Near objects are mirrored at their waterline."""
    color = backdrop.at(*backdrop.clamp(azimuth, slope))[..., :3]
    for layer in near:
        layer.blend(color, azimuth, slope - np.float32(2 * EYE / layer.distance))
    return color


def _slid(layer: Layer, eye_x: float) -> Layer:
    return replace(layer, left=layer.left - eye_x / layer.distance)
