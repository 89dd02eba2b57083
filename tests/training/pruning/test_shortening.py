from __future__ import annotations

import pytest
import torch

from stylecli.core.errors import UsageError
from stylecli.training.networks.fast import FastNetwork
from stylecli.training.networks.johnson import JohnsonNetwork, ResidualNetwork
from stylecli.training.networks.style_network import StyleNetwork
from stylecli.training.pruning.shortening import shortened


def silence(network: StyleNetwork, number: int) -> None:
    """Let one block add nothing."""
    last = network.blocks[number]
    norm = last.widen.norm if hasattr(last, "widen") else last.second.norm  # type: ignore[union-attr]
    norm.weight.data.zero_()  # type: ignore[union-attr, operator]
    norm.bias.data.zero_()  # type: ignore[union-attr, operator]


@pytest.mark.parametrize("kind", [FastNetwork, JohnsonNetwork, ResidualNetwork])
@pytest.mark.parametrize("idle", [(2,), (0, 3)])
def test_blocks_that_add_nothing_go_without_a_trace(kind: type[StyleNetwork], idle: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    network = kind(stem=4, trunk=8, blocks=4).eval()
    for number in idle:
        silence(network, number)
    image = torch.rand(1, 3, 32, 32)
    shorter = shortened(network, image, 4 - len(idle))
    assert shorter.hyperparameters == {**network.hyperparameters, "blocks": 4 - len(idle)}
    torch.testing.assert_close(shorter(image), network(image))


@pytest.mark.parametrize("blocks", [0, 2, 3, -1])
def test_an_impossible_number_is_refused(blocks: int) -> None:
    with pytest.raises(UsageError, match="the network has 2"):
        shortened(FastNetwork(stem=4, trunk=8, blocks=2), torch.rand(1, 3, 32, 32), blocks)


def test_the_blocks_that_stay_keep_their_dilations() -> None:
    network = FastNetwork(stem=4, trunk=8, blocks=3, dilations=(1, 2, 4)).eval()
    with torch.no_grad():
        network.blocks[1].second.norm.weight.zero_()  # adds nothing: it goes
    image = torch.rand(2, 3, 32, 32)
    shorter = shortened(network, image, 2)
    assert shorter.hyperparameters["dilations"] == (1, 4)
    torch.testing.assert_close(shorter(image), network(image))
