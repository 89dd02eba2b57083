"""Networks of 8-bit integers: what they paint, and how they are laid out for speed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray

from stylecli.core.errors import PackError
from stylecli.inference.int8_as_float import float_twin
from stylecli.inference.normalization import statistics_model, with_statistics
from stylecli.inference.sessions import has_large_weights
from stylecli.inference.uint8_model import pixel_model
from stylecli.media.pixels import quantize, to_unit
from stylecli.packs.shelves import find_style
from stylecli.photos.film import sample_photo
from stylecli.training.export import calibration
from stylecli.training.export.int8 import to_int8
from stylecli.training.export.parity import check_precision

ROUNDED_WEIGHTS = 0.03  # relative: what weights of 8 bits change


# With few normalisations, with all, and with dilations.
@pytest.fixture(scope="module", params=["fast", "quality", "dilated"])
def precise(request: pytest.FixtureRequest) -> bytes:
    if request.param == "dilated":
        return find_style("the-scream").model_bytes("fast")
    return find_style("great-wave").model_bytes(request.param)


@pytest.fixture(scope="module")
def photos() -> list[NDArray[np.float32]]:
    """Give some photos for calibration, at half their size."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calibration, "SHORT_SIDE", calibration.SHORT_SIDE // 2)
        patch.setattr(calibration, "PHOTOS_MAX", 6)
        return calibration.calibration_photos()


@pytest.fixture(scope="module")
def integer(precise: bytes, photos: list[NDArray[np.float32]]) -> bytes:
    return to_int8(precise, photos)


@pytest.fixture(scope="module")
def pixels() -> NDArray[np.uint8]:
    return sample_photo(250, 190)


@pytest.fixture(scope="module")
def given(integer: bytes, pixels: NDArray[np.uint8]) -> bytes:
    """The integer network with the statistics of the picture."""
    return with_statistics(integer, run(statistics_model(float_twin(integer)), batch(pixels)))


@pytest.mark.parametrize("precise", ["fast"], indirect=True)
def test_eight_bits_pass_the_gate(precise: bytes, integer: bytes, photos: list[NDArray[np.float32]]) -> None:
    check_precision(integer, precise, photos[1:3], precision="int8")


def test_any_processor_may_multiply_its_weights_the_fast_way(integer: bytes) -> None:
    assert not has_large_weights(integer)
    model = onnx.load_model_from_string(integer)
    weight = next(tensor for tensor in model.graph.initializer if tensor.data_type == onnx.TensorProto.INT8)
    levels = onnx.numpy_helper.to_array(weight).copy()
    levels.flat[0] = -64
    weight.CopyFrom(onnx.numpy_helper.from_array(levels, weight.name))
    assert has_large_weights(model.SerializeToString())


def test_a_network_that_clips_does_not_pass_it(precise: bytes, photos: list[NDArray[np.float32]]) -> None:
    gray = [np.full((1, 3, 64, 64), 0.5, np.float32)]  # ranges of a picture without contrast hold no other
    with pytest.raises(PackError, match="int8 loses too much"):
        check_precision(to_int8(precise, gray), precise, photos[1:2], precision="int8")


@pytest.mark.parametrize("size", [(190, 250), (61, 83), (2, 5), (1, 1)])
def test_the_fast_layout_changes_no_level(given: bytes, pixels: NDArray[np.uint8], size: tuple[int, int]) -> None:
    piece = np.ascontiguousarray(pixels[: size[0], : size[1]])
    expected = quantize(run(given, batch(piece))[0].transpose(0, 2, 3, 1), np.uint8)
    np.testing.assert_array_equal(run(pixel_model(given), piece[None])[0], expected)


def test_onnxruntime_computes_in_bytes_from_picture_to_result(given: bytes, tmp_path: Path) -> None:
    convolutions = [node for node in onnx.load_model_from_string(given).graph.node if node.op_type == "Conv"]
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    onnxruntime.InferenceSession(pixel_model(given), options, providers=["CPUExecutionProvider"])
    operators = [node.op_type for node in onnx.load(tmp_path / "optimized.onnx", load_external_data=False).graph.node]
    assert operators.count("QLinearConv") == len(convolutions)
    assert not {"Conv", "FusedConv", "QuantizeLinear", "DequantizeLinear", "Resize", "DepthToSpace"} & {*operators}


def test_the_twin_in_floats_measures_what_the_network_of_floats_does(
    precise: bytes, integer: bytes, pixels: NDArray[np.uint8]
) -> None:
    twin = float_twin(integer)
    operators = {node.op_type for node in onnx.load_model_from_string(twin).graph.node}
    assert not {"QuantizeLinear", "DequantizeLinear"} & operators
    measured, expected = (run(statistics_model(model), batch(pixels)) for model in (twin, precise))
    for one, other in zip(measured, expected, strict=True):
        assert np.abs(one - other).max() <= ROUNDED_WEIGHTS * np.abs(other).max()


def batch(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.ascontiguousarray(to_unit(pixels).transpose(2, 0, 1)[None])


def run(model: bytes, image: NDArray[np.generic]) -> list[NDArray[np.float32]]:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    results: list[NDArray[np.float32]] = session.run(None, {"image": image})
    return results
