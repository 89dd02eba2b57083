from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from stylecli.core.errors import MediaError
from stylecli.media.images.files import encode_pages, encode_picture, picture_from_pixels, read_pages
from stylecli.media.images.metadata.png import with_chunks
from stylecli.media.images.picture import Pages
from stylecli.media.video.hdr import SDR_WHITE, light_to_pq
from stylecli.stylize.options import PictureOptions
from stylecli.stylize.pictures.high_range import to_sdr

PQ, HLG, BT2020 = 16, 18, 9
READING = PictureOptions().reading


def pq(light: float) -> int:
    """The code of 16 bits for a light in cd/m2."""
    return round(float(light_to_pq(np.array(light))) * 65535)


def hdr_png(pixels: NDArray[np.uint16], transfer: int = PQ) -> bytes:
    plain = encode_picture(picture_from_pixels(pixels), ".png")
    return with_chunks(plain, [], size=(1, 1), color=[(b"cICP", bytes([BT2020, transfer, 0, 1]))])


@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_grey_stays_grey_and_brighter_stays_brighter(transfer: int) -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)
    pixels = np.ascontiguousarray(np.broadcast_to(ramp[None, :, None], (4, 256, 3)))
    mapped = to_sdr(pixels, BT2020, transfer).astype(int)
    assert (np.ptp(mapped, axis=2) <= 60).all()
    assert (np.diff(mapped[0, :, 1]) >= 0).all()
    assert (mapped[0, 0, 0], mapped[0, -1, 0]) == (0, 65535)


def test_dark_light_keeps_its_brightness() -> None:
    light = 20.0  # cd/m2, far below the shoulder
    pixels = np.full((2, 2, 3), pq(light), np.uint16)
    signal = to_sdr(pixels, BT2020, PQ)[0, 0, 0] / 65535
    linear = ((signal + 0.055) / 1.055) ** 2.4
    assert linear * SDR_WHITE == pytest.approx(light, rel=0.02)


@pytest.mark.parametrize(("transfer", "kind"), [(PQ, "PQ"), (HLG, "HLG")])
def test_a_picture_becomes_sdr_and_says_so(transfer: int, kind: str) -> None:
    data = hdr_png(np.full((8, 8, 3), 30_000, np.uint16), transfer)
    (picture,) = read_pages(data, reading=READING).pictures
    assert picture.lost == (f"high dynamic range ({kind}): it becomes SDR",)
    written = encode_pages(Pages((picture,)), ".png")
    assert b"cICP" not in written
    np.testing.assert_array_equal(read_pages(written).pictures[0].pixels, picture.pixels)


def test_without_a_conversion_it_is_refused() -> None:
    with pytest.raises(MediaError, match=r"high dynamic range picture \(PQ\)"):
        read_pages(hdr_png(np.zeros((8, 8, 3), np.uint16)))
