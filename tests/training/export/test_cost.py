"""What a network costs: measured in a process of its own."""

from __future__ import annotations

import pytest
import torch

from stylecli.training.export.cost import measure_cost
from stylecli.training.networks.fast import FastNetwork


def test_a_model_is_timed_in_a_process_of_its_own() -> None:
    small = measure_cost(FastNetwork(stem=4, trunk=4, blocks=1), any_size=False)
    large = measure_cost(_large(), any_size=False)
    assert small.milliseconds < large.milliseconds
    assert small.model_bytes < large.model_bytes
    assert small.megabytes is not None
    assert large.megabytes is not None
    assert 10 < small.megabytes < large.megabytes


def test_a_model_for_one_size_costs_about_as_much_as_that_of_a_pack() -> None:
    one, any_size = (measure_cost(_large(), any_size=flag) for flag in (False, True))
    assert one.megabytes is not None
    assert any_size.megabytes is not None
    assert one.megabytes == pytest.approx(any_size.megabytes, rel=0.25)
    assert one.model_bytes == pytest.approx(any_size.model_bytes, rel=0.25)


def _large() -> FastNetwork:
    """Give the same network each time, so that it is exported once."""
    torch.manual_seed(0)
    return FastNetwork(stem=16, trunk=32, blocks=1)
