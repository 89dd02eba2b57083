"""An ONNX graph prepared for editing: constants by name, the producer and the consumers of each tensor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto


class Graph:
    """An ONNX graph with an index of its tensors.

    constants: initializers by name. makers: the node that produces each tensor. uses: names of the tensors that nodes
    read, once for each use. The index is that of the graph at the start; only `add_constant` updates it.
    """

    def __init__(self, graph: GraphProto) -> None:
        self.graph = graph
        self.constants = {tensor.name: tensor for tensor in graph.initializer}
        self.makers = {name: node for node in graph.node for name in node.output}
        self.uses = [name for node in graph.node for name in node.input]

    def value(self, name: str) -> NDArray[Any]:
        """Return a constant as an array."""
        from onnx import numpy_helper

        return numpy_helper.to_array(self.constants[name])

    def add_constant(self, value: NDArray[Any] | np.generic, name: str) -> str:
        """Add a constant under a new name; returns the name."""
        from onnx import numpy_helper

        self.constants[name] = numpy_helper.from_array(np.asarray(value), name)
        self.graph.initializer.append(self.constants[name])
        return name

    def maker(self, name: str, *kinds: str) -> NodeProto | None:
        """Return the node that produces a tensor; None if it is none of `kinds` or the tensor has several readers.

        An output of the model does not count as a reader.
        """
        node = self.makers.get(name)
        return node if node is not None and node.op_type in kinds and self.uses.count(name) <= 1 else None

    def reader(self, name: str) -> NodeProto | None:
        """Return the only node that reads a tensor; None if there are none or several."""
        readers = [node for node in self.graph.node if name in node.input]
        return readers[0] if len(readers) == 1 else None

    def source(self, name: str) -> str:
        """Return the constant that a tensor is, or that it is dequantized from; "" for any other tensor."""
        maker = self.makers.get(name)
        if maker is not None and maker.op_type == "DequantizeLinear":
            name = maker.input[0]
        return name if name in self.constants else ""

    def reorder_outputs(self, convolution: NodeProto, order: Sequence[int]) -> None:
        """Reorder a convolution's output channels, in its weights and bias."""
        for place in range(1, len(convolution.input)):
            maker = self.makers.get(convolution.input[place])
            node, places = (convolution, [place]) if maker is None else (maker, range(len(maker.input)))
            for number in places:
                value = self.value(node.input[number])
                if value.ndim:  # a scalar holds for all channels
                    node.input[number] = self.add_constant(value[[*order]], f"{node.input[number]}_reordered")


def rename_tensors(graph: GraphProto, *, prefix: str, but: Sequence[str]) -> None:
    """Add a prefix to the names of all tensors except those in `but`, in subgraphs too."""

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
    """Return a node's attributes by name."""
    from onnx import helper

    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}


def parsed(content: bytes) -> ModelProto:
    """Parse a serialized model."""
    import onnx  # takes 0.2 s, which only edits of a model should cost

    return onnx.load_model_from_string(content)


def with_outputs(content: bytes, names: Sequence[str]) -> bytes:
    """Return a serialized model that outputs these tensors instead of its own outputs, as float32 of any shape."""
    model = parsed(content)
    return edited(model, [*model.graph.node], outputs=names)


def edited(model: ModelProto, nodes: Sequence[NodeProto], *, outputs: Sequence[str] = ()) -> bytes:
    """Replace a model's nodes and serialize it without unused nodes and constants.

    outputs: names of tensors that become the model's outputs, float32 of any shape; without any, these stay.
    """
    from onnx import TensorProto, helper

    if outputs:
        del model.graph.output[:]
        model.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs)
    used = {value.name for value in model.graph.output}
    kept: list[NodeProto] = []
    for node in reversed([*nodes]):  # readers before producers, so that unused producers are found in one pass
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
