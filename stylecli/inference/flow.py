"""Edit an ONNX model so that its brush strokes run along the shapes, instead of a fine weave.

A small network paints with strokes of a few pixels that cross each other. Here its picture is smoothed along the edges
and sharpened across them, as in coherence-enhancing filtering (Kyprianidis and Kang 2011): the structure tensor,
blurred, tells in which direction the strokes run, and a line integral (Cabral and Leedom 1993) draws them out. Where
many directions meet, as in an eye or in letters, the picture stays as it is.

All of this runs at half of the resolution, as part of the graph, on the device of the network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stylecli.core.errors import PackError
from stylecli.inference.flow_nodes import FLOW_INPUT, drawn_out
from stylecli.inference.model_graph import Graph, edited, parsed, rename_tensors
from stylecli.inference.model_tail import COLORS, PHASES, POINTWISE, convolution_of, tail_of

if TYPE_CHECKING:
    from onnx import NodeProto

FLOW_REACH = 64  # pixels: how far a pixel of the network's picture affects others; tests measure less
OPSET_LEAST = 15


def flowing_model(content: bytes) -> bytes:
    """Return a model of the style-pack contract with one more input, `flow`, float32 (): how far strokes are drawn out.

    0: not at all, the picture is only softened; 1: all along the shapes.

    Raises:
        PackError: the model is of a version of ONNX that lacks an operator.
    """
    from onnx import TensorProto, helper

    model = parsed(content)
    version = next(one.version for one in model.opset_import if not one.domain)
    if version < OPSET_LEAST:
        raise PackError(
            f"a network of ONNX opset {version}: strokes flow from opset {OPSET_LEAST} on",
            hint="Set `flow` to 0, or export the style anew.",
        )
    rename_tensors(model.graph, prefix="network.", but=("image", "stylized"))
    graph = Graph(model.graph)
    nodes = [*_halved(graph), *drawn_out(graph)]
    model.graph.input.append(helper.make_tensor_value_info(FLOW_INPUT, TensorProto.FLOAT, []))
    return edited(model, nodes)


def _halved(graph: Graph) -> list[NodeProto]:
    """Return the network's nodes with its picture at half of the resolution, `halved`, instead of `stylized`.

    The last convolution of most networks writes 2 x 2 pixels as channels. Then their mean is taken, which saves moving
    all of them to their places.
    """
    from onnx import helper

    tail = tail_of(graph)
    spreads = any(node.op_type == "DepthToSpace" and convolution_of(graph, node) for node in tail)
    crops = [node for node in tail if node.op_type == "Slice"]
    if not spreads or not all(_starts_evenly(graph, crop) for crop in crops):
        graph.makers["stylized"].output[0] = "network.stylized"
        sides = (PHASES, PHASES)
        pooling = helper.make_node(
            "AveragePool", ["network.stylized"], ["halved"], kernel_shape=sides, strides=sides, ceil_mode=1
        )
        return [*graph.graph.node, pooling]
    nodes = [node for node in graph.graph.node if not any(node is other for other in tail)]
    name = tail[0].input[0]
    for number, node in enumerate(node for node in tail if node.op_type in POINTWISE):
        node.input[0], node.output[0] = name, f"halving.{number}"
        nodes.append(node)
        name = node.output[0]
    mean = graph.add_constant(np.full((COLORS, PHASES**2, 1, 1), PHASES**-2, np.float32), "halving.mean")
    nodes.append(helper.make_node("Conv", [name, mean], ["halving.whole"], group=COLORS))
    two = graph.add_constant(np.array([PHASES]), "halving.two")
    name = "halving.whole"
    for number, crop in enumerate(crops):
        start, rest, end, result = (f"halving.{part}.{number}" for part in ("start", "rest", "end", "cropped"))
        nodes.append(helper.make_node("Div", [crop.input[1], two], [start]))
        nodes.append(helper.make_node("Div", [crop.input[2], two], [rest]))
        nodes.append(helper.make_node("Sub", [crop.input[2], rest], [end]))  # half of it, rounded up
        crop.input[:3], crop.output[0], name = [name, start, end], result, result
        nodes.append(crop)
    return [*nodes, helper.make_node("Identity", [name], ["halved"])]


def _starts_evenly(graph: Graph, crop: NodeProto) -> bool:
    """Whether a Slice begins at even, constant places, counted from the start."""
    start = crop.input[1]
    return start in graph.constants and bool(((graph.value(start) >= 0) & (graph.value(start) % PHASES == 0)).all())
