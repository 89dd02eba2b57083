from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import helper

from stylecli.core.errors import PackError
from stylecli.inference.engine import Engine
from stylecli.inference.flow import FLOW_REACH, flowing_model
from stylecli.inference.normalization import statistics_model, with_statistics
from stylecli.inference.uint8_model import pixel_model
from stylecli.media.pixels import quantize, to_unit
from stylecli.packs.pack import open_pack
from tests.inference.test_uint8_model import MODELS, spreading_model
from tests.support.packs import NORMALIZING_REACH, StyleFactory, normalizing_model

Floats = NDArray[np.float32]
SIDE = 96  # pixels
PERIOD = 8.0  # pixels, of stripes
INSIDE = (slice(16, -16), slice(16, -16))


def copying_model(*, opset: int = 20) -> onnx.ModelProto:
    """A network that paints the photo itself."""
    picture = ["n", 3, "h", "w"]
    graph = helper.make_graph(
        [helper.make_node("Identity", ["image"], ["stylized"])],
        "copying",
        [helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, picture)],
        [helper.make_tensor_value_info("stylized", onnx.TensorProto.FLOAT, picture)],
    )
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", opset)])


COPYING = onnxruntime.InferenceSession(
    flowing_model(copying_model().SerializeToString()), providers=["CPUExecutionProvider"]
)


def drawn_out(picture: Floats, flow: float = 1.0) -> Floats:
    """Draw out the strokes of a grey picture (H, W)."""
    planes = np.ascontiguousarray(np.broadcast_to(picture, (1, 3, *picture.shape)), np.float32)
    (result,) = COPYING.run(None, {"image": planes, "flow": np.array(flow, np.float32)})
    painted: Floats = result[0, 0]
    return painted


def run(model: bytes, pixels: NDArray[np.generic], flow: float = 1.0) -> NDArray[np.generic]:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    (result,) = session.run(None, {"image": pixels, "flow": np.array(flow, np.float32)})
    painted: NDArray[np.generic] = result
    return painted


def stripes(degrees: float) -> Floats:
    """Stripes that run in a direction, counted from the rows of the picture downwards."""
    rows, columns = np.indices((SIDE, SIDE))
    angle = np.deg2rad(degrees)
    across = columns * -np.sin(angle) + rows * np.cos(angle)
    return np.asarray(0.5 + 0.3 * np.sin(2 * np.pi * across / PERIOD), np.float32)


def noise(seed: int = 0) -> Floats:
    return np.asarray(np.random.default_rng(seed).normal(0, 0.1, (SIDE, SIDE)), np.float32)


@pytest.mark.parametrize("degrees", range(0, 180, 15))
def test_stripes_stay_and_what_crosses_them_goes(degrees: int) -> None:
    clean, grain = stripes(degrees), noise()
    assert np.std(drawn_out(clean)[INSIDE]) > 0.95 * np.std(clean[INSIDE])
    left = drawn_out(clean + grain)[INSIDE] - drawn_out(clean)[INSIDE]
    softened = drawn_out(clean + grain, 0)[INSIDE] - drawn_out(clean, 0)[INSIDE]
    assert np.std(left) < 0.6 * np.std(softened)


def test_what_is_left_of_noise_runs_along_the_stripes() -> None:
    left = drawn_out(stripes(0) + noise()) - drawn_out(stripes(0))
    along, across = np.diff(left, axis=1)[INSIDE], np.diff(left, axis=0)[INSIDE]
    assert np.std(along) < 0.5 * np.std(across)


def test_where_directions_meet_the_picture_stays() -> None:
    rows, columns = np.indices((SIDE, SIDE))
    checks = np.asarray(0.2 + 0.6 * ((rows // 6 + columns // 6) % 2), np.float32)
    change = np.abs(drawn_out(checks) - drawn_out(checks, 0))[INSIDE].mean()
    crossed = np.abs(drawn_out(stripes(0) + noise()) - drawn_out(stripes(0) + noise(), 0))[INSIDE].mean()
    assert change < 0.03
    assert change < crossed


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 7), (61, 83), (64, 96)])
@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_an_even_picture_of_any_size_stays(size: tuple[int, int], value: float) -> None:
    np.testing.assert_allclose(drawn_out(np.full(size, value, np.float32)), value, atol=1e-5)


def test_half_of_the_flow_lies_between() -> None:
    picture = stripes(30) + noise()
    none, half, full = (drawn_out(picture, flow) for flow in (0, 0.5, 1))
    assert 0.2 < np.std(half - none) / np.std(full - none) < 0.8


def test_it_sees_no_farther_than_it_says() -> None:
    side = 4 * FLOW_REACH
    grain = np.random.default_rng(0).uniform(0, 1, (side, side)).astype(np.float32)
    dotted = grain.copy()
    dotted[side // 2, side // 2] = 1 - dotted[side // 2, side // 2]
    rows, columns = np.nonzero(drawn_out(grain) != drawn_out(dotted))
    farthest = max(np.abs(rows - side // 2).max(), np.abs(columns - side // 2).max())
    assert 8 < farthest <= FLOW_REACH


def test_tiles_change_no_pixel(make_style: StyleFactory, tmp_path: object, large: NDArray[np.uint8]) -> None:
    folder = make_style(
        tmp_path, "flowing", model=normalizing_model(), statistics="patches", reach=NORMALIZING_REACH, flow=1.0
    )
    pack = open_pack(folder)
    with Engine(pack, device="cpu", tile="off") as whole, Engine(pack, device="cpu", tile=333) as cut:
        assert len([*cut.stylized_tiles(large)]) > 4
        scene = whole.measure(large)
        np.testing.assert_allclose(cut.stylize(large, scene), whole.stylize(large, scene), atol=1e-5)
        assert np.abs(whole.stylize(large, scene) - whole.stylize(large, scene, flow=0)).mean() > 0.005


@pytest.mark.parametrize("size", [(1, 1), (2, 7), (61, 83), (128, 96)])
@pytest.mark.parametrize("name", MODELS)
def test_bytes_come_out_as_from_floats_to_the_bit(name: str, size: tuple[int, int]) -> None:
    model = flowing_model(MODELS[name].SerializeToString())
    pixels = np.random.default_rng(0).integers(0, 256, (2, *size, 3), np.uint8)
    painted = run(model, np.ascontiguousarray(to_unit(pixels).transpose(0, 3, 1, 2)))
    wanted = quantize(np.asarray(painted.transpose(0, 2, 3, 1), np.float32), np.uint8)
    np.testing.assert_array_equal(run(pixel_model(model), pixels), wanted)


def test_statistics_may_be_given_before_or_after() -> None:
    model = spreading_model().SerializeToString()
    image = np.random.default_rng(0).uniform(0, 1, (1, 3, 61, 83)).astype(np.float32)
    measuring = onnxruntime.InferenceSession(statistics_model(model), providers=["CPUExecutionProvider"])
    statistics = measuring.run(None, {"image": image})
    before, after = flowing_model(with_statistics(model, statistics)), with_statistics(flowing_model(model), statistics)
    np.testing.assert_allclose(run(before, image), run(after, image), atol=1e-6)


def test_pixels_that_a_convolution_writes_as_channels_are_averaged_there() -> None:
    model = spreading_model()
    flowing = flowing_model(model.SerializeToString())
    kinds = [node.op_type for node in onnx.load_model_from_string(flowing).graph.node]
    assert kinds.count("DepthToSpace") == 1  # the one at the end
    model.graph.node[-1].output[0] = "painted_so_far"
    model.graph.node.append(helper.make_node("Identity", ["painted_so_far"], ["stylized"]))  # hides them
    pooled = flowing_model(model.SerializeToString())
    image = np.random.default_rng(0).uniform(0, 1, (2, 3, 64, 80)).astype(np.float32)
    np.testing.assert_allclose(run(flowing, image), run(pooled, image), atol=1e-5)


def test_a_network_of_an_old_version_is_refused() -> None:
    with pytest.raises(PackError, match="opset 13"):
        flowing_model(copying_model(opset=13).SerializeToString())
