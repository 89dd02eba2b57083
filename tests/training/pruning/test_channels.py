from __future__ import annotations

import pytest
import torch

from stylecli.core.errors import UsageError
from stylecli.training.networks.fast import FastNetwork
from stylecli.training.networks.johnson import JohnsonNetwork, ResidualNetwork
from stylecli.training.networks.registry import count_parameters, network_from_weights
from stylecli.training.networks.style_network import StyleNetwork
from stylecli.training.pruning.channels import ChannelGroup, CostTable, channel_groups, cut_channels
from stylecli.training.pruning.cutting import LEAST, choose_widths, cut_network
from stylecli.training.pruning.importance import by_gamma, by_loss, by_rebuilding, by_weights
from stylecli.training.pruning.options import Target, TargetKind, given_targets, only_target
from stylecli.training.pruning.refitting import refit

torch.manual_seed(0)
NETWORKS = (
    FastNetwork(stem=6, trunk=12, blocks=3),
    FastNetwork(stem=6, trunk=12, blocks=2, narrow=True, few_norms=True),
    FastNetwork(stem=6, trunk=12, blocks=2, dilations=(1, 3)),
    JohnsonNetwork(stem=6, trunk=12, blocks=2),
    ResidualNetwork(stem=6, trunk=16, blocks=2),
)


def never_timed(_: object) -> float:
    raise AssertionError


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(2, 3, 48, 48, generator=torch.Generator().manual_seed(0))


def without_some(network: StyleNetwork) -> tuple[StyleNetwork, dict[ChannelGroup, list[int]]]:
    """The network with other widths in every group, none of them fitted."""
    groups = channel_groups(network)
    widths = CostTable(network, groups).widths
    kept = {group: list(range(number % 2, widths[group], 1 + number % 3)) for number, group in enumerate(groups)}
    return network_from_weights(cut_channels(network.state_dict(), kept)), kept


@pytest.mark.parametrize("network", NETWORKS)
def test_the_residual_stream_is_one_group_and_every_block_has_its_own(network: StyleNetwork) -> None:
    groups = channel_groups(network)
    (stream,) = (group for group in groups if len(group.writers) > 1)
    blocks = network.hyperparameters["blocks"]
    assert len(stream.writers) == blocks + 1
    assert len(stream.readers) == blocks + 1
    inner = [group for group in groups if group.writers[0].startswith("blocks")]
    assert len(inner) == blocks * (2 if isinstance(network, ResidualNetwork) else 1)


@pytest.mark.parametrize("network", NETWORKS)
def test_a_cut_network_is_rebuilt_from_its_tensors_alone(network: StyleNetwork) -> None:
    cut, _ = without_some(network)
    rebuilt = network_from_weights(cut.state_dict())
    image = torch.rand(1, 3, 16, 20)
    assert type(rebuilt) is type(network)
    torch.testing.assert_close(rebuilt(image), cut(image))


@pytest.mark.parametrize("network", NETWORKS)
def test_the_table_counts_the_parameters_of_a_cut_network(network: StyleNetwork) -> None:
    table = CostTable(network, channel_groups(network))
    cut, kept = without_some(network)
    assert table.parameters(table.widths) == count_parameters(network)
    assert table.parameters({group: len(channels) for group, channels in kept.items()}) == count_parameters(cut)


def test_full_resolution_is_told_from_a_quarter() -> None:
    network = ResidualNetwork(stem=6, trunk=16, blocks=1)
    areas = CostTable(network, channel_groups(network)).areas
    assert {group.writers[0]: area for group, area in areas.items()}["entry.convolution"] == 1
    assert {group.writers[0]: area for group, area in areas.items()}["blocks.0.narrow.convolution"] == 1 / 16


def test_a_channel_that_was_silent_is_cut_without_a_trace(images: torch.Tensor) -> None:
    network = FastNetwork(stem=4, trunk=8, blocks=1).eval()
    with torch.no_grad():
        network.blocks[0].first.norm.weight[2] = 0
        network.blocks[0].first.norm.bias[2] = -1  # below the ReLU
    inner = next(group for group in channel_groups(network) if group.writers[0].startswith("blocks.0.first"))
    cut = network_from_weights(cut_channels(network.state_dict(), {inner: [0, 1, 3, 4, 5, 6, 7]}))
    torch.testing.assert_close(cut(images), network(images))


def test_a_copied_channel_is_rebuilt_from_the_other(images: torch.Tensor) -> None:
    network = FastNetwork(stem=4, trunk=8, blocks=1).eval()
    with torch.no_grad():  # channel 5 of the block is channel 1 once more, read with other weights
        network.blocks[0].first.convolution.weight[5] = network.blocks[0].first.convolution.weight[1]
    groups = channel_groups(network)
    orders = by_rebuilding(network, groups, images)
    widths = CostTable(network, groups).widths
    inner = next(group for group in groups if group.writers[0].startswith("blocks.0.first"))
    assert orders[inner][-1] in (1, 5)
    cut = cut_network(network, orders, {**widths, inner: 7}, images)
    torch.testing.assert_close(cut(images), network(images), atol=2e-3, rtol=0)


@pytest.mark.parametrize("network", NETWORKS)
def test_fitting_brings_a_cut_network_near_the_whole_one(network: StyleNetwork, images: torch.Tensor) -> None:
    groups = channel_groups(network)
    kept = {group: range(width - width // 4) for group, width in CostTable(network, groups).widths.items()}
    cut = network_from_weights(cut_channels(network.state_dict(), kept))
    truth = network.eval()(images)
    before = (cut(images) - truth).square().mean().item()
    refit(cut, network, kept, images)
    # Random weights have next to no redundancy; those of trained networks come nearer.
    assert (cut(images) - truth).square().mean().item() < 0.7 * before


@pytest.mark.parametrize("network", NETWORKS)
def test_every_importance_orders_all_channels(network: StyleNetwork, images: torch.Tensor) -> None:
    groups = channel_groups(network)
    losses = (network(image).square().mean() for image in images.split(1))
    for orders in (
        by_rebuilding(network, groups, images),
        by_weights(network, groups),
        by_gamma(network, groups),
        by_loss(network, groups, losses),
    ):
        for group, width in CostTable(network, groups).widths.items():
            assert sorted(orders[group]) == list(range(width))


@pytest.mark.parametrize("few_norms", [False, True])
def test_a_channel_without_gamma_comes_last(few_norms: bool) -> None:
    network = FastNetwork(stem=4, trunk=8, blocks=1, few_norms=few_norms)
    with torch.no_grad():  # or, in constant statistics, with a small kernel
        (network.stem.convolution if few_norms else network.stem.norm).weight[2] *= 0.01
    groups = channel_groups(network)
    assert by_gamma(network, groups)[groups[0]][-1] == 2


@pytest.mark.parametrize("few_norms", [False, True])
def test_a_channel_that_the_loss_does_not_see_comes_last(images: torch.Tensor, few_norms: bool) -> None:
    network = FastNetwork(stem=4, trunk=8, blocks=1, few_norms=few_norms)
    with torch.no_grad():
        network.down.convolution.weight[:, 1] = 0  # nobody reads channel 1 of the stem
    groups = channel_groups(network)
    assert by_loss(network, groups, [network(images).square().mean()])[groups[0]][-1] == 1


@pytest.mark.parametrize(("target", "limit"), [(Target("params", 9_000), 9_000), (Target("ratio", 0.6), None)])
def test_a_target_is_kept_to_and_nearly_reached(target: Target, limit: int | None) -> None:
    network = ResidualNetwork(stem=16, trunk=64, blocks=3)
    table = CostTable(network, channel_groups(network))
    widths = choose_widths(table, target, never_timed)
    if limit is None:
        assert 0.36 < sum(widths.values()) / sum(table.widths.values()) <= 0.4
    else:
        assert 0.85 * limit < table.parameters(widths) <= limit


def test_a_target_of_milliseconds_is_what_was_timed() -> None:
    network = ResidualNetwork(stem=16, trunk=64, blocks=2)
    table = CostTable(network, channel_groups(network))
    widths = choose_widths(table, Target("ms", 3.0), lambda widths: table.macs(widths) / 1000)
    assert 2 < table.macs(widths) / 1000 <= 3


@pytest.mark.parametrize(
    ("target", "is_first"),
    [(Target("ratio", 0.5), True), (Target("macs", 20_000), True), (Target("params", 120_000), False)],
)
def test_full_resolution_is_cut_first_where_it_costs_the_most(target: Target, is_first: bool) -> None:
    network = ResidualNetwork(stem=32, trunk=128, blocks=2)
    table = CostTable(network, channel_groups(network))
    widths = choose_widths(table, target, never_timed)
    share = {table.areas[group]: width / table.widths[group] for group, width in widths.items()}
    assert (share[1] < share[1 / 4] < share[1 / 16]) is is_first
    assert (share[1] > share[1 / 4] > share[1 / 16]) is not is_first


@pytest.mark.parametrize(
    ("kind", "limit"),
    [*(("ratio", limit) for limit in (0, 1, 1.5, -0.5, float("nan"))), ("params", 0), ("ms", float("inf"))],
)
def test_an_impossible_target_is_refused(kind: TargetKind, limit: float) -> None:
    with pytest.raises(UsageError, match="cuts nothing, or everything"):
        Target(kind, limit)


def test_one_target_is_enough() -> None:
    with pytest.raises(UsageError, match="in one way"):
        only_target(given_targets())
    with pytest.raises(UsageError, match="in one way"):
        only_target(given_targets(ratio=0.5, ms=10.0))
    assert only_target(given_targets(ratio=None, blocks=2, narrow=None)) == Target("blocks", 2)
    with pytest.raises(UsageError, match="cuts nothing"):
        given_targets(ratio=0)


@pytest.mark.parametrize(("params", "fault"), [(10**9, "no larger"), (50, "so small")])
def test_a_target_out_of_reach_is_refused(params: float, fault: str) -> None:
    network = FastNetwork(stem=8, trunk=16, blocks=1)
    with pytest.raises(UsageError, match=fault):
        choose_widths(CostTable(network, channel_groups(network)), Target("params", params), never_timed)


def test_narrow_groups_stay_as_they_are() -> None:
    network = FastNetwork(stem=2, trunk=16, blocks=1)
    table = CostTable(network, channel_groups(network))
    widths = choose_widths(table, Target("ratio", 0.4), never_timed)
    assert min(widths.values()) == 2
    assert all(width >= min(LEAST, table.widths[group]) for group, width in widths.items())
