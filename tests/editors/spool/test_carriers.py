from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import pytest
import pyvips
from numpy.typing import NDArray

from stylecli.core.errors import StyleError
from stylecli.editors.spool.client import fetch, submit
from tests.support.spools import Serve, job_for, with_alpha


def carried(pixels: NDArray[Any], kind: str) -> bytes:
    """Samples (H, W, 4) in a file as a host writes it."""
    if kind == "png":
        data: bytes = pyvips.Image.new_from_array(pixels).write_to_buffer(".png")
        return data
    channels = {key: np.ascontiguousarray(pixels[..., place]) for place, key in enumerate("RGBA")}
    target = io.BytesIO()
    OpenEXR.File({"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}, channels).write(target)
    return target.getvalue()


def samples_in(data: bytes, kind: str) -> NDArray[Any]:
    if kind == "png":
        return np.asarray(pyvips.Image.new_from_buffer(data, "").numpy())
    channels = OpenEXR.File(io.BytesIO(data), separate_channels=True).channels()
    return np.stack([channels[key].pixels for key in "RGBA"], axis=-1)


@pytest.mark.parametrize(("kind", "pixel"), [("png", "rgba8"), ("exr", "rgba16f"), ("exr", "rgba32f")])
@pytest.mark.parametrize("alpha", ["straight", "premultiplied", "ignore"])
@pytest.mark.parametrize("color", ["srgb", "linear"])
def test_a_file_carries_the_samples_of_raw_pixels(
    spool: Path, served: Serve, photo: NDArray[np.uint8], kind: str, pixel: str, alpha: str, color: str
) -> None:
    pixels = with_alpha(photo[:40, :51])
    pixels[5:9, 5:30, 3] = 128
    samples = pixels if kind == "png" else (pixels / 200).astype({"rgba16f": "f2", "rgba32f": "f4"}[pixel])
    unit = (samples / 255 if kind == "png" else samples).astype(float)
    probe = [[x, y, *unit[y, x].tolist()] for x, y in ((0, 0), (50, 39), (7, 6))]
    job = job_for(samples, protocol=2, color=color, alpha=alpha, probe=probe)
    submit(spool, samples.tobytes(), {**job, "pixel": pixel}, identifier="raw")
    submit(spool, carried(samples, kind), {**job, "pixel": kind}, identifier="file")
    assert served() == ["done", "done"]
    raw, facts = fetch(spool, "raw", timeout=0)
    expected = np.frombuffer(raw, samples.dtype).reshape(samples.shape)
    data, same = fetch(spool, "file", timeout=0)
    np.testing.assert_array_equal(samples_in(data, kind), expected)
    assert facts["probe"] == same["probe"]
    scale = 255 if kind == "png" else 1
    np.testing.assert_allclose(facts["probe"][2][2:], expected[6, 7].astype(float) / scale, rtol=1e-6)


def test_a_file_that_is_not_what_the_host_sees_is_refused(spool: Path, served: Serve, photo: NDArray[np.uint8]) -> None:
    pixels = with_alpha(photo)
    for identifier, change in {
        "flipped": pixels[::-1],
        "smaller": pixels[:-1],
    }.items():
        probe = [[0, 0, *(pixels[0, 0] / 255).tolist()], [450, 299, *(pixels[299, 450] / 255).tolist()]]
        job = job_for(pixels, protocol=2, pixel="png", probe=probe)
        submit(spool, carried(np.ascontiguousarray(change), "png"), job, identifier=identifier)
    submit(spool, b"no png", job_for(pixels, protocol=2, pixel="png"), identifier="broken")
    assert served() == ["error"] * 3
    for identifier, fault in {"flipped": "the host has", "smaller": "was expected", "broken": "cannot be read"}.items():
        with pytest.raises(StyleError, match=fault):
            fetch(spool, identifier, timeout=0)
