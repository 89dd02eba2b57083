from __future__ import annotations

import numpy as np

from stylecli.editors.half_floats import half_floats, single_floats
from stylecli.media.linear_light import as_samples


def test_the_bits_are_those_of_numpy() -> None:
    bits = np.arange(0, 2**32, 99_991, dtype=np.uint64).astype(np.uint32)  # of all signs and exponents
    values = np.concatenate([bits.view(np.float32), np.float32([0, -0.0, np.inf, -np.inf, np.nan, 6e-8, 65520])])
    with np.errstate(invalid="ignore"):
        expected = as_samples(values, np.float16)
    found = half_floats(values)
    assert np.array_equal(found, expected, equal_nan=True)
    assert (np.signbit(found) == np.signbit(expected))[~np.isnan(expected)].all()


def test_the_shape_stays() -> None:
    values = np.zeros((4, 6, 3), np.float32)[:, ::2]
    assert half_floats(values).shape == (4, 3, 3)
    assert half_floats(values[:0]).shape == (0, 3, 3)


def test_half_floats_become_the_floats_of_numpy() -> None:
    halves = np.arange(65536, dtype=np.uint16).view(np.float16).reshape(256, 64, 4)
    for samples in (halves, np.moveaxis(halves.reshape(4, 256, 64), 0, 2)):
        found = single_floats(samples)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, samples.astype(np.float32))
