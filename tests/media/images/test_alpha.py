from __future__ import annotations

import numpy as np

from stylecli.media.images.alpha import bled


def test_colours_bleed_the_same_from_slices_of_an_array() -> None:
    samples = np.random.default_rng(0).random((40, 50, 4)).astype(np.float32)
    samples[10:20, :, 3] = 0
    color, alpha = samples[..., :3], samples[..., 3]
    expected = bled(np.ascontiguousarray(color), np.ascontiguousarray(alpha))
    np.testing.assert_array_equal(bled(color, alpha), expected)
