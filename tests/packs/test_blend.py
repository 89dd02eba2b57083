"""A blend of styles is one network: interpolated weights where the networks are kin, else a mix of the pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper

from stylecli.core.errors import PackError, UsageError
from stylecli.inference.engine import Engine
from stylecli.packs.blend import Blend, parse_blend
from stylecli.packs.card import ModelFile
from stylecli.packs.pack import StylePack, record_measurement
from stylecli.packs.safety import model_problems
from stylecli.packs.shelves import find_style
from tests.support.packs import NORMALIZING_REACH, StyleFactory, normalizing_model, tiny_model


@pytest.fixture
def shelf(make_style: StyleFactory, tmp_path: Path) -> Path:
    """Give a shelf: `kin` is `tiny` with halved weights, `one` and `other` have nothing in common."""
    make_style(tmp_path, "tiny")
    make_style(tmp_path, "kin", model=_scaled(tiny_model(), 0.5))
    for seed, name in enumerate(("one", "other")):
        model = normalizing_model(seed=seed)
        make_style(tmp_path, name, model=model, statistics="patches", reach=NORMALIZING_REACH)
    return tmp_path


def test_weights_of_kin_are_interpolated(shelf: Path) -> None:
    pack = _blend("tiny:3+kin", shelf)
    blended, whole = _weight(onnx.ModelProto.FromString(pack.model_bytes())), _weight(tiny_model())
    assert pack.is_interpolated
    np.testing.assert_allclose(blended, 0.875 * whole, rtol=1e-6)


def test_strokes_are_blended_too(make_style: StyleFactory, tmp_path: Path) -> None:
    make_style(tmp_path, "much", fill=1.0, detail=1.0)
    make_style(tmp_path, "little", fill=0.2)
    card = _blend("much:3+little", tmp_path).card
    assert (card.fill, card.detail) == (pytest.approx(0.8), pytest.approx(0.75))


@pytest.mark.parametrize("size", [(60, 80), (301, 451)])
def test_pictures_of_strangers_are_mixed(shelf: Path, photo: NDArray[np.uint8], size: tuple[int, int]) -> None:
    picture = photo[: size[0], : size[1]]
    one, other = (_painted(find_style(name, shelf), picture) for name in ("one", "other"))
    pack = _blend("one:0.75+other:0.25", shelf)
    assert not pack.is_interpolated
    np.testing.assert_allclose(_painted(pack, picture), 0.75 * one + 0.25 * other, atol=2e-6)


def test_a_mix_in_tiles_equals_the_whole(shelf: Path, photo: NDArray[np.uint8]) -> None:
    pack = _blend("one+other", shelf)
    with Engine(pack, device="cpu", tile="off") as whole, Engine(pack, device="cpu", tile=128) as tiled:
        statistics = whole.measure(photo)
        difference = whole.stylize(photo, statistics) - tiled.stylize(photo, statistics)
    assert np.abs(difference).max() < 1e-6


def test_a_mix_paints_bytes_as_it_paints_floats(shelf: Path, photo: NDArray[np.uint8]) -> None:
    with Engine(_blend("one+other", shelf), device="cpu") as engine:
        ((_, painted),) = engine.stylized_bytes(photo)
        exact = engine.stylize(photo)
    assert np.abs(painted - 255 * exact).max() <= 0.501


def test_a_blended_model_keeps_the_contract_of_packs(shelf: Path) -> None:
    for text in ("tiny+kin", "one+other", "one+other+tiny"):
        assert model_problems(_blend(text, shelf).model_bytes()) == []


def test_a_blend_is_made_once_until_a_style_is_replaced(
    shelf: Path, make_style: StyleFactory, tmp_path_factory: pytest.TempPathFactory
) -> None:
    first = _blend("tiny+kin", shelf)
    assert _blend("tiny+kin", shelf).content is first.content
    other = tmp_path_factory.mktemp("other")
    make_style(other, "tiny")
    make_style(other, "kin", model=_scaled(tiny_model(), 0.25))
    assert _blend("tiny+kin", other).content != first.content


def test_the_order_and_scale_of_weights_do_not_matter_to_what_is_painted(shelf: Path, photo: NDArray[np.uint8]) -> None:
    first, second = (_painted(_blend(text, shelf), photo) for text in ("one:3+other:1", "other:0.25+one:0.75"))
    np.testing.assert_allclose(first, second, atol=1e-6)


def test_a_blend_is_called_after_its_parts(shelf: Path) -> None:
    pack = _blend("Tiny : 3 + kin", shelf)
    assert (pack.name, pack.card.title) == ("tiny-75-kin-25", "Tiny 75% + Kin 25%")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("one+", "name is missing"),
        ("one:x+other", "'x' is no weight"),
        ("one:+other", "'' is no weight"),
        ("one:0+other", "above 0"),
        ("one:-1+other", "above 0"),
        ("one:inf+other", "above 0"),
        ("one:nan+other", "above 0"),
        ("one+one", "twice"),
        ("a+b+c+d+e", "2 to 4"),
    ],
)
def test_what_is_no_blend_is_told(text: str, fault: str) -> None:
    with pytest.raises(UsageError, match=fault):
        parse_blend(text)


def test_an_unknown_style_of_a_blend_is_told_with_close_names(shelf: Path) -> None:
    with pytest.raises(PackError, match=r"^tinny: no style") as caught:
        find_style("one+tinny", shelf)
    assert caught.value.hint == "Did you mean tiny?"


def test_a_variant_that_one_part_lacks_is_told(shelf: Path) -> None:
    with pytest.raises(PackError, match="has no variant quality"):
        find_style("one+other", shelf, variant="quality")


def test_networks_of_8_bits_are_not_blended(make_style: StyleFactory, shelf: Path) -> None:
    content = tiny_model().SerializeToString()
    entry = StylePack(shelf / "tiny", find_style("tiny", shelf).card).model()
    models = (ModelFile("fast", "int8", "fast.onnx", entry.sha256, len(content), "frozen"),)
    make_style(shelf, "small", models=models)
    with pytest.raises(PackError, match="stored as int8"):
        find_style("tiny+small", shelf)


def test_a_blend_has_no_card_of_its_own_to_write_to(shelf: Path) -> None:
    with pytest.raises(UsageError, match="a blend has no files of its own"):
        record_measurement(find_style("one+other", shelf), "quality", {"style": 0.1})


def test_a_folder_with_a_plus_in_its_name_is_no_blend(make_style: StyleFactory, tmp_path: Path) -> None:
    folder = make_style(tmp_path / "a+b", "tiny")
    assert find_style(str(folder)).folder == folder


def _blend(text: str, shelf: Path) -> Blend:
    pack = find_style(text, shelf)
    assert isinstance(pack, Blend)
    return pack


def _weight(model: onnx.ModelProto) -> NDArray[np.float32]:
    (weight,) = (tensor for tensor in model.graph.initializer if tensor.name == "weight")
    return numpy_helper.to_array(weight)


def _painted(pack: StylePack, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    with Engine(pack, device="cpu") as engine:
        return engine.stylize(picture)


def _scaled(model: onnx.ModelProto, factor: float) -> onnx.ModelProto:
    for tensor in model.graph.initializer:
        if tensor.name == "weight":
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor) * np.float32(factor), tensor.name))
    return model
