from __future__ import annotations

import numpy as np
import pytest
import pyvips

from stylecli.media.blurring import BAND, blurred


@pytest.mark.parametrize("sigma", [1.0, 5.0, 14.0])
@pytest.mark.parametrize("size", [(BAND + 3, 40), (7, 5), (1, 1)])
def test_the_blur_is_that_of_libvips(size: tuple[int, int], sigma: float) -> None:
    bands = np.random.default_rng(1).random((*size, 2), np.float32)
    expected = pyvips.Image.new_from_array(bands).gaussblur(sigma, precision="float").numpy()
    assert np.allclose(blurred(bands, sigma), expected, atol=1e-6)
    parts = blurred(bands.view(np.complex64)[..., 0], sigma)
    assert np.allclose(np.stack([parts.real, parts.imag], -1), expected, atol=1e-6)
