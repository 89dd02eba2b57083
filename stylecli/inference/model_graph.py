"""What edits of an ONNX model share: its constants by name, who makes a tensor, who reads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto


class Graph:
    """A graph's constants by name, which node makes which tensor, and what is read, once for each reader."""

    def __init__(self, graph: GraphProto) -> None:
        self.graph = graph
        self.constants = {tensor.name: tensor for tensor in graph.initializer}
        self.makers = {name: node for node in graph.node for name in node.output}
        self.uses = [name for node in graph.node for name in node.input]

    def value(self, name: str) -> NDArray[Any]:
        """A constant as an array."""
        from onnx import numpy_helper

        return numpy_helper.to_array(self.constants[name])

    def add_constant(self, value: NDArray[Any] | np.generic, name: str) -> str:
        """Add a constant; returns its name, which must be new."""
        from onnx import numpy_helper

        self.constants[name] = numpy_helper.from_array(np.asarray(value), name)
        self.graph.initializer.append(self.constants[name])
        return name

    def maker(self, name: str, *kinds: str) -> NodeProto | None:
        """The node that makes a tensor, if its operator is one of `kinds` and the tensor is read by but one node.

        That a tensor is an output of the model does not count.
        """
        node = self.makers.get(name)
        return node if node is not None and node.op_type in kinds and self.uses.count(name) <= 1 else None

    def reader(self, name: str) -> NodeProto | None:
        """The node that reads a tensor, if it is but one."""
        readers = [node for node in self.graph.node if name in node.input]
        return readers[0] if len(readers) == 1 else None

    def source(self, name: str) -> str:
        """The constant behind a tensor that is one, or is made of one by DequantizeLinear; "" for any other."""
        maker = self.makers.get(name)
        if maker is not None and maker.op_type == "DequantizeLinear":
            name = maker.input[0]
        return name if name in self.constants else ""

    def reorder_outputs(self, convolution: NodeProto, order: Sequence[int]) -> None:
        """Give a convolution's channels another order."""
        for place in range(1, len(convolution.input)):
            maker = self.makers.get(convolution.input[place])
            node, places = (convolution, [place]) if maker is None else (maker, range(len(maker.input)))
            for number in places:
                value = self.value(node.input[number])
                if value.ndim:  # what is scalar holds for all channels
                    node.input[number] = self.add_constant(value[[*order]], f"{node.input[number]}_reordered")


def rename_tensors(graph: GraphProto, *, prefix: str, but: Sequence[str]) -> None:
    """Put a prefix before the name of every tensor, except those named in `but`, in subgraphs too."""

    def renamed(name: str) -> str:
        return name if not name or name in but else f"{prefix}{name}"

    for tensor in graph.initializer:
        tensor.name = renamed(tensor.name)
    for value in (*graph.input, *graph.output):
        value.name = renamed(value.name)
    for node in graph.node:
        node.input[:], node.output[:] = map(renamed, node.input), map(renamed, node.output)
        for attribute in node.attribute:
            for subgraph in (attribute.g, *attribute.graphs):
                rename_tensors(subgraph, prefix=prefix, but=but)


def attributes_of(node: NodeProto) -> dict[str, Any]:
    """A node's attributes by name."""
    from onnx import helper

    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}


def parsed(content: bytes) -> ModelProto:
    """A model from its file's bytes."""
    import onnx  # takes 0.2 s, which a small picture need not pay

    return onnx.load_model_from_string(content)


def edited(model: ModelProto, nodes: Sequence[NodeProto], *, outputs: Sequence[str] = ()) -> bytes:
    """The model with other nodes and, if any are named, other outputs, float32 of any shape; as its file's bytes."""
    from onnx import TensorProto, helper

    if outputs:
        del model.graph.output[:]
        model.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs)
    used = {value.name for value in model.graph.output}
    kept: list[NodeProto] = []
    for node in reversed([*nodes]):  # without those whose results nobody reads any more
        if used & {*node.output}:
            kept.insert(0, node)
            used |= {*node.input}
    del model.graph.node[:], model.graph.value_info[:]
    model.graph.node.extend(kept)
    constants = [tensor for tensor in model.graph.initializer if tensor.name in used]
    del model.graph.initializer[:]
    model.graph.initializer.extend(constants)
    serialized: bytes = model.SerializeToString()
    return serialized
