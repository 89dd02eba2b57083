"""What a network costs: measured in a process of its own."""

from __future__ import annotations

from stylecli.training.export.cost import time_network
from stylecli.training.networks.fast import FastNetwork


def test_a_model_is_timed_in_a_process_of_its_own() -> None:
    small = time_network(FastNetwork(stem=4, trunk=4, blocks=1))
    large = time_network(FastNetwork(stem=16, trunk=32, blocks=1))
    assert small.milliseconds < large.milliseconds
    assert small.model_bytes < large.model_bytes
    assert small.megabytes is not None
    assert large.megabytes is not None
    assert 10 < small.megabytes < large.megabytes
