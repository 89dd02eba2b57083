"""A finished training as a style that paints what its network paints, whole or in tiles."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest
import torch

from stylecli.core.errors import MediaError, UsageError
from stylecli.inference.engine import Engine
from stylecli.media.images.files import picture_from_pixels
from stylecli.media.pixels import to_unit
from stylecli.packs.pack import StylePack, open_pack
from stylecli.photos.film import sample_photo
from stylecli.training.export import packing
from stylecli.training.export.onnx_export import reach_of
from stylecli.training.export.packing import add_variant, export_pack
from stylecli.training.networks.fast import FastNetwork
from stylecli.training.recipe import Painting, Recipe
from stylecli.training.runs.checkpoints import read_tensors
from stylecli.training.runs.finished import FinishedRun, TrainingFacts

DILATIONS = (1, 2, 4)


@pytest.fixture(scope="module")
def network() -> FastNetwork:
    torch.manual_seed(0)
    network = FastNetwork(stem=4, trunk=8, blocks=3, dilations=DILATIONS)
    for parameter in network.parameters():  # strong contrasts, so that a seam would show
        parameter.data *= 2
    return network.eval()


@pytest.fixture(scope="module")
def run(network: FastNetwork) -> FinishedRun:
    painting = Painting("painting.png")
    recipe = Recipe(painting, stem=4, trunk=8, blocks=3, dilations=DILATIONS, fill=0.7, detail=0.5)
    facts = TrainingFacts("CPU", 1.0, "distilled", "0" * 64)
    return FinishedRun(network.state_dict(), network, recipe, painting, facts)


@pytest.fixture(scope="module")
def pack(run: FinishedRun, tmp_path_factory: pytest.TempPathFactory) -> StylePack:
    folder = tmp_path_factory.mktemp("packs") / "long-strokes"
    return export_pack(run, folder, preview_of=picture_from_pixels(sample_photo(96, 64)))


@pytest.mark.parametrize("name", ["Long Strokes", "long--strokes", ".."])
def test_a_name_that_a_style_cannot_have_is_refused_before_the_export(
    run: FinishedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(packing, "export_onnx", None)
    with pytest.raises(UsageError, match="no name for a style"):
        export_pack(run, tmp_path / "packs" / name, preview_of=picture_from_pixels(sample_photo(96, 64)))
    with pytest.raises(UsageError, match="no name for a variant"):
        add_variant(run, tmp_path / "pack", name)


def test_the_card_has_the_strokes_of_the_recipe(pack: StylePack) -> None:
    assert (pack.card.fill, pack.card.detail) == (0.7, 0.5)


def test_the_reach_grows_with_the_dilations(network: FastNetwork) -> None:
    plain = reach_of(FastNetwork(stem=4, trunk=8, blocks=3))
    # Two convolutions of a block see one place of a quarter of the resolution each, times the dilation.
    assert reach_of(network) == plain + 2 * 4 * (sum(DILATIONS) - 3)


def test_the_reach_of_a_deep_network_is_found() -> None:
    assert reach_of(FastNetwork(stem=4, trunk=8, blocks=8)) == reach_of(FastNetwork(stem=4, trunk=8, blocks=3)) + 5 * 8


def test_tiles_equal_the_whole_with_dilations(pack: StylePack) -> None:
    picture = to_unit(sample_photo(620, 410))
    with Engine(pack, device="cpu", tile="off") as engine:
        statistics = engine.measure(picture)
        whole = engine.stylize(picture, statistics)
    with Engine(pack, device="cpu", tile=200) as engine:
        assert len([*engine.stylized_tiles(picture, statistics)]) > 4
        tiled = engine.stylize(picture, statistics)
    np.testing.assert_array_equal(tiled, whole)


def test_a_pack_keeps_dilations_as_integers_and_tells_its_reach(pack: StylePack, network: FastNetwork) -> None:
    weights, _ = read_tensors(pack.folder / "weights.safetensors")
    assert weights["dilations"].dtype == torch.int64
    assert weights["head.weight"].dtype == torch.float16
    assert open_pack(pack.folder).model().reach == reach_of(network)


def test_a_failed_export_leaves_nothing(run: FinishedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("stylecli.training.export.packing.write_card", fail)
    with pytest.raises(MediaError, match="No space left"):
        export_pack(run, tmp_path / "style", preview_of=picture_from_pixels(sample_photo(96, 64)))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("file", ["fast.onnx", "weights.safetensors", "recipe.toml", "preview.jpg"])
def test_a_file_that_cannot_be_written_is_blamed_on_the_pack(
    run: FinishedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    write_bytes = Path.write_bytes

    def write_until_full(path: Path, data: bytes) -> int:
        if path.suffix == Path(file).suffix:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write_bytes(path, data)

    monkeypatch.setattr(Path, "write_bytes", write_until_full)
    with pytest.raises(MediaError) as caught:
        export_pack(run, tmp_path / "style", preview_of=picture_from_pixels(sample_photo(96, 64)))
    assert caught.value.message == f"{tmp_path / 'style'}: cannot be written (No space left on device)"
    assert not list(tmp_path.iterdir())
