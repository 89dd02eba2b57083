"""A model for pixels as programs hold them: bytes in, bytes out, (N, H, W, 3). Edits of an ONNX model.

What a program would do around the network, whole pictures of floats in several passes, becomes part of the graph, where
it is done in parallel and where what only moves samples (padding, cropping, depth to space) moves bytes. Every result
is the one that `engine.to_unit`, the model and `engine.quantize` give, to the bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from stylecli.model_graph import Graph, attributes_of, edited, parsed

if TYPE_CHECKING:
    from onnx import NodeProto

LEVELS = np.float32(255)  # of a byte
UNIT = np.float32(1 / 255)  # of a level, as in `engine.to_unit`
COLORS = 3
CHANNELS_FIRST, CHANNELS_LAST = (0, 3, 1, 2), (0, 2, 3, 1)
AXES_CHANNELS_LAST = np.array([0, 3, 1, 2])  # where each axis of (N, C, H, W) is in (N, H, W, C)
POINTWISE = ("Sigmoid", "Clip", "QuantizeLinear", "DequantizeLinear")
# Of a last convolution that writes 2 x 2 pixels, each pair side by side takes a word of 8 bytes, 6 of which are used:
# onnxruntime moves words several times as fast as runs of 6 bytes.
PHASES, WORD = 2, 8


def pixel_model(content: bytes) -> bytes:
    """The model with `image` and `stylized` as uint8 (N, H, W, 3), of one that keeps the contract of style packs."""
    from onnx import TensorProto, helper

    model = parsed(content)
    graph = Graph(model.graph)
    tail = _tail(graph)
    body = [node for node in model.graph.node if not any(node is other for other in tail)]
    nodes = [*_entry(graph, body), *_exit(graph, tail)]
    for values, name in ((model.graph.input, "image"), (model.graph.output, "stylized")):
        del values[:]
        values.append(helper.make_tensor_value_info(name, TensorProto.UINT8, ["N", "H", "W", COLORS]))
    return edited(model, nodes)


def _entry(graph: Graph, nodes: Sequence[NodeProto]) -> Iterator[NodeProto]:
    """The nodes, with bytes before them that become floats in 0..1: after the padding, if that comes first."""
    from onnx import TensorProto, helper

    unit = graph.add_constant(UNIT, "unit")

    def converted(levels: str, floats: str) -> Iterator[NodeProto]:
        yield helper.make_node("Cast", [levels], [f"{levels}_float"], to=TensorProto.FLOAT)
        yield helper.make_node("Mul", [f"{levels}_float", unit], [floats])

    yield helper.make_node("Transpose", ["image"], ["image_levels"], perm=CHANNELS_FIRST)
    if any("image" in node.input and node.op_type not in ("Shape", "Pad") for node in nodes):
        yield from converted("image_levels", "image_unit")
    for node in nodes:
        if node.op_type == "Pad" and node.input[0] == "image":
            padded = node.output[0]
            node.input[0], node.output[0] = "image_levels", f"{padded}_bytes"
            yield node
            yield from converted(f"{padded}_bytes", padded)
        else:
            source = "image_levels" if node.op_type == "Shape" else "image_unit"
            node.input[:] = [source if name == "image" else name for name in node.input]
            yield node


def _tail(graph: Graph) -> list[NodeProto]:
    """What follows the last convolution, in order: nodes that are pointwise or merely move samples."""
    tail: list[NodeProto] = []
    name = "stylized"
    while node := graph.maker(name, *POINTWISE, "Slice", "DepthToSpace"):
        if node.op_type == "DepthToSpace" and _convolution_of(graph, node) is None:
            break
        tail.insert(0, node)
        name = node.input[0]
    return tail


def _convolution_of(graph: Graph, spreading: NodeProto) -> NodeProto | None:
    """The convolution whose 12 channels a node spreads over 2 x 2 pixels, with nothing but pointwise nodes between."""
    if attributes_of(spreading) != {"mode": b"CRD", "blocksize": PHASES}:
        return None
    name = spreading.input[0]
    while node := graph.maker(name, *POINTWISE):
        name = node.input[0]
    convolution = graph.maker(name, "Conv")
    if convolution is None or not all(graph.source(name) for name in convolution.input[1:]):
        return None
    weight = graph.value(graph.source(convolution.input[1]))
    return convolution if len(weight) == COLORS * PHASES**2 else None


def _exit(graph: Graph, tail: Sequence[NodeProto]) -> Iterator[NodeProto]:
    """The tail with its channels last: pointwise nodes, then the one rounding, then what moves samples."""
    from onnx import helper

    moving = [node for node in tail if node.op_type not in POINTWISE]
    convolutions = [_convolution_of(graph, node) for node in moving if node.op_type == "DepthToSpace"]
    floats, name = tail[0].input[0] if tail else "stylized", "channels_last"
    if not tail:
        floats = graph.makers["stylized"].output[0] = "stylized_unit"
    yield helper.make_node("Transpose", [floats], [name], perm=CHANNELS_LAST)
    for node in (node for node in tail if node.op_type in POINTWISE):
        node.input[0], name = name, f"{node.output[0]}_last"
        node.output[0] = name
        yield node
    yield from _rounded(graph, name, is_bounded="Sigmoid" in (node.op_type for node in tail))
    name = "levels"
    for convolution in convolutions:
        assert convolution is not None  # `_tail` took no other DepthToSpace
        graph.reorder_outputs(convolution, _word_order())
        yield from _spread(graph, name, "spread_levels")
        name = "spread_levels"
    for number, node in enumerate(node for node in moving if node.op_type == "Slice"):
        axes = graph.add_constant(AXES_CHANNELS_LAST[graph.value(node.input[3])], f"axes_{number}")
        yield helper.make_node("Slice", [name, *node.input[1:3], axes, *node.input[4:]], [f"cropped_{number}"])
        name = f"cropped_{number}"
    yield helper.make_node("Identity", [name], ["stylized"])


def _rounded(graph: Graph, floats: str, *, is_bounded: bool) -> Iterator[NodeProto]:
    """Floats to `levels`, bytes, as `engine.quantize` clips and rounds; `is_bounded` says that they are in 0..1."""
    from onnx import TensorProto, helper

    constants = {"scale": LEVELS, "half": np.float32(0.5), "least": np.float32(0), "most": LEVELS}
    scale, half, least, most = (graph.add_constant(value, f"rounding_{name}") for name, value in constants.items())
    yield helper.make_node("Mul", [floats, scale], ["scaled"])
    yield helper.make_node("Add", ["scaled", half], ["raised"])
    if not is_bounded:
        yield helper.make_node("Clip", ["raised", least, most], ["bounded"])
    yield helper.make_node("Cast", ["raised" if is_bounded else "bounded"], ["levels"], to=TensorProto.UINT8)


def _word_order() -> list[int]:
    """Of the last convolution's channels (color, row, column) the order (row, column, color); -1 for void ones."""
    order = np.arange(COLORS * PHASES**2).reshape(COLORS, PHASES, PHASES).transpose(1, 2, 0).reshape(PHASES, -1)
    return [*np.pad(order, ((0, 0), (0, WORD - COLORS * PHASES)), constant_values=-1).ravel()]


def _spread(graph: Graph, levels: str, result: str) -> Iterator[NodeProto]:
    """Words (N, h, w, 2 * 8) to pixels (N, 2 h, 2 w, 3)."""
    from onnx import helper

    constants = {
        "split": [0, 0, 0, PHASES, WORD],
        "begin": [0],
        "end": [COLORS * PHASES],
        "axis": [4],
        "twice": [PHASES],
        "copied": [0],
        "colors": [COLORS],
    }
    split, begin, end, axis, twice, copied, colors = (
        graph.add_constant(np.array(value, np.int64), f"{result}_{name}") for name, value in constants.items()
    )
    yield helper.make_node("Reshape", [levels, split], [f"{result}_words"])
    yield helper.make_node("Transpose", [f"{result}_words"], [f"{result}_rows"], perm=(0, 1, 3, 2, 4))
    yield helper.make_node("Slice", [f"{result}_rows", begin, end, axis], [f"{result}_pairs"])
    yield helper.make_node("Shape", [levels], [f"{result}_cells"], start=1, end=3)
    yield helper.make_node("Mul", [f"{result}_cells", twice], [f"{result}_size"])
    yield helper.make_node("Concat", [copied, f"{result}_size", colors], [f"{result}_shape"], axis=0)
    yield helper.make_node("Reshape", [f"{result}_pairs", f"{result}_shape"], [result])
