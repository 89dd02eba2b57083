from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from stylecli.core.errors import MediaError
from stylecli.evaluation.motion.flow import read_flow, stays_inside, warp_back


def flow_bytes(flow: NDArray[np.float32]) -> bytes:
    height, width = flow.shape[:2]
    return b"PIEH" + struct.pack("<ii", width, height) + flow.astype("<f4").tobytes()


def test_a_flow_file_is_read_row_by_row(tmp_path: Path) -> None:
    flow = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    (tmp_path / "frame.flo").write_bytes(flow_bytes(flow))
    assert (read_flow(tmp_path / "frame.flo") == flow).all()


def test_flow_that_is_not_known_leads_nowhere(tmp_path: Path) -> None:
    flow = np.zeros((2, 2, 2), np.float32)
    flow[0, 1, 0] = 1e10
    (tmp_path / "frame.flo").write_bytes(flow_bytes(flow))
    assert stays_inside(read_flow(tmp_path / "frame.flo")).tolist() == [[True, False], [True, True]]


@pytest.mark.parametrize(
    "content", [b"", b"PIEH", b"JPEG" + bytes(20), flow_bytes(np.zeros((2, 2, 2), np.float32))[:-1], None]
)
def test_what_is_no_whole_flow_file_is_a_media_error(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "frame.flo").write_bytes(content)
    with pytest.raises(MediaError, match=r"frame\.flo"):
        read_flow(tmp_path / "frame.flo")


def test_what_leaves_the_frame_does_not_stay_inside() -> None:
    flow = np.zeros((1, 4, 2), np.float32)
    flow[..., 0] = 1.5
    assert stays_inside(flow).tolist() == [[True, True, False, False]]


def test_bringing_back_undoes_a_shift_of_whole_pixels() -> None:
    frame = np.random.default_rng(0).random((5, 6, 3)).astype(np.float32)
    later = np.roll(frame, (1, 2), (0, 1))  # everything went 2 pixels to the right and 1 down
    back = warp_back(later, np.full((5, 6, 2), (2, 1), np.float32))
    np.testing.assert_allclose(back[:-1, :-2], frame[:-1, :-2], atol=1e-6)  # single precision


def test_bringing_back_by_half_a_pixel_is_the_mean_of_two() -> None:
    later = np.zeros((1, 3, 3), np.float32)
    later[0, 1] = 1
    back = warp_back(later, np.full((1, 3, 2), (0.5, 0), np.float32))
    np.testing.assert_allclose(back[0, :2, 0], [0.5, 0.5], atol=1e-6)
