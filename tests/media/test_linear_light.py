from __future__ import annotations

import numpy as np

from stylecli.media.linear_light import HALF_MAX, as_samples, encoded, linear


def test_the_two_curves_undo_each_other() -> None:
    light = np.linspace(0, 1, 1001, dtype=np.float32)
    np.testing.assert_allclose(linear(encoded(light)), light, atol=1e-6)


def test_light_beyond_half_floats_becomes_their_largest_number() -> None:
    light = np.array([1e9, -1e9, 0.5], np.float32)
    np.testing.assert_array_equal(as_samples(light, np.float16), np.array([HALF_MAX, -HALF_MAX, 0.5], np.float16))
    np.testing.assert_array_equal(as_samples(light, np.float32), light)
