from __future__ import annotations

import pytest
import torch

from stylecli.core.errors import UsageError
from stylecli.training.networks.fast import FastNetwork, level_pixels
from stylecli.training.networks.johnson import JohnsonNetwork, ResidualNetwork
from stylecli.training.networks.registry import (
    SizedNetwork,
    StyleNetwork,
    count_parameters,
    network_from_weights,
    network_name,
)

NETWORKS = (
    FastNetwork(stem=4, trunk=12, blocks=3),
    FastNetwork(stem=4, trunk=12, blocks=3, narrow=True),
    FastNetwork(stem=4, trunk=12, blocks=3, few_norms=True),
    FastNetwork(stem=4, trunk=12, blocks=2, narrow=True, few_norms=True),
    JohnsonNetwork(stem=4, trunk=16, blocks=2),
    ResidualNetwork(stem=4, trunk=16, blocks=2),
)


@pytest.mark.parametrize("network", NETWORKS)
def test_a_network_is_rebuilt_from_its_tensors_alone(network: StyleNetwork) -> None:
    rebuilt = network_from_weights(network.state_dict())
    image = torch.rand(1, 3, 16, 20)
    torch.testing.assert_close(rebuilt(image), network.eval()(image))


def test_foreign_weights_are_refused() -> None:
    with pytest.raises(UsageError, match="no known style network"):
        network_from_weights({"layer.weight": torch.zeros(3)})


def test_johnsons_network_has_the_published_size() -> None:
    # 1,679,235 in the published implementations, which give every normalised convolution a (void) bias of its own:
    # 32 + 64 + 128 down, 5 x 2 x 128 in the blocks, 64 + 32 up.
    assert count_parameters(JohnsonNetwork()) == 1_679_235 - (32 + 64 + 128 + 1280 + 64 + 32)


def test_the_residual_network_has_the_published_size() -> None:
    # 470,915 in the published implementation, with the same void biases: 5 x (64 + 64 + 128) in the blocks.
    assert count_parameters(ResidualNetwork()) == 470_915 - (32 + 64 + 128 + 1280 + 64 + 32)


@pytest.mark.parametrize("network", NETWORKS)
def test_a_network_tells_its_widths(network: StyleNetwork) -> None:
    again = type(network)(**network.widths)
    again.load_state_dict(network.state_dict())
    assert network_name(again) == network_name(network)


def test_the_fast_network_is_small() -> None:
    assert count_parameters(FastNetwork()) < 200_000


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("size", [(9, 14), (32, 30), (31, 33)])
def test_any_size_comes_out_as_it_went_in(network: StyleNetwork, size: tuple[int, int]) -> None:
    assert SizedNetwork(network)(torch.rand(2, 3, *size)).shape == (2, 3, *size)


@pytest.mark.parametrize("network", NETWORKS)
def test_the_output_is_a_picture(network: StyleNetwork) -> None:
    output = network(torch.rand(1, 3, 32, 32))
    assert output.min() >= 0
    assert output.max() <= 1


def test_a_flat_picture_has_no_frame() -> None:
    # Zero padding would make the border differ from the middle.
    output = FastNetwork(stem=4, trunk=8, blocks=2).eval()(torch.full((1, 3, 64, 64), 0.3))
    torch.testing.assert_close(output, output[..., 32:33, 32:33].expand_as(output), atol=1e-4, rtol=0)


def test_level_weights_paint_what_does_not_change_without_a_mesh() -> None:
    torch.manual_seed(0)
    head = FastNetwork(stem=4, trunk=8, blocks=1).eval()
    torch.nn.init.normal_(head.head.weight)
    torch.nn.init.normal_(head.head.bias)
    flat = torch.full((1, 3, 32, 32), 0.3)
    assert head(flat).std((2, 3)).max() > 0.01
    level_pixels(head)
    assert head(flat).std((2, 3)).max() < 1e-5
    assert head.head.weight.std() > 0.5  # it draws lines as before


def test_level_weights_stay_as_they_are() -> None:
    network = FastNetwork(stem=4, trunk=8, blocks=1)
    level_pixels(network)
    before = network.head.weight.clone()
    level_pixels(network)
    torch.testing.assert_close(network.head.weight, before)
