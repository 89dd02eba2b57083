from __future__ import annotations

import pytest
import torch

from stylecli.core.errors import UsageError
from stylecli.training.networks.fast import FastNetwork
from stylecli.training.networks.johnson import JohnsonNetwork
from stylecli.training.networks.style_network import StyleNetwork
from stylecli.training.pruning.narrowing import narrowed


@pytest.fixture
def network() -> FastNetwork:
    torch.manual_seed(0)
    return FastNetwork(stem=4, trunk=12, blocks=1).eval()


def test_a_layer_that_needs_no_more_channels_paints_the_same_picture(network: FastNetwork) -> None:
    kernel = network.up.convolution.weight.detach()
    mixing = torch.randn(4, 12)
    kernel.copy_(torch.einsum("omkl,mi->oikl", torch.randn(4, 4, 3, 3), mixing))
    image = torch.rand(1, 3, 64, 64)
    torch.testing.assert_close(narrowed(network, image)(image), network(image), atol=1e-3, rtol=0)


def test_what_is_lost_is_least(network: FastNetwork) -> None:
    images = torch.rand(4, 3, 64, 64)
    painted, ours = network(images), narrowed(network, images)
    torch.manual_seed(1)
    for _ in range(5):
        others = FastNetwork(stem=4, trunk=12, blocks=1, narrow=True).eval()
        others.load_state_dict(ours.state_dict())
        mixing = others.narrow.convolution.weight.detach()  # type: ignore[union-attr]
        mixing += 0.3 * mixing.std() * torch.randn_like(mixing)
        assert (ours(images) - painted).square().mean() < (others(images) - painted).square().mean()


@pytest.mark.parametrize(
    "network",
    [
        JohnsonNetwork(stem=4, trunk=8, blocks=1),
        FastNetwork(stem=4, narrow=True),
        FastNetwork(stem=8, trunk=8),
        FastNetwork(few_norms=True),
    ],
)
def test_where_nothing_is_to_be_gained_it_is_refused(network: StyleNetwork) -> None:
    with pytest.raises(UsageError, match="nothing to narrow"):
        narrowed(network, torch.rand(1, 3, 32, 32))
