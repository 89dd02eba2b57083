"""Count the operations of a network from its graph, and measure the highest rate of this machine."""

from __future__ import annotations

import time
from math import prod
from typing import Any

import numpy as np

from stylecli.inference.model_graph import Graph, parsed, with_outputs
from stylecli.inference.sessions import open_cpu_session

PROBES = (64, 128, 192)  # pixels: sides of the squares that the convolutions are counted on
CEILING_SIDE = 1536  # rows and columns of the matrices whose product measures the machine
CEILING_ROUNDS = 5


def multiplications(model: bytes, width: int, height: int, *, white: float = 1.0) -> float:
    """Count the operations of an ONNX model's convolutions for one picture; a multiply-accumulate is two operations.

    They are counted on three small squares. A layer with a margin computes (width + m) * (height + m) pixels, so the
    count is a * width * height + b * (width + height) + c; three squares give a, b and c.

    Args:
        model: the serialized model.
        width: of the picture, in pixels.
        height: of the picture, in pixels.
        white: the value of white at the model's input.

    Returns:
        10^9 operations.
    """
    area, sides, constant = np.polyfit(PROBES, [_operations(model, side, white) for side in PROBES], 2)
    return float(area * width * height + sides / 2 * (width + height) + constant) / 1e9


def ceiling(threads: int) -> float:
    """Measure 10^9 operations a second of a product of large float32 matrices in onnxruntime: a bound for networks."""
    import onnx
    from onnx import TensorProto, helper

    shape = [CEILING_SIDE, CEILING_SIDE]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("a", "b", "product")]
    graph = helper.make_graph([helper.make_node("MatMul", ["a", "b"], ["product"])], "product", values[:2], values[2:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = open_cpu_session(onnx.ModelProto.SerializeToString(model), threads=threads)
    random = np.random.default_rng(0)
    factors = {name: random.random(shape, np.float32) for name in ("a", "b")}
    seconds = []
    for _ in range(CEILING_ROUNDS + 1):
        started = time.perf_counter()
        session.run(None, factors)
        seconds.append(time.perf_counter() - started)
    return 2 * CEILING_SIDE**3 / min(seconds[1:]) / 1e9


def _operations(model: bytes, side: int, white: float) -> float:
    """Count the operations of all convolutions on a square picture, from the shapes of their outputs."""
    graph = Graph(parsed(model).graph)
    convolutions = [node for node in graph.graph.node if node.op_type == "Conv"]
    if not convolutions:
        return 0.0
    name = graph.graph.input[0].name
    session = open_cpu_session(with_outputs(model, [node.output[0] for node in convolutions]))
    written: list[Any] = session.run(None, {name: np.full((1, 3, side, side), white / 2, np.float32)})
    # Products that are summed for one sample of the output.
    sums = (prod(graph.constants[graph.source(node.input[1])].dims[1:]) for node in convolutions)
    return float(sum(2 * result.size * length for result, length in zip(written, sums, strict=True)))
