from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from stylecli.inference.engine import Engine
from stylecli.inference.flow import flowing_model
from stylecli.inference.int8_layout import is_of_bytes
from stylecli.inference.model_graph import Graph
from stylecli.inference.normalization import statistics_model, with_statistics
from stylecli.inference.uint8_model import pixel_model
from stylecli.media.pixels import quantize, to_unit
from stylecli.packs.pack import StylePack
from stylecli.packs.shelves import find_style
from stylecli.stylize.look import Look
from stylecli.stylize.painting import paint
from tests.support.packs import normalizing_model, tiny_model

SIZES = [(1, 1), (2, 7), (61, 83), (128, 96)]  # height and width in pixels


def spreading_model() -> onnx.ModelProto:
    """A network whose last convolution writes 2 x 2 pixels at once, as that of the bundled styles."""
    random = np.random.default_rng(3)
    model = normalizing_model()
    graph = model.graph
    painting = next(node for node in graph.node if node.output[0] == "painted")
    painting.input[:] = ["again", "phases", "phase_bias"]
    painting.output[0] = "phased"
    enlarging = next(node for node in graph.node if node.op_type == "Resize")
    spread = helper.make_node("DepthToSpace", ["phased"], ["painted"], blocksize=2, mode="CRD")
    nodes = [node for node in graph.node if node is not enlarging]
    nodes.insert(nodes.index(painting) + 1, spread)
    del graph.node[:]
    graph.node.extend(nodes)
    graph.initializer.append(numpy_helper.from_array(random.normal(size=(12, 8, 3, 3)).astype(np.float32), "phases"))
    graph.initializer.append(numpy_helper.from_array(random.normal(size=12).astype(np.float32), "phase_bias"))
    return model


def cropping_model() -> onnx.ModelProto:
    """A network that crops in a way that tells no axes, and stretches the result beyond 0..1."""
    model = normalizing_model()
    graph = model.graph
    last = graph.node[-1]
    last.input[:] = ["whole", "first", "end"]
    last.output[0] = "cropped"
    graph.node.append(helper.make_node("Mul", ["cropped", "double"], ["stretched"]))
    graph.node.append(helper.make_node("Slice", ["stretched", "none", "all"], ["stylized"]))
    constants = {"first": [0, 0, 4, 4], "end": [9, 9, -4, -4], "none": [0, 0, 0, 0], "all": [2**31] * 4}
    for name, value in constants.items():
        graph.initializer.append(numpy_helper.from_array(np.array(value, np.int64), name))
    graph.initializer.append(numpy_helper.from_array(np.array(2, np.float32), "double"))
    return model


MODELS = {
    "cropping": cropping_model(),
    "clamped": tiny_model(),
    "normalizing": normalizing_model(),
    "spreading": spreading_model(),
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", MODELS)
def test_bytes_come_out_as_from_floats_to_the_bit(name: str, size: tuple[int, int]) -> None:
    model = MODELS[name].SerializeToString()
    pixels = random_pixels(2, *size)
    np.testing.assert_array_equal(run(pixel_model(model), pixels), by_floats(model, pixels))


def test_given_statistics_may_be_folded_in_before() -> None:
    model, pixels = MODELS["spreading"].SerializeToString(), random_pixels(1, 61, 83)
    unit = to_unit(pixels).transpose(0, 3, 1, 2)
    statistics = session(statistics_model(model)).run(None, {"image": np.ascontiguousarray(unit)})
    folded = with_statistics(model, statistics)
    np.testing.assert_array_equal(run(pixel_model(folded), pixels), by_floats(folded, pixels))


def test_what_only_moves_samples_moves_bytes() -> None:
    nodes = [
        node.op_type
        for node in onnx.load_model_from_string(pixel_model(MODELS["spreading"].SerializeToString())).graph.node
    ]
    assert "DepthToSpace" not in nodes  # of floats; words of bytes are moved instead
    assert nodes.index("Pad") < nodes.index("DequantizeLinear")
    assert nodes.index("QuantizeLinear") < nodes.index("Slice")


def test_the_first_and_last_convolution_of_8_bits_are_widened_with_and_without_flow() -> None:
    model = find_style("great-wave").model_bytes("int8")
    plain, flowing = (narrow_convolutions(pixel_model(one)) for one in (model, flowing_model(model)))
    assert plain == flowing == 0
    assert narrow_convolutions(model) == 2


def narrow_convolutions(content: bytes) -> int:
    """Count the 8-bit convolutions that read 3 channels or write 12, for which onnxruntime has no fast kernel."""
    graph = Graph(onnx.load_model_from_string(content).graph)
    convolutions = [node for node in graph.graph.node if node.op_type == "Conv" and is_of_bytes(graph, node)]
    shapes = [graph.value(graph.source(node.input[1])).shape for node in convolutions]
    return sum(written == 12 or read == 3 for written, read, *_ in shapes)


@pytest.mark.parametrize("flow", [0.0, 1.0])
@pytest.mark.parametrize("variant", ["fast", "int8"])
def test_a_bundled_style_paints_the_same_bytes_on_both_ways(
    variant: str, flow: float, photo: NDArray[np.uint8]
) -> None:
    with Engine(find_style("great-wave", variant=variant), device="cpu") as engine:
        engine.flow = flow
        np.testing.assert_array_equal(paint(engine, photo, Look()), quantize(engine.stylize(photo), np.uint8))
        scene = engine.measure(photo)
        by_bytes = paint(engine, photo, Look(), statistics=scene)
        np.testing.assert_array_equal(by_bytes, quantize(engine.stylize(photo, scene), np.uint8))


def test_bytes_in_tiles_are_those_of_the_whole(normalizing_pack: StylePack, large: NDArray[np.uint8]) -> None:
    with (
        Engine(normalizing_pack, device="cpu", tile="off") as whole,
        Engine(normalizing_pack, device="cpu", tile=333) as cut,
    ):
        assert len([*cut.stylized_bytes(large)]) > 4
        np.testing.assert_array_equal(
            paint(cut, large, Look(brush="native")), paint(whole, large, Look(brush="native"))
        )


def random_pixels(count: int, height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (count, height, width, 3), np.uint8)


def by_floats(model: bytes, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    unit = np.ascontiguousarray(to_unit(pixels).transpose(0, 3, 1, 2))
    levels: NDArray[np.uint8] = quantize(run(model, unit).transpose(0, 2, 3, 1), np.uint8)
    return levels


def run(model: bytes, image: NDArray[np.generic]) -> NDArray[np.float32]:
    (result,) = session(model).run(None, {"image": image})
    stylized: NDArray[np.float32] = result
    return stylized


def session(model: bytes) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
