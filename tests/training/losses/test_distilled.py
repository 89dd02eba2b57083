"""The distilled loss network that ships."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from stylecli.core.errors import UsageError
from stylecli.training.data import read_photo
from stylecli.training.losses.distilled import MAPPED, VGG_WIDTHS, DistilledNetwork
from stylecli.training.losses.loss_network import SHIPPED, load_loss_network

BYTES_MAX = 4_000_000  # of the file that ships


def test_the_shipped_network_is_small_and_has_the_channels_of_vgg() -> None:
    assert SHIPPED.stat().st_size <= BYTES_MAX
    features = load_loss_network("distilled", MAPPED)(torch.rand(1, 3, 64, 48))
    widths = {layer: VGG_WIDTHS[int(layer[4]) - 1] for layer in MAPPED}
    assert {layer: one.shape[1] for layer, one in features.items()} == widths
    assert features["relu4_2"].shape[2:] == (8, 6)
    assert all(one.isfinite().all() and one.max() > 0 for one in features.values())


def test_the_shipped_network_sees_what_a_picture_shows(photo_folder: Path) -> None:
    # Blurring takes texture away: the style distance of a photo to its blurred self is far above that to its mirror.
    network = load_loss_network("distilled", MAPPED)
    image = read_photo(photo_folder / "coffee.png", short_side=128)[None]
    blurred = torch.nn.functional.avg_pool2d(image, 9, 1, 4, count_include_pad=False)
    plain, mirrored, soft = (network(one, ["relu2_2"])["relu2_2"].mean() for one in (image, image.flip(3), blurred))
    assert abs(plain - mirrored) < 0.2 * abs(plain - soft)


def test_a_layer_that_it_does_not_have_is_refused() -> None:
    with pytest.raises(UsageError, match="no layer relu2_1"):
        load_loss_network("distilled", ["relu2_1"])


def test_foreign_weights_are_refused(vgg_file: Path) -> None:
    with pytest.raises(UsageError, match="not those of the distilled network"):
        load_loss_network("distilled", MAPPED, file=vgg_file)


def test_only_asked_layers_are_computed(tmp_path: Path) -> None:
    network = DistilledNetwork()
    assert set(network(torch.rand(1, 3, 16, 16), ["relu2_2"])) == {"relu2_2"}
    save_file(network.state_dict(), tmp_path / "w.safetensors")
    assert load_loss_network("distilled", ["relu1_2"], file=tmp_path / "w.safetensors").sha256
