from __future__ import annotations

import pytest
import torch
from torch import nn

from stylecli.core.errors import UsageError
from stylecli.training.networks.fast import FastNetwork
from stylecli.training.networks.johnson import JohnsonNetwork
from stylecli.training.networks.style_network import StyleNetwork
from stylecli.training.pruning.norm_folding import with_few_norms


@pytest.fixture(params=[False, True])
def network(request: pytest.FixtureRequest) -> FastNetwork:
    torch.manual_seed(0)
    network = FastNetwork(stem=4, trunk=12, blocks=2, narrow=request.param).eval()
    for layer in network.modules():
        if isinstance(layer, nn.InstanceNorm2d):
            nn.init.normal_(layer.weight, 1, 0.3)
            nn.init.normal_(layer.bias, 0, 0.3)
    return network


def test_what_enters_the_residual_stream_is_normalised_and_nothing_else(network: FastNetwork) -> None:
    few = with_few_norms(network, torch.rand(2, 3, 32, 32))
    norms = {name for name, layer in few.named_modules() if isinstance(layer, nn.InstanceNorm2d)}
    assert norms == {"down.norm", "blocks.0.second.norm", "blocks.1.second.norm"}
    assert few.hyperparameters == {**network.hyperparameters, "few_norms": True}


def test_the_picture_by_whose_statistics_it_was_made_stays_as_it_was(network: FastNetwork) -> None:
    image = torch.rand(1, 3, 64, 64)
    torch.testing.assert_close(with_few_norms(network, image)(image), network(image), atol=1e-3, rtol=0)


def test_many_pictures_give_their_mean_statistics(network: FastNetwork) -> None:
    dark, bright = torch.rand(1, 3, 64, 64) * 0.3, torch.rand(1, 3, 64, 64) * 0.3 + 0.6
    beta, gamma = network.stem.norm.bias, network.stem.norm.weight
    alone = with_few_norms(network, dark).stem(dark)
    torch.testing.assert_close(alone.mean((0, 2, 3)), beta, atol=1e-4, rtol=0)
    both = torch.cat([dark, bright])
    outputs = with_few_norms(network, both).stem(both)
    torch.testing.assert_close(outputs.mean((0, 2, 3)), beta, atol=1e-4, rtol=0)
    torch.testing.assert_close(outputs.var((2, 3)).mean(0).sqrt(), gamma.abs(), atol=1e-2, rtol=0)


@pytest.mark.parametrize("network", [JohnsonNetwork(stem=4, trunk=8, blocks=1), FastNetwork(few_norms=True)])
def test_where_nothing_is_to_be_gained_it_is_refused(network: StyleNetwork) -> None:
    with pytest.raises(UsageError, match="no normalisation to spare"):
        with_few_norms(network, torch.rand(1, 3, 32, 32))
