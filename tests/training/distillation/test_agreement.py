from __future__ import annotations

from pathlib import Path

import pytest
import torch

from stylecli.training.distillation.agreement import correlations
from stylecli.training.losses.distilled import MAPPED
from stylecli.training.losses.loss_network import VggNetwork, load_vgg


@pytest.fixture(scope="module")
def teacher(wide_vgg_file: Path) -> VggNetwork:
    return load_vgg("vgg19", MAPPED, file=wide_vgg_file)


def test_a_perfect_student_correlates_perfectly(teacher: VggNetwork) -> None:
    image = torch.rand(1, 3, 32, 32)
    for row in correlations(teacher, teacher, [image]).values():
        assert row["features"] == pytest.approx(1, abs=1e-3)
        assert row["gram"] == pytest.approx(1, abs=1e-3)
        assert row["gram_distance"] == 0
