"""Edit an ONNX model so that it reads and writes 8-bit pixels (N, H, W, 3), as programs hold them.

The conversion to floats and the rounding become part of the graph, where onnxruntime runs them in parallel. Operators
that only move samples (padding, cropping, depth to space) then move bytes. Each result is bit for bit that of
`media.pixels.to_unit`, the model and `media.pixels.quantize`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from stylecli.inference.int8_layout import SIDE_BY_SIDE, is_of_bytes, with_fast_layout
from stylecli.inference.model_graph import Graph, attributes_of, edited, parsed, rename_tensors
from stylecli.inference.model_tail import PHASES, POINTWISE, averaged_convolution, convolution_of, tail_of

if TYPE_CHECKING:
    from onnx import NodeProto

UNIT = np.float32(1 / 255)  # value of one level, as in `media.pixels.to_unit`
COLORS = 3
CHANNELS_FIRST, CHANNELS_LAST = (0, 3, 1, 2), (0, 2, 3, 1)
AXES_CHANNELS_LAST = np.array([0, 3, 1, 2])  # the position of each axis of (N, C, H, W) in (N, H, W, C)
ROW = PHASES * COLORS  # samples in a row of these pixels
STRIDE = 4  # pixels: widened convolutions need a picture padded to multiples


def pixel_model(content: bytes) -> bytes:
    """Return a model of the style-pack contract with `image` and `stylized` as uint8 (N, H, W, 3).

    Other inputs stay as they are.
    """
    from onnx import TensorProto, helper

    model = parsed(content)
    others = [value for value in model.graph.input if value.name != "image"]
    kept = ("image", "stylized", *(value.name for value in others))
    rename_tensors(model.graph, prefix="network.", but=kept)  # so that new names are unique
    graph = Graph(model.graph)
    tail = tail_of(graph)
    body = [node for node in model.graph.node if not any(node is other for other in tail)]
    last = _last_convolution(graph, tail)
    is_even = _fills_up(graph)
    is_wide = is_even and last is not None and is_of_bytes(graph, last)
    nodes = [*_entry(graph, body)]
    if is_even:
        nodes = [*with_fast_layout(graph, nodes, last=averaged_convolution(graph) or last, is_seen_wide=is_wide)]
    nodes += _exit(graph, tail, last, is_wide=is_wide)
    for values, name in ((model.graph.input, "image"), (model.graph.output, "stylized")):
        del values[:]
        values.append(helper.make_tensor_value_info(name, TensorProto.UINT8, ["N", "H", "W", COLORS]))
    model.graph.input.extend(others)
    return edited(model, nodes)


def _entry(graph: Graph, nodes: Sequence[NodeProto]) -> Iterator[NodeProto]:
    """Yield the nodes with the conversion of bytes to 0..1 before them, or behind a padding that comes first."""
    from onnx import helper

    unit = graph.add_constant(UNIT, "bytes_unit")
    first = graph.add_constant(np.array(CHANNELS_FIRST), "bytes_first")
    last = graph.add_constant(np.array([*CHANNELS_LAST, 4, 6, 7, 5]), "bytes_last")  # of the sides of a padding

    def converted(levels: str, floats: str) -> NodeProto:
        return helper.make_node("DequantizeLinear", [levels, unit], [floats])

    yield helper.make_node("Shape", ["image"], ["image_shape_last"])
    yield helper.make_node("Gather", ["image_shape_last", first], ["image_shape"])
    yield helper.make_node("Transpose", ["image"], ["image_levels"], perm=CHANNELS_FIRST)
    yield converted("image_levels", "image_unit")
    bytes_of, padded_bytes = {"image": "image_levels"}, {"image": "image"}
    for node in nodes:
        if node.op_type == "Shape" and node.input[0] == "image":
            axes = np.arange(4)[slice(*(attributes_of(node).get(key) for key in ("start", "end")))]
            asked = graph.add_constant(axes, f"{node.output[0]}_axes")
            yield helper.make_node("Gather", ["image_shape", asked], node.output)
        elif node.op_type == "Pad" and node.input[0] in padded_bytes and len(node.input) == 2:
            padded, source = node.output[0], padded_bytes[node.input[0]]
            yield helper.make_node("Gather", [node.input[1], last], [f"{padded}_sides"])
            node.input[:], node.output[0] = [source, f"{padded}_sides"], f"{padded}_bytes_last"
            padded_bytes[padded] = node.output[0]
            yield node
            yield helper.make_node("Transpose", node.output, [f"{padded}_bytes"], perm=CHANNELS_FIRST)
            yield converted(f"{padded}_bytes", padded)
            bytes_of[padded] = f"{padded}_bytes"
        elif node.op_type == "QuantizeLinear" and node.input[0] in bytes_of and _has_unit_levels(graph, node):
            yield helper.make_node("Identity", [bytes_of[node.input[0]]], node.output)
        else:
            node.input[:] = ["image_unit" if name == "image" else name for name in node.input]
            yield node


def _has_unit_levels(graph: Graph, node: NodeProto) -> bool:
    """Whether the levels of a QuantizeLinear or DequantizeLinear are those of an 8-bit picture: k / 255."""
    if len(node.input) != 3 or not all(name in graph.constants for name in node.input[1:]):
        return False
    scale, zero = (graph.value(name) for name in node.input[1:])
    return zero.dtype == np.uint8 and not zero.any() and bool((scale == UNIT).all())


def _last_convolution(graph: Graph, tail: Sequence[NodeProto]) -> NodeProto | None:
    """Return the convolution whose 12 channels the tail spreads over 2 x 2 pixels; None if there is none."""
    return next((convolution_of(graph, node) for node in tail if node.op_type == "DepthToSpace"), None)


def _fills_up(graph: Graph) -> bool:
    """Whether the graph pads the picture to multiples of STRIDE: a Pad depends on a remainder by such a number."""
    waiting = [name for node in graph.graph.node if node.op_type == "Pad" for name in node.input[1:]]
    while waiting:
        node = graph.makers.get(waiting.pop())
        if node is None:
            continue
        divisor = graph.constants.get(node.input[1]) if node.op_type == "Mod" else None
        if divisor is not None and int(graph.value(divisor.name).item()) % STRIDE == 0:
            return True
        waiting += node.input
    return False


def _exit(graph: Graph, tail: Sequence[NodeProto], last: NodeProto | None, *, is_wide: bool) -> Iterator[NodeProto]:
    """Yield the tail reordered: pointwise nodes, the rounding, then the nodes that move samples, now as bytes.

    last: the result of `_last_convolution`. is_wide: whether it was widened.
    """
    from onnx import helper

    moving = [node for node in tail if node.op_type not in POINTWISE]
    pointwise = [node for node in tail if node.op_type in POINTWISE]
    final = pointwise[-1] if pointwise else None
    is_rounded = final is not None and final.op_type == "DequantizeLinear" and _has_unit_levels(graph, final)
    name = tail[0].input[0] if tail else "stylized"
    if not tail:
        name = graph.makers["stylized"].output[0] = "stylized_unit"
    if last is None or is_wide:
        yield helper.make_node("Transpose", [name], ["channels_last"], perm=CHANNELS_LAST)
        name = "channels_last"
    for node in pointwise[:-1] if is_rounded else pointwise:
        node.input[0], name = name, f"{node.output[0]}_exit"
        node.output[0] = name
        yield node
    if not is_rounded:
        unit, black = graph.add_constant(UNIT, "rounding_unit"), graph.add_constant(np.uint8(0), "rounding_black")
        yield helper.make_node("QuantizeLinear", [name, unit, black], ["levels"])
        name = "levels"
    if last is not None:
        order = _row_order(SIDE_BY_SIDE if is_wide else 1)
        if attributes_of(last).get("group", 1) == 1:
            graph.reorder_outputs(last, order)
        else:
            wanted = graph.add_constant(np.array(order), "levels_order")
            yield helper.make_node("Gather", [name, wanted], ["levels_ordered"], axis=1)
            name = "levels_ordered"
        yield from (_spread_cells if is_wide else _spread_planes)(graph, name, "spread_levels")
        name = "spread_levels"
    for number, node in enumerate(node for node in moving if node.op_type == "Slice"):
        axes = graph.add_constant(AXES_CHANNELS_LAST[graph.value(node.input[3])], f"axes_{number}")
        yield helper.make_node("Slice", [name, *node.input[1:3], axes, *node.input[4:]], [f"cropped_{number}"])
        name = f"cropped_{number}"
    yield helper.make_node("Identity", [name], ["stylized"])


def _row_order(pixels: int) -> list[int]:
    """Return the order that turns channels (pixel, color, row, column) into (row, pixel, column, color)."""
    channels = np.arange(pixels * COLORS * PHASES**2).reshape(pixels, COLORS, PHASES, PHASES)
    return [int(channel) for channel in channels.transpose(2, 0, 3, 1).ravel()]


def _spread_planes(graph: Graph, levels: str, result: str) -> Iterator[NodeProto]:
    """Yield nodes that turn planes (N, 2 * ROW, h, w) into pixels (N, H, W, 3).

    Two transpositions, both fast in onnxruntime: first samples into pixels, then whole rows into their places.
    """
    from onnx import helper

    constants = {
        "bands": [0, PHASES, ROW, -1],
        "same": [0, 0],
        "first": [0],
        "rest": [-1],
        "grown": [PHASES],
        "pixel": [-1, COLORS],
    }
    bands, same, first, rest, grown, pixel = _shapes(graph, result, constants)
    yield helper.make_node("Reshape", [levels, bands], [f"{result}_split"])  # (N, 2, ROW, h * w)
    yield helper.make_node("Transpose", [f"{result}_split"], [f"{result}_pixels"], perm=(0, 1, 3, 2))
    yield helper.make_node("Shape", [levels], [f"{result}_height"], start=2, end=3)
    yield helper.make_node("Concat", [same, f"{result}_height", rest], [f"{result}_rows_shape"], axis=0)
    yield helper.make_node("Reshape", [f"{result}_pixels", f"{result}_rows_shape"], [f"{result}_rows"])
    yield helper.make_node("Transpose", [f"{result}_rows"], [f"{result}_woven"], perm=(0, 2, 1, 3))
    yield helper.make_node("Mul", [f"{result}_height", grown], [f"{result}_full_height"])
    yield helper.make_node("Concat", [first, f"{result}_full_height", pixel], [f"{result}_shape"], axis=0)
    yield helper.make_node("Reshape", [f"{result}_woven", f"{result}_shape"], [result])


def _spread_cells(graph: Graph, levels: str, result: str) -> Iterator[NodeProto]:
    """Yield nodes that turn the output of a widened convolution into pixels (N, H, W, 3).

    It is (N, h, w, 2 * SIDE_BY_SIDE * ROW): cells of two rows.
    """
    from onnx import helper

    constants = {
        "cells": [0, 0, 0, PHASES, SIDE_BY_SIDE * ROW],
        "grown": [1, PHASES, PHASES * SIDE_BY_SIDE],
        "colors": [COLORS],
    }
    split, grown, colors = _shapes(graph, result, constants)
    yield helper.make_node("Reshape", [levels, split], [f"{result}_split"])
    yield helper.make_node("Transpose", [f"{result}_split"], [f"{result}_rows"], perm=(0, 1, 3, 2, 4))
    yield helper.make_node("Shape", [levels], [f"{result}_levels"], end=3)
    yield helper.make_node("Mul", [f"{result}_levels", grown], [f"{result}_size"])
    yield helper.make_node("Concat", [f"{result}_size", colors], [f"{result}_shape"], axis=0)
    yield helper.make_node("Reshape", [f"{result}_rows", f"{result}_shape"], [result])


def _shapes(graph: Graph, result: str, values: Mapping[str, Sequence[int]]) -> Iterator[str]:
    """Add integer constants, such as shapes; returns their names."""
    return (graph.add_constant(np.array(value, np.int64), f"{result}_{name}") for name, value in values.items())
