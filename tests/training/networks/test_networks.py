from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Self

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from stylecli.core.errors import UsageError
from stylecli.training.export.onnx_export import export_onnx
from stylecli.training.networks import registry
from stylecli.training.networks.any_size import AnySizeNetwork
from stylecli.training.networks.fast import FastNetwork, remove_checkerboard, with_dilations
from stylecli.training.networks.johnson import JohnsonNetwork, ResidualNetwork
from stylecli.training.networks.registry import count_parameters, network_from_weights, network_name
from stylecli.training.networks.style_network import StyleNetwork
from stylecli.training.recipe import Painting, Recipe, check_recipe
from tests.support.trainings import Trained

NETWORKS = (
    FastNetwork(stem=4, trunk=12, blocks=3),
    FastNetwork(stem=4, trunk=12, blocks=3, narrow=True),
    FastNetwork(stem=4, trunk=12, blocks=3, few_norms=True),
    FastNetwork(stem=4, trunk=12, blocks=2, narrow=True, few_norms=True),
    FastNetwork(stem=4, trunk=12, blocks=3, narrow=True, few_norms=True, dilations=(1, 2, 4)),
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
def test_a_network_is_rebuilt_from_its_hyperparameters(network: StyleNetwork) -> None:
    again = type(network)(**network.hyperparameters)
    again.load_state_dict(network.state_dict())
    assert network_name(again) == network_name(network)


def test_the_fast_network_is_small() -> None:
    assert count_parameters(FastNetwork()) < 200_000


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("size", [(9, 14), (32, 30), (31, 33)])
def test_any_size_comes_out_as_it_went_in(network: StyleNetwork, size: tuple[int, int]) -> None:
    assert AnySizeNetwork(network)(torch.rand(2, 3, *size)).shape == (2, 3, *size)


@pytest.mark.parametrize("network", NETWORKS)
def test_the_output_is_a_picture(network: StyleNetwork) -> None:
    output = network(torch.rand(1, 3, 32, 32))
    assert output.min() >= 0
    assert output.max() <= 1


def test_a_flat_picture_has_no_frame() -> None:
    # Zero padding would make the border differ from the middle.
    output = FastNetwork(stem=4, trunk=8, blocks=2).eval()(torch.full((1, 3, 64, 64), 0.3))
    torch.testing.assert_close(output, output[..., 32:33, 32:33].expand_as(output), atol=1e-4, rtol=0)


def test_what_does_not_change_is_painted_without_a_checkerboard() -> None:
    torch.manual_seed(0)
    network = FastNetwork(stem=4, trunk=8, blocks=1).eval()
    torch.nn.init.normal_(network.head.weight)
    torch.nn.init.normal_(network.head.bias)
    flat = torch.full((1, 3, 32, 32), 0.3)
    assert network(flat).std((2, 3)).max() > 0.01
    remove_checkerboard(network)
    assert network(flat).std((2, 3)).max() < 1e-5
    assert network.head.weight.std() > 0.5  # it draws lines as before


def test_a_gradient_is_painted_without_a_checkerboard() -> None:
    torch.manual_seed(0)
    network = FastNetwork(stem=4, trunk=8, blocks=1)
    torch.nn.init.normal_(network.head.weight)
    remove_checkerboard(network)
    ramp = torch.arange(16.0)[:, None] + 2 * torch.arange(16.0)  # what enters the last layer, at half the size
    maps = ramp.expand(1, 4, 16, 16)
    painted = torch.nn.functional.pixel_shuffle(network.head(maps), 2)[..., 4:-4, 4:-4]
    assert painted.diff(dim=2).mean().abs() > 0.01
    assert painted.diff(dim=2).diff(dim=2).abs().max() < 1e-3
    assert painted.diff(dim=3).diff(dim=3).abs().max() < 1e-3


def test_weights_without_a_checkerboard_stay_as_they_are() -> None:
    network = FastNetwork(stem=4, trunk=8, blocks=1)
    remove_checkerboard(network)
    before = network.head.weight.clone()
    remove_checkerboard(network)
    torch.testing.assert_close(network.head.weight, before)


def test_every_network_owns_its_weights_alone() -> None:
    for network in NETWORKS:
        weights = network.state_dict()
        owners = [name for name in registry.NETWORKS if registry.network_class(name).matches(weights)]
        assert owners == [network_name(network)]


def test_weights_that_are_no_numbers_are_refused() -> None:
    weights = FastNetwork(stem=4, trunk=8, blocks=1).state_dict()
    weights["head.weight"][0] = torch.nan
    with pytest.raises(UsageError, match="NaN or infinity"):
        network_from_weights(weights)


def test_weights_with_a_tensor_missing_are_refused() -> None:
    weights = FastNetwork(stem=4, trunk=8, blocks=1).state_dict()
    del weights["head.weight"]
    with pytest.raises(UsageError, match="no known style network"):
        network_from_weights(weights)


def test_dilations_are_integers_among_the_weights_and_survive_half_precision() -> None:
    network = FastNetwork(stem=4, trunk=8, blocks=2, dilations=(2, 4))
    assert network.state_dict()["dilations"].dtype == torch.int64
    assert "dilations" not in FastNetwork(stem=4, trunk=8, blocks=2).state_dict()
    halves = {name: tensor.half() for name, tensor in network.state_dict().items()}
    assert network_from_weights(halves).hyperparameters == network.hyperparameters
    assert network_from_weights(with_dilations(halves, ())).hyperparameters["dilations"] == ()


def test_dilations_of_one_change_nothing() -> None:
    plain = FastNetwork(stem=4, trunk=8, blocks=2).eval()
    dilated = network_from_weights(with_dilations(plain.state_dict(), (1, 1)))
    image = torch.rand(1, 3, 32, 40)
    assert torch.equal(dilated(image), plain(image))


@pytest.mark.parametrize("network", NETWORKS)
def test_the_zeros_of_the_padding_never_show(network: StyleNetwork) -> None:
    sky = torch.full((1, 3, 260, 260), 0.6)
    sky[..., 120:140, 120:140] = 0.1  # so that there is a variance to normalise by
    with torch.no_grad():
        painted = AnySizeNetwork(network.eval())(sky)
    inside = painted[..., 32:33, 32:33]
    for border in (painted[..., :4, :32], painted[..., -4:, :32], painted[..., :32, :4], painted[..., :32, -4:]):
        torch.testing.assert_close(border, inside.expand_as(border), atol=1e-3, rtol=0)


def test_a_flat_picture_has_no_frame_with_dilations() -> None:
    network = FastNetwork(stem=4, trunk=8, blocks=2, dilations=(2, 4)).eval()
    output = network(torch.full((1, 3, 128, 128), 0.3))
    torch.testing.assert_close(output, output[..., 64:65, 64:65].expand_as(output), atol=1e-4, rtol=0)


class TinyNetwork(StyleNetwork):
    """A network of two convolutions, as a newcomer might add it."""

    def __init__(self, *, stem: int = 3) -> None:
        super().__init__()
        self.hyperparameters = {"stem": stem}
        self.blocks = nn.Sequential()
        self.shrink = nn.Conv2d(3, stem, 4, stride=4)
        self.paint = nn.Conv2d(stem, 3 * 4 * 4, 3, padding=1)

    @classmethod
    def matches(cls, weights: Mapping[str, torch.Tensor]) -> bool:
        return "shrink.weight" in weights

    @classmethod
    def from_weights(cls, weights: Mapping[str, torch.Tensor]) -> Self:
        network = cls(stem=len(weights["shrink.weight"]))
        network.load_state_dict(dict(weights))
        return network

    def encode(self, image: torch.Tensor) -> torch.Tensor:
        features: torch.Tensor = self.shrink(image)
        return features

    def decode(self, features: torch.Tensor) -> torch.Tensor:
        return nn.functional.pixel_shuffle(self.paint(features), 4).sigmoid()


def test_a_network_is_added_by_a_class_and_an_entry(
    trained: Trained, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(registry.NETWORKS, "tiny", f"{__name__}:TinyNetwork")
    recipe = replace(recipe, network="tiny", stem=5, trunk=0, blocks=0).with_steps(1)
    network = network_from_weights(load_file(trained(recipe, tmp_path)))
    assert network_name(network) == "tiny"
    assert network.hyperparameters == {"stem": 5}
    export_onnx(network)  # compares what it exports with the network


def test_a_shape_that_a_network_does_not_have_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.NETWORKS, "tiny", f"{__name__}:TinyNetwork")
    with pytest.raises(UsageError, match="narrow with a network tiny"):
        check_recipe(Recipe(Painting("x"), network="tiny", narrow=True))
