from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from stylecli.core.errors import MediaError, UsageError
from stylecli.training.losses.loss_network import LossNetwork, load_loss_network


def test_its_features_are_those_of_torchvisions_vgg(wide_vgg_file: Path) -> None:
    from torchvision.models import vgg19
    from torchvision.transforms.functional import normalize

    reference = vgg19().features[:21].eval()  # to relu4_1
    reference.load_state_dict(
        {key[9:]: value for key, value in load_file(wide_vgg_file).items() if int(key.split(".")[1]) < 21}
    )
    image = torch.rand(1, 3, 64, 64)
    x = normalize(image, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    features = load_loss_network("vgg19", ["relu1_2", "relu4_1"], file=wide_vgg_file)(image)
    with torch.no_grad():
        torch.testing.assert_close(features["relu1_2"], reference[:4](x))
        torch.testing.assert_close(features["relu4_1"], reference(x))


def test_it_computes_no_deeper_than_asked(loss_network: LossNetwork) -> None:
    assert set(loss_network(torch.rand(1, 3, 32, 32), ["relu2_2"])) == {"relu2_2"}


def test_an_unknown_layer_is_refused(vgg_file: Path) -> None:
    with pytest.raises(UsageError, match="relu9_9"):
        load_loss_network("vgg19", ["relu9_9"], file=vgg_file)


def test_weights_of_another_network_are_refused(vgg_file: Path) -> None:
    with pytest.raises(UsageError, match="is not vgg16"):
        load_loss_network("vgg16", ["relu3_3"], file=vgg_file)


def test_weights_that_end_too_early_are_refused(vgg_file: Path) -> None:
    with pytest.raises(UsageError, match="relu4_3"):
        load_loss_network("vgg19", ["relu4_3"], file=vgg_file)


def test_a_truncated_file_is_refused(vgg_file: Path, tmp_path: Path) -> None:
    (tmp_path / "half.safetensors").write_bytes(vgg_file.read_bytes()[:100_000])
    with pytest.raises(MediaError, match="not a whole safetensors file"):
        load_loss_network("vgg19", ["relu1_2"], file=tmp_path / "half.safetensors")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="No such file"):
        load_loss_network("vgg19", ["relu1_2"], file=tmp_path / "none.safetensors")
