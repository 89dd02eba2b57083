"""Networks of 8-bit integers in the layout that processors multiply fastest. Edits of an ONNX model.

onnxruntime multiplies bytes several times as fast where a convolution reads at least 4 channels and writes at least 16,
both multiples of 4. The first and the last layer of a style network have 3 and 12. Seen as a picture of half the width
whose pixels are two of the old ones side by side, which moves no sample, they have twice as many. The weights get zeros
where a pixel does not matter; the sums are of integers, so that every result stays the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from stylecli.inference.model_graph import Graph, attributes_of

if TYPE_CHECKING:
    from onnx import NodeProto

CHANNELS_FIRST, CHANNELS_LAST = (0, 3, 1, 2), (0, 2, 3, 1)
COLORS = 3
SIDE_BY_SIDE = 2  # pixels that a widened convolution writes at once


def with_fast_layout(graph: Graph, nodes: Sequence[NodeProto], *, last: NodeProto) -> Iterator[NodeProto]:
    """The nodes of a network of bytes: its first and its `last` convolution widened, bytes enlarged as such.

    What the last one writes stays wide. The width of what these two write must be even.
    """
    narrowed: dict[str, int] = {}  # levels that come out of a widened convolution, and how many channels they have
    for node in nodes:
        if node.op_type == "Conv" and is_of_bytes(graph, node) and _channels(graph, node)[1] == COLORS:
            rounding = _rounding_after(graph, node)
            assert rounding is not None  # it is of bytes
            narrowed[rounding.output[0]] = _channels(graph, node)[0]
            yield from _widen(graph, node)
        if node is last:
            yield from _widen(graph, node)
        if node.op_type == "QuantizeLinear" and node.output[0] in narrowed:
            levels = node.output[0]
            node.output[0] = f"{levels}_side_by_side"
            yield node
            yield from _reshaped(graph, node.output[0], levels, narrowed[levels])
        elif enlarged := _enlarged(graph, node):
            yield from _doubled(graph, *enlarged)
        else:
            yield node


def is_of_bytes(graph: Graph, convolution: NodeProto) -> bool:
    """Whether a convolution reads and writes bytes, and its weights are bytes."""
    makers = [graph.makers.get(name) for name in convolution.input]
    is_read = len(makers) == 3 and all(maker is not None and maker.op_type == "DequantizeLinear" for maker in makers)
    return is_read and _rounding_after(graph, convolution) is not None


def _widen(graph: Graph, convolution: NodeProto) -> Iterator[NodeProto]:
    """Make a convolution write two pixels side by side as one; yields the nodes that it reads its picture from now.

    The width of its result must be even.
    """
    from onnx import helper

    attributes = attributes_of(convolution)
    stride, (top, left, bottom, _) = attributes["strides"][1], attributes["pads"]
    reading, weighing, _ = (graph.makers[name] for name in convolution.input)
    wide, first, last = _widened(graph.value(weighing.input[0]), stride=stride, left=left)
    name = convolution.output[0]
    weighing.input[0] = graph.add_constant(wide, f"{name}_wide")
    for maker in (graph.makers[name] for name in convolution.input[1:]):
        for number, source in enumerate(maker.input):
            value = graph.value(source)
            if value.ndim == 1:
                maker.input[number] = graph.add_constant(np.tile(value, SIDE_BY_SIDE), f"{source}_wide")
    yield from _reshaped(graph, reading.input[0], f"{name}_wide_levels", wide.shape[1])
    yield helper.make_node("DequantizeLinear", [f"{name}_wide_levels", *reading.input[1:]], [f"{name}_wide_image"])
    convolution.input[0] = f"{name}_wide_image"
    changed = {
        "kernel_shape": wide.shape[2:],
        "pads": [top, -first, bottom, last],
        "strides": [attributes["strides"][0], 1],
    }
    del convolution.attribute[:]
    convolution.attribute.extend(
        helper.make_attribute(key, value) for key, value in {**attributes, **changed}.items() if key != "auto_pad"
    )


def _reshaped(graph: Graph, levels: str, result: str, channels: int) -> Iterator[NodeProto]:
    """The nodes that see rows of bytes, (N, C, H, W) whose channels lie last in memory, as pixels of other channels."""
    from onnx import helper

    shape = graph.add_constant(np.array([0, 0, -1, channels], np.int64), f"{result}_shape")
    yield helper.make_node("Transpose", [levels], [f"{result}_last"], perm=CHANNELS_LAST)
    yield helper.make_node("Reshape", [f"{result}_last", shape], [f"{result}_seen"])
    yield helper.make_node("Transpose", [f"{result}_seen"], [result], perm=CHANNELS_FIRST)


def _doubled(graph: Graph, levels: str, result: str) -> Iterator[NodeProto]:
    """The nodes that enlarge bytes (N, C, H, W) to twice the height and width, by nearest neighbour."""
    from onnx import helper

    constants = {"row": [0, 0, 1, -1], "twice": [1, 2, 2, 1]}
    row, twice = (
        graph.add_constant(np.array(value, np.int64), f"{result}_{name}") for name, value in constants.items()
    )
    yield helper.make_node("Transpose", [levels], [f"{result}_last"], perm=CHANNELS_LAST)
    yield helper.make_node("Shape", [f"{result}_last"], [f"{result}_half"])
    yield helper.make_node("Mul", [f"{result}_half", twice], [f"{result}_shape"])
    yield helper.make_node("Concat", [f"{result}_last"] * 2, [f"{result}_across"], axis=3)
    yield helper.make_node("Reshape", [f"{result}_across", row], [f"{result}_rows"])
    yield helper.make_node("Concat", [f"{result}_rows"] * 2, [f"{result}_down"], axis=2)
    yield helper.make_node("Reshape", [f"{result}_down", f"{result}_shape"], [f"{result}_seen"])
    yield helper.make_node("Transpose", [f"{result}_seen"], [result], perm=CHANNELS_FIRST)


def _widened(weight: NDArray[np.int8], *, stride: int, left: int) -> tuple[NDArray[np.int8], int, int]:
    """Weights (O, I, h, w) on blocks of pixels (2 O, block I, h, blocks); the first and last block that they reach.

    Pixel `a` of the two reads the columns stride * a - left + k of the picture, counted from the block's own first one.
    """
    channels_out, channels_in, height, width = weight.shape
    block = stride * SIDE_BY_SIDE
    reached = stride * np.arange(SIDE_BY_SIDE)[:, None] - left + np.arange(width)  # (a, k)
    first, last = int(reached.min() // block), int(reached.max() // block)
    shape = (SIDE_BY_SIDE, channels_out, block, channels_in, height, last - first + 1)
    wide = np.zeros(shape, weight.dtype)
    for pixel, column in np.ndindex(reached.shape):
        place = reached[pixel, column]
        wide[pixel, :, place % block, :, :, place // block - first] = weight[..., column]
    return wide.reshape(SIDE_BY_SIDE * channels_out, block * channels_in, *shape[4:]), first, last


def _channels(graph: Graph, convolution: NodeProto) -> tuple[int, int]:
    """How many channels a convolution of bytes writes and reads."""
    channels_out, channels_in = graph.value(graph.makers[convolution.input[1]].input[0]).shape[:2]
    return channels_out, channels_in


def _rounding_after(graph: Graph, convolution: NodeProto) -> NodeProto | None:
    """The node that makes bytes of a convolution's result, at most a ReLU between."""
    reader = graph.reader(convolution.output[0])
    if reader is not None and reader.op_type == "Relu":
        reader = graph.reader(reader.output[0])
    return reader if reader is not None and reader.op_type == "QuantizeLinear" else None


def _enlarged(graph: Graph, node: NodeProto) -> tuple[str, str] | None:
    """Of a node that rounds what a Resize made of bytes, to the same levels: the bytes, and those of twice the size."""
    if node.op_type != "QuantizeLinear" or (resize := graph.maker(node.input[0], "Resize")) is None:
        return None
    reading, scales = graph.makers.get(resize.input[0]), resize.input[2] if len(resize.input) > 2 else ""
    if reading is None or reading.op_type != "DequantizeLinear" or scales not in graph.constants:
        return None
    attributes = attributes_of(resize)
    how = tuple(attributes.get(key) for key in ("mode", "nearest_mode", "coordinate_transformation_mode"))
    is_doubling = how == (b"nearest", b"floor", b"asymmetric") and [*graph.value(scales)] == [1, 1, 2, 2]
    levels = [[graph.value(name) for name in one.input[1:]] for one in (reading, node)]
    return (reading.input[0], node.output[0]) if is_doubling and levels[0] == levels[1] else None
