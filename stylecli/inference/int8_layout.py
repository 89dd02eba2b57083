"""Rewrite the first and last convolution of an int8 network so that onnxruntime uses its fast kernel.

The fast kernel needs at least 4 input channels and 16 output channels, both multiples of 4. The first convolution of a
style network reads 3 channels, the last one writes 12. A picture (H, W, C) in memory is also a picture (H, W/2, 2 C):
each of its pixels is two neighbours side by side. On that view both convolutions have twice the channels. Their
kernels get zeros for the neighbours that do not matter. Sums of integers are exact, so the results do not change.
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
SIDE_BY_SIDE = 2  # neighbouring pixels that a widened convolution writes as one


def with_fast_layout(
    graph: Graph, nodes: Sequence[NodeProto], *, last: NodeProto | None, is_seen_wide: bool
) -> Iterator[NodeProto]:
    """Yield the nodes of a network, with its first and its `last` convolution widened where they are of 8 bits.

    Nearest-neighbour upsampling moves bytes instead of floats. The outputs of both convolutions must have an even
    width. is_seen_wide: whether the output of `last` stays in the wide view.
    """
    narrowed: dict[str, int] = {}  # bytes that a widened convolution writes -> channels of the original view
    for node in nodes:
        is_of_8_bits = node.op_type == "Conv" and is_of_bytes(graph, node)
        if is_of_8_bits and (node is last or _channels(graph, node)[1] == COLORS):
            rounding = _rounding_after(graph, node)
            assert rounding is not None  # `is_of_bytes` has checked it
            if node is not last or not is_seen_wide:
                narrowed[rounding.output[0]] = _channels(graph, node)[0]
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
    """Whether a convolution has 8-bit input, weights and output."""
    makers = [graph.makers.get(name) for name in convolution.input]
    is_read = len(makers) == 3 and all(maker is not None and maker.op_type == "DequantizeLinear" for maker in makers)
    return is_read and _rounding_after(graph, convolution) is not None


def _widen(graph: Graph, convolution: NodeProto) -> Iterator[NodeProto]:
    """Make a convolution write two neighbouring pixels as one, in place; yield the new nodes that prepare its input.

    The width of its output must be even.
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
    """Yield the nodes that view bytes (N, C, H, W), stored channels last, as pixels with another number of channels."""
    from onnx import helper

    shape = graph.add_constant(np.array([0, 0, -1, channels], np.int64), f"{result}_shape")
    yield helper.make_node("Transpose", [levels], [f"{result}_last"], perm=CHANNELS_LAST)
    yield helper.make_node("Reshape", [f"{result}_last", shape], [f"{result}_seen"])
    yield helper.make_node("Transpose", [f"{result}_seen"], [result], perm=CHANNELS_FIRST)


def _doubled(graph: Graph, levels: str, result: str) -> Iterator[NodeProto]:
    """Yield the nodes that double height and width of bytes (N, C, H, W) by nearest neighbour."""
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
    """Widen weights (O, I, h, w) to blocks of `block` columns: (2 O, block I, h, blocks).

    Also return the numbers of the first and last block that they read. Output pixel `a` of the two reads the columns
    stride * a - left + k, counted from the first column of its own block.
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
    """Return the number of channels that an int8 convolution writes, and the number that it reads."""
    channels_out, channels_in = graph.value(graph.makers[convolution.input[1]].input[0]).shape[:2]
    return channels_out, channels_in


def _rounding_after(graph: Graph, convolution: NodeProto) -> NodeProto | None:
    """Return the QuantizeLinear after a convolution, directly or behind a ReLU; None if there is none."""
    reader = graph.reader(convolution.output[0])
    if reader is not None and reader.op_type == "Relu":
        reader = graph.reader(reader.output[0])
    return reader if reader is not None and reader.op_type == "QuantizeLinear" else None


def _enlarged(graph: Graph, node: NodeProto) -> tuple[str, str] | None:
    """Recognise a QuantizeLinear that undoes a DequantizeLinear after a Resize by 2, nearest neighbour.

    Returns the names of the small and of the large tensor of bytes, None for any other node.
    """
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
