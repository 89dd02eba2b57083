from __future__ import annotations

import pytest
import torch

from stylecli.training.losses.luma import luma


def test_luma_by_hand() -> None:
    pixel = torch.tensor([0.5, 0.25, 1.0]).reshape(1, 3, 1, 1)
    assert luma(pixel).item() == pytest.approx(0.2126 * 0.5 + 0.7152 * 0.25 + 0.0722)
