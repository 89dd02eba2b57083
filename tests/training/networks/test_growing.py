from __future__ import annotations

import pytest
import torch

from stylecli.core.errors import UsageError
from stylecli.training.networks.fast import FastNetwork
from stylecli.training.networks.growing import grow_from
from stylecli.training.networks.johnson import JohnsonNetwork, ResidualNetwork
from stylecli.training.networks.style_network import StyleNetwork

PAIRS = [
    (FastNetwork(stem=4, trunk=8, blocks=1), FastNetwork(stem=6, trunk=12, blocks=3)),
    (JohnsonNetwork(stem=4, trunk=8, blocks=1), JohnsonNetwork(stem=4, trunk=16, blocks=1)),
    (ResidualNetwork(stem=4, trunk=8, blocks=1), ResidualNetwork(stem=8, trunk=8, blocks=2)),
]


@pytest.mark.parametrize(("small", "large"), PAIRS)
def test_the_large_network_begins_as_the_small_one(small: StyleNetwork, large: StyleNetwork) -> None:
    image = torch.rand(2, 3, 32, 24)
    grow_from(large, small.state_dict())
    torch.testing.assert_close(large(image), small(image))


def test_what_is_new_can_learn() -> None:
    small, large = FastNetwork(stem=4, trunk=8, blocks=1), FastNetwork(stem=6, trunk=12, blocks=2)
    grow_from(large, small.state_dict())
    torch.autograd.backward(large(torch.rand(1, 3, 32, 32)).mean())
    assert large.head.weight.grad is not None
    assert large.head.weight.grad[:, 4:].abs().max() > 0  # what listens to the new channels
    assert large.blocks[1].second.norm.weight.grad.abs().max() > 0  # the new block


def test_a_network_of_the_same_size_is_a_copy() -> None:
    one, other = FastNetwork(stem=4, trunk=8, blocks=1), FastNetwork(stem=4, trunk=8, blocks=1)
    grow_from(other, one.state_dict())
    for name, tensor in one.state_dict().items():
        assert torch.equal(tensor, other.state_dict()[name])


@pytest.mark.parametrize(
    "base",
    [FastNetwork(stem=4, trunk=16, blocks=1), FastNetwork(stem=4, trunk=8, blocks=3), JohnsonNetwork(stem=4, trunk=8)],
)
def test_a_base_that_does_not_fit_is_refused(base: StyleNetwork) -> None:
    with pytest.raises(UsageError, match="no room"):
        grow_from(FastNetwork(stem=4, trunk=8, blocks=1), base.state_dict())


def test_a_grown_network_keeps_its_own_dilations() -> None:
    small = FastNetwork(stem=4, trunk=8, blocks=1, dilations=(4,))
    large = FastNetwork(stem=6, trunk=12, blocks=2, dilations=(1, 2))
    for base in (small.state_dict(), FastNetwork(stem=4, trunk=8, blocks=1).state_dict()):
        grow_from(large, base)
        assert large.state_dict()["dilations"].tolist() == [1, 2]
    plain = FastNetwork(stem=6, trunk=12, blocks=2)
    grow_from(plain, small.state_dict())
    assert "dilations" not in plain.state_dict()
