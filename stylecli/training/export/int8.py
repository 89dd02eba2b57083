"""Quantization: an exported network with weights and feature maps of 8 bits, for CPUs.

The model keeps the contract of the float32 one, and statistics can be folded into it (`normalization.with_statistics`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from stylecli.inference.model_graph import Graph, edited, parsed, with_outputs
from stylecli.inference.sessions import SAFE_LEVELS, open_cpu_session

if TYPE_CHECKING:
    from onnx import NodeProto

LEVELS = 255  # of an unsigned byte
TAIL = 1e-4  # share of a feature map's samples that may be clipped at each end
SIGMOID_RANGE = 6.24  # here the sigmoid is half an 8-bit level from 0 or 1
MOVING = {"Slice", "Pad"}  # give the samples that they take in other places: they move bytes
MAP_OPERATORS = {"Conv", "InstanceNormalization", "Relu", "Add", "Resize"} | MOVING  # take and give feature maps

Range = tuple[float, float]


def to_int8(content: bytes, photos: Sequence[NDArray[np.float32]]) -> bytes:
    """Quantize a model to 8 bits, in QDQ form, which onnxruntime runs on integers.

    Weights are symmetric, with a scale for each output channel, and use 7 bits: every processor may then use its fast
    multiplication, and an eighth bit gains less than 1 dB. The range of a feature map is measured after its
    normalisation, where it depends little on the photo. Input and output have the levels of 8-bit pictures, so bytes
    need no conversion. Before the sigmoid, the range is clipped to where black and white begin: this costs half a dB,
    and no float is left between picture and result.

    Args:
        content: the serialized float32 model.
        photos: pictures (1, 3, H, W) in 0..1 that set the ranges.

    Returns:
        The serialized 8-bit model.
    """
    model = parsed(content)
    graph = Graph(model.graph)
    last = [node for node in model.graph.node if node.op_type == "Conv"][-1].output[0]
    ranges = _ranges(content, {**_feature_maps(graph), last: last}, photos)
    ranges[last] = (max(ranges[last][0], -SIGMOID_RANGE), min(ranges[last][1], SIGMOID_RANGE))
    ranges |= {node.output[0]: (0.0, 1.0) for node in model.graph.node if _is_photo(node) or node.op_type == "Sigmoid"}
    nodes: list[NodeProto] = []
    for node in model.graph.node:
        if node.op_type in MOVING and node.input[0] in ranges and node.output[0] in ranges:
            nodes.extend(_moved(graph, node, ranges[node.output[0]]))
            continue
        node.input[:] = [f"{name}_8bit" if name in ranges else name for name in node.input]
        if node.op_type == "Conv":
            nodes.extend(_quantized_weights(graph, node, ranges))
        nodes.append(node)
        for name in node.output:
            if name in ranges:
                nodes.extend(_rounded(graph, name, ranges[name]))
    return edited(model, nodes)


def _feature_maps(graph: Graph) -> dict[str, str]:
    """Find the tensors to quantize, each with the tensor whose range it has.

    Inputs of a normalisation alone are left out, since the normalisation changes the range, and inputs of a ReLU alone,
    since it cuts off half of the range. What moves samples, or repeats them in nearest-neighbour upsampling, keeps the
    range of its input.
    """
    maps: set[str] = set()
    for node in graph.graph.node:
        if _is_photo(node) or (node.op_type in MAP_OPERATORS and maps & {*node.input}):
            maps |= {*node.output}
    users: dict[str, set[str]] = {}
    for node in graph.graph.node:
        for name in node.input:
            users.setdefault(name, set()).add(node.op_type)
    picked: dict[str, str] = {}
    for name, maker in graph.makers.items():
        if name in maps and users.get(name, set()) & {"Conv", "Add", "Resize", *MOVING}:
            picked[name] = name if _is_photo(maker) else _measured(graph, name)
    return picked


def _is_photo(node: NodeProto) -> bool:
    """Whether a node pads the input picture."""
    return node.op_type == "Pad" and node.input[0] == "image"


def _measured(graph: Graph, name: str) -> str:
    """Return the tensor that has the range of `name`: its source, before nodes that only move or repeat samples."""
    while (maker := graph.makers[name]).op_type in {"Resize", *MOVING} and not _is_photo(maker):
        name = maker.input[0]
    return name


def _ranges(content: bytes, sources: Mapping[str, str], photos: Sequence[NDArray[np.float32]]) -> dict[str, Range]:
    """Measure the range of each feature map of a serialized model over all photos, without the tails."""
    watched = [*dict.fromkeys(sources.values())]
    session = open_cpu_session(with_outputs(content, watched))
    lows, highs = np.zeros(len(watched)), np.zeros(len(watched))  # 0 must be a level, since padding uses it
    for photo in photos:
        for number, values in enumerate(session.run(watched, {"image": photo})):
            low, high = np.quantile(values, [TAIL, 1 - TAIL])
            lows[number], highs[number] = min(lows[number], low), max(highs[number], high)
    found = {name: (float(low), float(high)) for name, low, high in zip(watched, lows, highs, strict=True)}
    return {name: found[source] for name, source in sources.items()}


def _quantized_weights(graph: Graph, convolution: NodeProto, ranges: Mapping[str, Range]) -> Iterator[NodeProto]:
    """Store a convolution's weights in 8 bits and its bias in 32; yields the nodes that dequantize them."""
    from onnx import helper

    weight = graph.value(convolution.input[1])
    largest = np.abs(weight).max((1, 2, 3))
    scale = (np.maximum(largest, np.finfo(np.float32).tiny) / SAFE_LEVELS).astype(np.float32)
    stored = {1: (np.rint(weight / scale[:, None, None, None]).astype(np.int8), scale)}
    if len(convolution.input) > 2:
        bias_scale = scale * np.float32(_scale(ranges[convolution.input[0].removesuffix("_8bit")]))
        stored[2] = (np.rint(graph.value(convolution.input[2]) / bias_scale).astype(np.int32), bias_scale)
    for place, (levels, factor) in stored.items():
        name = convolution.input[place]
        inputs = [graph.add_constant(levels, f"{name}_levels"), graph.add_constant(factor, f"{name}_scale")]
        convolution.input[place] = f"{name}_8bit"
        yield helper.make_node("DequantizeLinear", inputs, [f"{name}_8bit"], axis=0)


def _scale(limits: Range) -> float:
    """Return the step between two levels of a range."""
    low, high = limits
    return max(high - low, 1e-6) / LEVELS


def _rounded(graph: Graph, name: str, limits: Range) -> Iterator[NodeProto]:
    """Yield the nodes that quantize a feature map to 8 bits and dequantize it."""
    from onnx import helper

    inputs = _levels(graph, name, limits)
    yield helper.make_node("QuantizeLinear", [name, *inputs], [f"{name}_levels"])
    yield helper.make_node("DequantizeLinear", [f"{name}_levels", *inputs], [f"{name}_8bit"])


def _moved(graph: Graph, node: NodeProto, limits: Range) -> Iterator[NodeProto]:
    """Make a node move the levels of its input instead of the values, in place; yield it and the dequantization."""
    from onnx import helper

    name = node.output[0]
    node.input[0], node.output[0] = f"{node.input[0]}_levels", f"{name}_levels"
    yield node
    yield helper.make_node("DequantizeLinear", [f"{name}_levels", *_levels(graph, name, limits)], [f"{name}_8bit"])


def _levels(graph: Graph, name: str, limits: Range) -> list[str]:
    """Add the constants that tell what the levels of a feature map stand for; returns their names."""
    scale = _scale(limits)
    return [
        graph.add_constant(np.array(scale, np.float32), f"{name}_scale"),
        graph.add_constant(np.array(round(-limits[0] / scale), np.uint8), f"{name}_zero"),
    ]
