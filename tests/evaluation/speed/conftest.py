"""A small network of Johnson et al. for all: what is tested is the table, not the times in it."""

from __future__ import annotations

import pytest
import torch

from stylecli.training.networks import johnson

SMALL = {"stem": 4, "trunk": 16, "blocks": 1}


@pytest.fixture(autouse=True)
def _small_johnson(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time a small network with the same weights in every test, so that it is exported once."""
    network = johnson.JohnsonNetwork

    def small() -> johnson.JohnsonNetwork:
        torch.manual_seed(0)
        return network(**SMALL)

    monkeypatch.setattr(johnson, "JohnsonNetwork", small)
