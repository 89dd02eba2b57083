"""The end of a style network's graph: what comes after the last convolution."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stylecli.inference.model_graph import Graph, attributes_of

if TYPE_CHECKING:
    from onnx import NodeProto

COLORS = 3
PHASES = 2  # the last convolution may write PHASES x PHASES pixels at once
POINTWISE = ("Sigmoid", "Clip", "QuantizeLinear", "DequantizeLinear")


def tail_of(graph: Graph) -> list[NodeProto]:
    """Return the nodes after the last convolution, in order, that are pointwise or only move samples."""
    tail: list[NodeProto] = []
    name = "stylized"
    while node := graph.maker(name, *POINTWISE, "Slice", "DepthToSpace"):
        is_understood = {"Slice": _names_axes, "DepthToSpace": convolution_of}.get(node.op_type, _is_pointwise)
        if not is_understood(graph, node):
            break
        tail.insert(0, node)
        name = node.input[0]
    return tail


def averaged_convolution(graph: Graph) -> NodeProto | None:
    """Return the convolution whose 12 channels, 2 x 2 pixels, are averaged, as in `inference.flow`; None if none is."""
    for node in graph.graph.node:
        if node.op_type == "Conv" and node.input[1] in graph.constants:
            weight = graph.value(node.input[1])
            if weight.shape == (COLORS, PHASES**2, 1, 1) and (weight == PHASES**-2).all():
                return _before(graph, node.input[0])
    return None


def _before(graph: Graph, name: str) -> NodeProto | None:
    """Return the convolution that makes a tensor, behind pointwise nodes or none; None for anything else."""
    while node := graph.maker(name, *POINTWISE):
        name = node.input[0]
    return graph.maker(name, "Conv")


def _names_axes(graph: Graph, crop: NodeProto) -> bool:
    return len(crop.input) > 3 and crop.input[3] in graph.constants


def _is_pointwise(graph: Graph, node: NodeProto) -> bool:
    """Whether a node treats all channels alike; quantization may have a scale for each channel."""
    rounds = node.op_type in ("QuantizeLinear", "DequantizeLinear")
    return not rounds or (node.input[1] in graph.constants and graph.value(node.input[1]).size == 1)


def convolution_of(graph: Graph, spreading: NodeProto) -> NodeProto | None:
    """Return the convolution whose 12 channels a DepthToSpace spreads over 2 x 2 pixels; None for other nodes.

    Only pointwise nodes may lie between the two.
    """
    if attributes_of(spreading) != {"mode": b"CRD", "blocksize": PHASES}:
        return None
    convolution = _before(graph, spreading.input[0])
    if convolution is None or not all(graph.source(name) for name in convolution.input[1:]):
        return None
    weight = graph.value(graph.source(convolution.input[1]))
    return convolution if len(weight) == COLORS * PHASES**2 else None
