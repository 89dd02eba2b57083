"""Johnson's network, with random weights, is the same in each test: so it is exported once."""

from __future__ import annotations

import pytest
import torch


@pytest.fixture(autouse=True)
def _same_random_weights() -> None:
    torch.manual_seed(0)
