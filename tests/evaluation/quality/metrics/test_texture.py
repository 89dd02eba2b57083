"""Strokes of a known size and strength."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from stylecli.evaluation.quality.metrics.texture import BANDS, band_energies, flat_areas, octaves_apart


def waves(wavelength: float, amplitude: float = 0.2) -> NDArray[np.float32]:
    across = 0.5 + amplitude * np.sin(2 * np.pi * np.arange(256) / wavelength)
    return np.asarray(np.broadcast_to(across[None, :, None], (256, 256, 3)), np.float32)


@pytest.mark.parametrize(("wavelength", "band"), [(3, 0), (9, 1), (18, 2), (36, 3), (72, 4)])
def test_waves_have_their_energy_in_their_own_band(wavelength: float, band: int) -> None:
    assert int(np.argmax(band_energies(waves(wavelength)))) == band


def test_twice_the_amplitude_is_an_octave() -> None:
    strong, faint = band_energies(waves(16, 0.2)), band_energies(waves(16, 0.1))
    assert octaves_apart(strong, faint) == pytest.approx([1] * len(BANDS), abs=0.01)
    assert octaves_apart(faint, strong) == pytest.approx([-1] * len(BANDS), abs=0.01)


def test_a_flat_picture_lacks_every_stroke_but_finitely() -> None:
    apart = octaves_apart(band_energies(np.full((64, 64, 3), 0.5, np.float32)), band_energies(waves(16)))
    assert all(-12 < octaves < 0 for octaves in apart)


def test_the_flat_quarter_is_where_nothing_is() -> None:
    half = waves(8).copy()
    half[:, :100] = 0.5
    flat = flat_areas(half)
    assert 0.24 < flat.mean() < 0.5
    assert not flat[:, 110:].any()


def test_strokes_outside_the_flat_areas_do_not_count() -> None:
    photo = waves(8).copy()
    photo[:, :128] = 0.5
    flat = flat_areas(photo)
    # The widest band sees as far as 48 pixels.
    assert band_energies(photo, flat)[0] < 0.01 * band_energies(photo)[0]
