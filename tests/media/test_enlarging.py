"""Pictures enlarged by band matrices are those of `resize`."""

from __future__ import annotations

import numpy as np
import pytest

from stylecli.media.enlarging import enlarged
from stylecli.media.pixels import Floats
from stylecli.media.resizing import resize

ROUNDING = 1e-6  # of floats
STEP = 0.02  # of an edge from 0 to 1, where the position is one step of 1/64 pixel further


@pytest.mark.parametrize(
    ("small", "large"),
    [((40, 60), (60, 90)), ((41, 67), (123, 200)), ((50, 20), (51, 20)), ((1, 1), (5, 7)), ((3, 90), (48, 1440))],
)
def test_the_samples_are_those_of_resize(small: tuple[int, int], large: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).random((*small, 3), np.float32)
    np.testing.assert_allclose(_enlarged(picture, *large), resize(picture, *large), atol=ROUNDING)


def test_a_position_between_two_steps_takes_one_of_them() -> None:
    picture = np.random.default_rng(0).random((131, 233, 3), np.float32)
    np.testing.assert_allclose(_enlarged(picture, 144, 256), resize(picture, 144, 256), atol=STEP)


def test_the_rows_come_from_top_to_bottom_and_none_is_left_out() -> None:
    rows = [rows for rows, _ in enlarged(np.zeros((1, 30, 4), np.float32), 70, 9)]
    assert [row for piece in rows for row in range(70)[piece]] == list(range(70))


def _enlarged(picture: Floats, height: int, width: int) -> Floats:
    planes = np.ascontiguousarray(picture.transpose(2, 0, 1))
    pieces = [piece.copy() for _, piece in enlarged(planes, height, width)]
    return np.clip(np.concatenate(pieces, 1), 0, 1).transpose(1, 2, 0)
