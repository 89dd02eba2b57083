from __future__ import annotations

import pytest
import torch
from torch import nn

from stylecli.training.networks.conditional import (
    ConditionalNorm,
    average_style,
    choose_styles,
    count_styles,
    make_conditional,
    one_style,
    select_style,
)
from stylecli.training.networks.fast import FastNetwork
from stylecli.training.networks.registry import network_from_weights
from stylecli.training.networks.style_network import StyleNetwork

IMAGE = torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def several() -> StyleNetwork:
    """Give a network of three styles that differ."""
    network = make_conditional(FastNetwork(stem=4, trunk=8, blocks=1), 3)
    random = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, ConditionalNorm):
                module.weight += 0.5 * torch.randn(module.weight.shape, generator=random)
    return network


def test_gamma_and_beta_by_hand() -> None:
    plain = nn.InstanceNorm2d(1, affine=True)
    norm = ConditionalNorm(2, plain)
    with torch.no_grad():
        norm.weight[:] = torch.tensor([[2.0], [4.0]])
        norm.bias[:] = torch.tensor([[0.0], [1.0]])
    choose_styles(norm, torch.tensor([[0.5, 0.5]]))
    # Normalised, -1 and 1 stay what they are; gamma is 3, beta 1/2.
    torch.testing.assert_close(
        norm(torch.tensor([[[[-1.0, 1.0]]]])), torch.tensor([[[[-2.5, 3.5]]]]), atol=1e-4, rtol=0
    )


def test_every_picture_of_a_batch_gets_its_own_style(several: StyleNetwork) -> None:
    choose_styles(several, torch.eye(3))
    together = several(IMAGE)
    for number in range(3):
        alone = network_from_weights(one_style(several.state_dict(), number))
        torch.testing.assert_close(alone(IMAGE)[number], together[number])


def test_styles_that_differ_give_pictures_that_differ(several: StyleNetwork) -> None:
    choose_styles(several, torch.eye(3))
    painted = several(IMAGE[:1].expand(3, -1, -1, -1))
    assert (painted[0] - painted[1]).abs().max() > 0.01


def test_it_starts_as_the_plain_network() -> None:
    plain = FastNetwork(stem=4, trunk=8, blocks=1)
    expected = plain(IMAGE)
    make_conditional(plain, 2)
    choose_styles(plain, torch.tensor([[0.3, 0.7]]))
    torch.testing.assert_close(plain(IMAGE), expected, atol=1e-5, rtol=0)


def test_styles_are_counted_and_mixed(several: StyleNetwork) -> None:
    weights = several.state_dict()
    assert count_styles(weights) == 3
    assert count_styles(one_style(weights, 2)) == 1
    mixed = select_style(weights, torch.tensor([0.5, 0.0, 0.5]))
    halves = [one_style(weights, number)["stem.norm.weight"] for number in (0, 2)]
    torch.testing.assert_close(mixed["stem.norm.weight"], (halves[0] + halves[1]) / 2)


def test_a_plain_network_is_its_own_average() -> None:
    weights = FastNetwork(stem=4, trunk=8, blocks=1).state_dict()
    for name, tensor in average_style(weights).items():
        assert torch.equal(tensor, weights[name])
