from __future__ import annotations

import io
from typing import Any

import numpy as np
import OpenEXR
import pytest
import pyvips
from numpy.typing import NDArray

from stylecli.editors.spool.carriers import pixels_of
from stylecli.editors.spool.exr import pixels_of_exr, read_exr, write_exr


def file_of(samples: NDArray[Any], **header: Any) -> bytes:
    """Samples (H, W, 3 or 4) in a file as a host writes it."""
    channels = {
        key: np.ascontiguousarray(plane) for key, plane in zip("RGBA", np.moveaxis(samples, 2, 0), strict=False)
    }
    target = io.BytesIO()
    OpenEXR.File({"type": OpenEXR.scanlineimage, **header}, channels).write(target)
    return target.getvalue()


@pytest.fixture
def samples() -> NDArray[np.float16]:
    return np.random.default_rng(1).normal(1, 3, (7, 13, 4)).astype(np.float16)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("channels", [3, 4])
def test_what_is_written_another_program_reads(samples: NDArray[np.float16], dtype: str, channels: int) -> None:
    frame = read_exr(file_of(samples[..., :channels].astype(dtype)))
    painted = frame.samples * frame.samples.dtype.type(2)
    read = OpenEXR.File(io.BytesIO(write_exr(painted, frame)), separate_channels=True).channels()
    assert set(read) == set("RGBA"[:channels])
    for place, key in enumerate("RGBA"[:channels]):
        assert read[key].pixels.dtype == dtype
        np.testing.assert_array_equal(read[key].pixels, painted[..., place])


def test_windows_and_the_shape_of_pixels_are_kept(samples: NDArray[np.float16]) -> None:
    windows = {
        "dataWindow": (np.array([2, -3], np.int32), np.array([14, 3], np.int32)),
        "displayWindow": (np.array([0, 0], np.int32), np.array([99, 49], np.int32)),
    }
    frame = read_exr(file_of(samples, pixelAspectRatio=2.0, **windows))
    again = read_exr(bytes(write_exr(frame.samples, frame)))
    assert (again.data_window, again.display_window, again.pixel_aspect) == ((2, -3, 14, 3), (0, 0, 99, 49), 2.0)
    np.testing.assert_array_equal(again.samples, samples)


def test_the_date_in_a_file_is_none_of_its_pixels(samples: NDArray[np.float16]) -> None:
    one, two = (pixels_of_exr(file_of(samples, capDate=f"2026:01:01 1{hour}:00:00")) for hour in (0, 1))
    assert list(map(bytes, one)) == list(map(bytes, two))
    changed = samples.copy()
    changed[3, 4, 0] += 1
    other = pixels_of_exr(file_of(changed, capDate="2026:01:01 10:00:00"))
    assert list(map(bytes, other)) != list(map(bytes, one))


@pytest.mark.parametrize("data", [b"", b"no exr", b"\x76\x2f\x31\x01\x02\x00\x00\x00channels"])
def test_of_a_damaged_file_all_counts(data: bytes) -> None:
    assert b"".join(pixels_of_exr(data)) == data


def test_the_remarks_in_a_png_are_none_of_its_pixels(samples: NDArray[np.float16]) -> None:
    image = pyvips.Image.new_from_array(np.clip(samples * 20, 0, 255).astype(np.uint8))
    told = image.copy()
    told.set_type(pyvips.GValue.gstr_type, "png-comment-0-date", "today")
    one, two = image.write_to_buffer(".png"), told.write_to_buffer(".png")
    assert one != two
    assert list(map(bytes, pixels_of(one, "png"))) == list(map(bytes, pixels_of(two, "png")))
    darker = (image / 2).cast("uchar").write_to_buffer(".png")
    assert list(map(bytes, pixels_of(one, "png"))) != list(map(bytes, pixels_of(darker, "png")))


@pytest.mark.parametrize("compression", ["NO", "RLE", "ZIPS", "ZIP", "PIZ"])
def test_lossless_compression_is_read(samples: NDArray[np.float16], compression: str) -> None:
    frame = read_exr(file_of(samples, compression=getattr(OpenEXR, f"{compression}_COMPRESSION")))
    np.testing.assert_array_equal(frame.samples, samples)
