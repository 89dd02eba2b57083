"""Layers: parts of the landscape, drawn once over azimuth and slope and sampled for any view or reflection."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stylecli.landscape.noise import Floats

EYE = 6.0  # metres: height of the eye above the water


@dataclass(frozen=True)
class Layer:
    """A picture on a cylinder: columns are azimuths, rows are slopes, highest first; `focal` pixels for 1 of each.

    pixels: (H, W, 4), linear RGB multiplied by coverage, and coverage.
    distance: metres, by which reflections in the water are shifted; inf for mountains.
    """

    pixels: Floats
    left: float
    top: float
    focal: float
    distance: float = np.inf

    def at(self, azimuth: Floats, slope: Floats) -> Floats:
        """Sample the layer bilinearly at directions inside it: (..., 4)."""
        height, width = self.pixels.shape[:2]
        x = (azimuth - np.float32(self.left)) * np.float32(self.focal) - np.float32(0.5)
        y = (np.float32(self.top) - slope) * np.float32(self.focal) - np.float32(0.5)
        column = np.clip(x.astype(np.int32), 0, width - 2)
        row = np.clip(y.astype(np.int32), 0, height - 2)
        u, v = np.clip(x - column, 0, 1)[..., None], np.clip(y - row, 0, 1)[..., None]
        flat, start = self.pixels.reshape(-1, 4), row * width + column
        upper = flat.take(start, axis=0)
        upper += u * (flat.take(start + 1, axis=0) - upper)
        lower = flat.take(start + width, axis=0)
        lower += u * (flat.take(start + width + 1, axis=0) - lower)
        found: Floats = upper + v * (lower - upper)
        return found

    def clamp(self, azimuth: Floats, slope: Floats) -> tuple[Floats, Floats]:
        """Clamp directions to the layer."""
        height, width = self.pixels.shape[:2]
        half = 0.5 / self.focal
        inside = np.clip(azimuth, self.left + half, self.left + width / self.focal - half)
        return inside, np.clip(slope, self.top - height / self.focal + half, self.top - half)

    def blend(self, onto: Floats, azimuth: Floats, slope: Floats) -> None:
        """Composite the layer over colours (..., 3) at arbitrary directions, in place."""
        height, width = self.pixels.shape[:2]
        meets = (azimuth > self.left) & (azimuth < self.left + width / self.focal)
        meets &= (slope < self.top) & (slope > self.top - height / self.focal)
        found = self.at(azimuth[meets], slope[meets])
        onto[meets] = onto[meets] * (1 - found[..., 3:]) + found[..., :3]

    def draw(self, onto: Floats, azimuth: Floats, slope: Floats) -> None:
        """Composite the layer over a picture (H, W, 3 or 4), in place.

        azimuth: of the columns. slope: of the rows, highest first. A fourth channel of the picture is its
        transmittance, which the layer reduces.
        """
        height, width = self.pixels.shape[:2]
        columns = slice(*np.searchsorted(azimuth, (self.left, self.left + width / self.focal)))
        rows = slice(*np.searchsorted(-slope, (-self.top, -self.top + height / self.focal)))
        if columns.start >= columns.stop or rows.start >= rows.stop:
            return
        found = self.at(*np.meshgrid(azimuth[columns], slope[rows]))
        part = onto[rows, columns]
        part *= 1 - found[..., 3:]
        part[..., :3] += found[..., :3]
