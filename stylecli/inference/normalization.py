"""Split instance normalisation into measuring and applying: two ONNX models made from one.

Live instance normalisation measures each feature map whenever the model runs, over exactly the pixels it is given. So
tiles differ from the whole picture, frames of a video flicker, and measuring takes much of a small network's time.
`statistics_model` only measures, over a batch of patches as if they were one picture. `with_statistics` applies given
statistics, folded into the convolutions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from stylecli.inference.model_graph import Graph, edited, parsed

if TYPE_CHECKING:
    from onnx import NodeProto

NORM = "InstanceNormalization"
INT32_RANGE = (-(2.0**31) + 128, 2.0**31 - 128)  # float32 values that convert to int32 without overflow
EPSILON = 1e-5  # default of the operator InstanceNormalization
OVER_PATCHES = np.array((0, 2, 3), np.int64)  # axes of (N, C, H, W) to reduce: patches and positions

Statistics = Sequence[NDArray[np.float32]]
"""Mean and variance of each normalised feature map, (2, C), in the order of the model's nodes."""


def statistics_model(content: bytes) -> bytes:
    """Return the model that maps `image`, patches (N, 3, H, W) of one picture, to the `Statistics` of all patches."""
    model = parsed(content)
    graph = Graph(model.graph)
    axes = graph.add_constant(OVER_PATCHES, "over_patches")
    nodes: list[NodeProto] = []
    measured: list[str] = []
    for node in model.graph.node:
        if node.op_type == NORM:
            nodes.extend(_measuring(graph, node, axes))
            measured.append(f"{node.output[0]}_statistics")
        else:
            nodes.append(node)
    return edited(model, nodes, outputs=measured)


def with_statistics(content: bytes, statistics: Statistics) -> bytes:
    """Return the model that applies `statistics`; each normalisation is folded into the convolution before it.

    For x = W * input + b, gamma (x - mean) / sqrt(variance + epsilon) + beta is a convolution with scaled W and b.
    """
    model = parsed(content)
    graph = Graph(model.graph)
    given = iter(statistics)
    nodes: list[NodeProto] = []
    for node in model.graph.node:
        if node.op_type != NORM:
            nodes.append(node)
            continue
        mean, variance = next(given)
        gain = graph.value(node.input[1]) / np.sqrt(variance + _epsilon(node))
        shift = graph.value(node.input[2]) - mean * gain
        convolution = graph.maker(node.input[0], "Conv")
        if convolution is None:
            nodes.extend(_scaled(graph, node, gain, shift))
        else:
            place = next(number for number, other in enumerate(nodes) if other is convolution)
            nodes[place:place] = _scale_convolution(graph, convolution, gain, shift)
            convolution.output[0] = node.output[0]
    return edited(model, nodes)


def _scale_convolution(
    graph: Graph, node: NodeProto, gain: NDArray[np.float32], shift: NDArray[np.float32]
) -> Iterator[NodeProto]:
    """Make a convolution return gain * result + shift, in place; both (C,). Yields new nodes that it reads.

    8-bit weights keep their levels: only their scale changes, and the sign where `gain` is negative. Their bias is
    stored in 32 bits, as onnxruntime requires.
    """
    result, (data, weight) = node.output[0], node.input[:2]
    bias = graph.value(node.input[2]) * gain + shift if len(node.input) > 2 and node.input[2] else shift
    if weight in graph.constants:
        value = graph.value(weight)
        node.input[1:] = [
            graph.add_constant((value * gain[:, None, None, None]).astype(value.dtype), f"{result}_weight"),
            graph.add_constant(bias.astype(value.dtype), f"{result}_bias"),
        ]
        return
    from onnx import helper

    levels, scale = (graph.value(name) for name in graph.makers[weight].input[:2])
    new_scale = np.maximum(scale * np.abs(gain), np.finfo(np.float32).tiny).astype(np.float32)
    signed = (levels * np.where(gain < 0, -1, 1)[:, None, None, None]).astype(np.int8)
    bias_scale = new_scale * graph.value(graph.makers[data].input[1])
    bias_levels = np.rint(np.clip(bias / bias_scale, *INT32_RANGE)).astype(np.int32)
    for name, (tensor, factor) in {"weight": (signed, new_scale), "bias": (bias_levels, bias_scale)}.items():
        inputs = [
            graph.add_constant(tensor, f"{result}_{name}_levels"),
            graph.add_constant(factor, f"{result}_{name}_scale"),
        ]
        yield helper.make_node("DequantizeLinear", inputs, [f"{result}_{name}"], axis=0)
    node.input[1:] = [f"{result}_weight", f"{result}_bias"]


def _measuring(graph: Graph, norm: NodeProto, axes: str) -> Iterator[NodeProto]:
    """Yield nodes that normalise over all patches together and output mean and variance as `{output}_statistics`."""
    from onnx import TensorProto, helper

    x, gamma, beta = norm.input
    y = norm.output[0]
    channels = (1, -1, 1, 1)
    gain = graph.add_constant(graph.value(gamma).astype(np.float32).reshape(channels), f"{y}_gamma")
    shift = graph.add_constant(graph.value(beta).astype(np.float32).reshape(channels), f"{y}_beta")
    epsilon = graph.add_constant(np.array(_epsilon(norm), np.float32), f"{y}_epsilon")
    flat = graph.add_constant(np.array((1, -1), np.int64), f"{y}_flat")
    kind = TensorProto.FLOAT if graph.value(gamma).dtype == np.float32 else TensorProto.FLOAT16
    # Always in float32: squares would overflow half precision.
    yield helper.make_node("Cast", [x], [f"{y}_float"], to=TensorProto.FLOAT)
    yield helper.make_node("ReduceMean", [f"{y}_float", axes], [f"{y}_mean"])
    yield helper.make_node("Sub", [f"{y}_float", f"{y}_mean"], [f"{y}_centred"])
    yield helper.make_node("Mul", [f"{y}_centred", f"{y}_centred"], [f"{y}_square"])
    yield helper.make_node("ReduceMean", [f"{y}_square", axes], [f"{y}_variance"])
    yield helper.make_node("Add", [f"{y}_variance", epsilon], [f"{y}_positive"])
    yield helper.make_node("Sqrt", [f"{y}_positive"], [f"{y}_deviation"])
    yield helper.make_node("Div", [gain, f"{y}_deviation"], [f"{y}_gain"])
    yield helper.make_node("Mul", [f"{y}_centred", f"{y}_gain"], [f"{y}_scaled"])
    yield helper.make_node("Add", [f"{y}_scaled", shift], [f"{y}_normal"])
    yield helper.make_node("Cast", [f"{y}_normal"], [y], to=kind)
    for name in ("mean", "variance"):
        yield helper.make_node("Reshape", [f"{y}_{name}", flat], [f"{y}_{name}_row"])
    yield helper.make_node("Concat", [f"{y}_mean_row", f"{y}_variance_row"], [f"{y}_statistics"], axis=0)


def _scaled(
    graph: Graph, norm: NodeProto, gain: NDArray[np.float32], shift: NDArray[np.float32]
) -> Iterator[NodeProto]:
    """Yield a multiplication and an addition for a normalisation that does not follow a convolution."""
    from onnx import helper

    y, kind = norm.output[0], graph.value(norm.input[1]).dtype
    factor = graph.add_constant(gain[:, None, None].astype(kind), f"{y}_gain")
    summand = graph.add_constant(shift[:, None, None].astype(kind), f"{y}_shift")
    yield helper.make_node("Mul", [norm.input[0], factor], [f"{y}_scaled"])
    yield helper.make_node("Add", [f"{y}_scaled", summand], [y])


def _epsilon(norm: NodeProto) -> float:
    return next((attribute.f for attribute in norm.attribute if attribute.name == "epsilon"), EPSILON)
