"""Networks for browsers that measure their statistics, and take those of another picture.

`stylecli.inference.normalization` makes a model for each; a browser would have to load and keep both. Here each
normalisation becomes an `If`, and its two branches share the weights.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from stylecli.inference.model_graph import Graph, attributes_of, parsed
from stylecli.inference.normalization import EPSILON, NORM

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto

PLACES = np.array((2, 3), np.int64)  # axes of (1, C, H, W) over which statistics are taken


def measuring_model(content: bytes) -> bytes:
    """Return a model with two more inputs and one more output; without normalisations, the model itself.

    `is_given`, bool (): whether `statistics`, float32 (1, M), are applied; otherwise those of the picture, as before.
    `measured`, float32 (1, M): the statistics that were applied. M: mean and variance of each normalised feature map.
    """
    from onnx import TensorProto, helper

    model = parsed(content)
    graph = Graph(model.graph)
    places = graph.add_constant(PLACES, "statistics_places")
    nodes: list[NodeProto] = []
    measured: list[str] = []
    start = 0
    for node in model.graph.node:
        if node.op_type != NORM:
            nodes.append(node)
            continue
        channels = graph.value(node.input[1]).size
        branches = {"then_branch": _given(graph, node, start, channels), "else_branch": _live(node, places)}
        measured.append(f"{node.output[0]}_measured")
        nodes.append(helper.make_node("If", ["is_given"], [node.output[0], measured[-1]], **branches))
        start += 2 * channels
    if not measured:
        return content
    nodes.append(helper.make_node("Concat", measured, ["measured"], axis=1))
    given = helper.make_tensor_value_info("statistics", TensorProto.FLOAT, [1, "M"])
    model.graph.input.extend([given, helper.make_tensor_value_info("is_given", TensorProto.BOOL, [])])
    model.graph.output.append(helper.make_tensor_value_info("measured", TensorProto.FLOAT, [1, start]))
    del model.graph.node[:], model.graph.value_info[:]
    model.graph.node.extend(nodes)
    written: bytes = model.SerializeToString()
    return written


def _live(norm: NodeProto, places: str) -> GraphProto:
    """The branch that normalises as `norm` does, and measures."""
    from onnx import helper

    (x, gamma, beta), y = norm.input, norm.output[0]

    def nodes() -> Iterator[NodeProto]:
        yield helper.make_node(NORM, [x, gamma, beta], [f"{y}_live"], **attributes_of(norm))
        yield helper.make_node("ReduceMean", [x, places], [f"{y}_mean"])
        yield helper.make_node("Sub", [x, f"{y}_mean"], [f"{y}_centred"])
        yield helper.make_node("Mul", [f"{y}_centred", f"{y}_centred"], [f"{y}_square"])
        yield helper.make_node("ReduceMean", [f"{y}_square", places], [f"{y}_variance"])
        yield helper.make_node("Concat", [f"{y}_mean", f"{y}_variance"], [f"{y}_both"], axis=1)
        yield helper.make_node("Flatten", [f"{y}_both"], [f"{y}_live_measured"])

    return _branch([*nodes()], f"{y}_live", f"{y}_live_measured")


def _given(graph: Graph, norm: NodeProto, start: int, channels: int) -> GraphProto:
    """The branch that applies the part of `statistics` from `start` on."""
    from onnx import helper

    x, gamma, beta = norm.input
    y = norm.output[0]
    epsilon = graph.add_constant(np.float32(attributes_of(norm).get("epsilon", EPSILON)), f"{y}_epsilon")
    edges = [
        graph.add_constant(np.array([edge], np.int64), f"{y}_edge_{number}")
        for number, edge in enumerate((start, start + channels, start + 2 * channels))
    ]
    axis = graph.add_constant(np.array([1], np.int64), f"{y}_axis")
    shape = graph.add_constant(np.array([1, channels, 1, 1], np.int64), f"{y}_shape")

    def nodes() -> Iterator[NodeProto]:
        yield helper.make_node("Slice", ["statistics", *edges[:2], axis], [f"{y}_given_mean"])
        yield helper.make_node("Slice", ["statistics", *edges[1:], axis], [f"{y}_given_variance"])
        yield helper.make_node("Add", [f"{y}_given_variance", epsilon], [f"{y}_positive"])
        yield helper.make_node("Sqrt", [f"{y}_positive"], [f"{y}_deviation"])
        yield helper.make_node("Div", [gamma, f"{y}_deviation"], [f"{y}_gain"])
        yield helper.make_node("Mul", [f"{y}_given_mean", f"{y}_gain"], [f"{y}_moved"])
        yield helper.make_node("Sub", [beta, f"{y}_moved"], [f"{y}_shift"])
        for name in ("gain", "shift"):
            yield helper.make_node("Reshape", [f"{y}_{name}", shape], [f"{y}_{name}_map"])
        yield helper.make_node("Mul", [x, f"{y}_gain_map"], [f"{y}_scaled"])
        yield helper.make_node("Add", [f"{y}_scaled", f"{y}_shift_map"], [f"{y}_given"])
        yield helper.make_node("Slice", ["statistics", edges[0], edges[2], axis], [f"{y}_given_measured"])

    return _branch([*nodes()], f"{y}_given", f"{y}_given_measured")


def _branch(nodes: list[NodeProto], *outputs: str) -> GraphProto:
    from onnx import TensorProto, helper

    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
    return helper.make_graph(nodes, f"{outputs[0]}_branch", [], values)
