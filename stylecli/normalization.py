"""Instance normalisation with statistics that were taken once: edits of an ONNX model that normalises live.

A model with live instance normalisation measures every feature map that it normalises, each time and over all it is
given. So tiles of a picture differ from the whole, frames of a video pump, and measuring takes much of a small
network's time. Two models are made of such a one: `statistics_model` measures a batch of patches as if they were one
picture, `with_statistics` takes what was measured for granted, which leaves nothing but convolutions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto

NORM = "InstanceNormalization"
EPSILON = 1e-5  # the operator's own, where a node names none
OVER_PATCHES = np.array((0, 2, 3), np.int64)  # the axes of (N, C, H, W) that all patches' statistics go over

Statistics = Sequence[NDArray[np.float32]]
"""Mean and variance of every normalised feature map, (2, C) each, in the order of the model's nodes."""


def statistics_model(content: bytes) -> bytes:
    """The model that measures: `image` (N, 3, H, W), patches of one picture, to the `Statistics` of all together."""
    model = _parsed(content)
    graph = _Graph(model.graph)
    axes = graph.add_constant(OVER_PATCHES, "over_patches")
    nodes: list[NodeProto] = []
    measured: list[str] = []
    for node in model.graph.node:
        if node.op_type == NORM:
            nodes.extend(_measuring(graph, node, axes))
            measured.append(f"{node.output[0]}_statistics")
        else:
            nodes.append(node)
    return _edited(model, nodes, outputs=measured)


def with_statistics(content: bytes, statistics: Statistics) -> bytes:
    """The model with `statistics` in place of its own; a normalisation becomes part of the convolution before it.

    gamma (x - mean) / sqrt(variance + epsilon) + beta, of x = W * input + b, is a convolution with W and b scaled.
    """
    model = _parsed(content)
    graph = _Graph(model.graph)
    given = iter(statistics)
    nodes: list[NodeProto] = []
    for node in model.graph.node:
        if node.op_type != NORM:
            nodes.append(node)
            continue
        mean, variance = next(given)
        gain = graph.value(node.input[1]) / np.sqrt(variance + _epsilon(node))
        shift = graph.value(node.input[2]) - mean * gain
        convolution = graph.convolution_before(node)
        if convolution is None:
            nodes.extend(_scaled(graph, node, gain, shift))
        else:
            graph.scale_convolution(convolution, gain, shift)
            convolution.output[0] = node.output[0]
    return _edited(model, nodes)


class _Graph:
    """A graph's constants by name, and which node makes which tensor."""

    def __init__(self, graph: GraphProto) -> None:
        self.graph = graph
        self.constants = {tensor.name: tensor for tensor in graph.initializer}
        self.makers = {name: node for node in graph.node for name in node.output}
        self.uses = [name for node in graph.node for name in node.input]

    def value(self, name: str) -> NDArray[Any]:
        """A constant as an array."""
        from onnx import numpy_helper

        return numpy_helper.to_array(self.constants[name])

    def add_constant(self, value: NDArray[Any], name: str) -> str:
        """Add a constant; returns its name, which must be new."""
        from onnx import numpy_helper

        self.graph.initializer.append(numpy_helper.from_array(value, name))
        return name

    def convolution_before(self, norm: NodeProto) -> NodeProto | None:
        """The convolution whose result goes into this normalisation and nowhere else, if there is one."""
        maker = self.makers.get(norm.input[0])
        is_alone = self.uses.count(norm.input[0]) == 1
        return maker if maker is not None and maker.op_type == "Conv" and is_alone else None

    def scale_convolution(self, node: NodeProto, gain: NDArray[np.float32], shift: NDArray[np.float32]) -> None:
        """Scale a convolution's result by `gain` and move it by `shift`, both (C,)."""
        result = node.output[0]
        weight = self.value(node.input[1]) * gain[:, None, None, None]
        bias = self.value(node.input[2]) * gain + shift if len(node.input) > 2 and node.input[2] else shift
        names = [
            self.add_constant(weight.astype(np.float32), f"{result}_weight"),
            self.add_constant(bias.astype(np.float32), f"{result}_bias"),
        ]
        node.input[1:] = names


def _measuring(graph: _Graph, norm: NodeProto, axes: str) -> Iterator[NodeProto]:
    """The nodes that normalise over all patches at once and hand out mean and variance as `{output}_statistics`."""
    from onnx import helper

    x, gamma, beta = norm.input
    y = norm.output[0]
    channels = (1, -1, 1, 1)
    gain = graph.add_constant(graph.value(gamma).reshape(channels), f"{y}_gamma")
    shift = graph.add_constant(graph.value(beta).reshape(channels), f"{y}_beta")
    epsilon = graph.add_constant(np.array(_epsilon(norm), np.float32), f"{y}_epsilon")
    flat = graph.add_constant(np.array((1, -1), np.int64), f"{y}_flat")
    yield helper.make_node("ReduceMean", [x, axes], [f"{y}_mean"])
    yield helper.make_node("Sub", [x, f"{y}_mean"], [f"{y}_centred"])
    yield helper.make_node("Mul", [f"{y}_centred", f"{y}_centred"], [f"{y}_square"])
    yield helper.make_node("ReduceMean", [f"{y}_square", axes], [f"{y}_variance"])
    yield helper.make_node("Add", [f"{y}_variance", epsilon], [f"{y}_positive"])
    yield helper.make_node("Sqrt", [f"{y}_positive"], [f"{y}_deviation"])
    yield helper.make_node("Div", [gain, f"{y}_deviation"], [f"{y}_gain"])
    yield helper.make_node("Mul", [f"{y}_centred", f"{y}_gain"], [f"{y}_scaled"])
    yield helper.make_node("Add", [f"{y}_scaled", shift], [y])
    for name in ("mean", "variance"):
        yield helper.make_node("Reshape", [f"{y}_{name}", flat], [f"{y}_{name}_row"])
    yield helper.make_node("Concat", [f"{y}_mean_row", f"{y}_variance_row"], [f"{y}_statistics"], axis=0)


def _scaled(
    graph: _Graph, norm: NodeProto, gain: NDArray[np.float32], shift: NDArray[np.float32]
) -> Iterator[NodeProto]:
    """A normalisation that follows no convolution, as a product and a sum."""
    from onnx import helper

    y = norm.output[0]
    factor = graph.add_constant(gain[:, None, None].astype(np.float32), f"{y}_gain")
    summand = graph.add_constant(shift[:, None, None].astype(np.float32), f"{y}_shift")
    yield helper.make_node("Mul", [norm.input[0], factor], [f"{y}_scaled"])
    yield helper.make_node("Add", [f"{y}_scaled", summand], [y])


def _epsilon(norm: NodeProto) -> float:
    return next((attribute.f for attribute in norm.attribute if attribute.name == "epsilon"), EPSILON)


def _parsed(content: bytes) -> ModelProto:
    import onnx  # takes 0.2 s, which a small picture need not pay

    return onnx.load_model_from_string(content)


def _edited(model: ModelProto, nodes: Sequence[NodeProto], *, outputs: Sequence[str] = ()) -> bytes:
    """The model with other nodes and, if any are named, other outputs, float32 of any shape."""
    from onnx import TensorProto, helper

    kept = [*nodes]
    del model.graph.node[:]
    model.graph.node.extend(kept)
    if outputs:
        del model.graph.output[:]
        model.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs)
    del model.graph.value_info[:]
    serialized: bytes = model.SerializeToString()
    return serialized
