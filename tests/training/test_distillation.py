"""The distilled loss network: how it is trained, and the one that ships."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from stylecli.core.errors import UsageError
from stylecli.training import distillation as distilling
from stylecli.training.data import PhotoFolder, read_photo
from stylecli.training.distillation import correlations, distill
from stylecli.training.losses.distilled import MAPPED, VGG_WIDTHS, DistilledNetwork
from stylecli.training.losses.loss_network import SHIPPED, VggNetwork, load_loss_network, load_vgg
from stylecli.training.networks.fast import FastNetwork

BYTES_MAX = 4_000_000  # of the file that ships


@pytest.fixture(scope="module")
def teacher(wide_vgg_file: Path) -> VggNetwork:
    return load_vgg("vgg19", MAPPED, file=wide_vgg_file)


def test_it_comes_nearer_to_its_teacher(
    teacher: VggNetwork, photo_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distilling, "FIRST_LOOK", 2)
    monkeypatch.setattr(distilling, "LOG_EVERY", 1)
    monkeypatch.setattr(distilling, "begin_as_thinned", lambda *_: None)  # from chance, so that there is much to learn
    styles = [FastNetwork(stem=4, trunk=8, blocks=1)]
    distill(teacher, [PhotoFolder(photo_folder)], tmp_path, styles=styles, steps=40, batch=2, size=32)
    totals = [json.loads(line)["total"] for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert sum(totals[-5:]) < 0.85 * sum(totals[:5])


def test_an_interrupted_distillation_ends_with_the_same_bits(
    teacher: VggNetwork, photo_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distilling, "SAVE_EVERY", 2)
    photos = [PhotoFolder(photo_folder)]

    def interrupt(step: object) -> None:
        if step.done == 3:  # type: ignore[attr-defined]
            raise KeyboardInterrupt

    whole = distill(teacher, photos, tmp_path / "whole", steps=4, batch=1, size=32)
    with pytest.raises(KeyboardInterrupt):
        distill(teacher, photos, tmp_path / "two", steps=4, batch=1, size=32, progress=interrupt)
    resumed = distill(teacher, photos, tmp_path / "two", steps=4, batch=1, size=32)
    for name, tensor in load_file(whole).items():
        assert torch.equal(tensor, load_file(resumed)[name]), name


def test_a_perfect_student_correlates_perfectly(teacher: VggNetwork) -> None:
    image = torch.rand(1, 3, 32, 32)
    for row in correlations(teacher, teacher, [image]).values():
        assert row["features"] == pytest.approx(1, abs=1e-3)
        assert row["gram"] == pytest.approx(1, abs=1e-3)
        assert row["gram_distance"] == 0


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
