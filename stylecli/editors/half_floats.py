"""Half floats to single floats and back: onnxruntime converts them ten times as fast as numpy, to the same bits."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylecli.inference.sessions import open_cpu_session
from stylecli.media.linear_light import HALF_MAX
from stylecli.media.pixels import Floats

OPSET, IR_VERSION = 17, 8  # of ONNX; every onnxruntime that we take knows them


def half_floats(values: Floats) -> NDArray[np.float16]:
    """Values of any shape as half floats, those that are too large as the largest ones; NaN stays."""
    halves: NDArray[np.float16] = _cast(values.clip(-HALF_MAX, HALF_MAX), "float32", "float16")
    return halves


def single_floats(halves: NDArray[np.float16]) -> Floats:
    """Half floats of any shape as single ones."""
    return _cast(halves, "float16", "float32")


def _cast(values: NDArray[Any], source: str, target: str) -> NDArray[Any]:
    flat = np.ascontiguousarray(values, source).reshape(-1)
    result: NDArray[Any] = _session(source, target).run(None, {"values": flat})[0]
    return result.reshape(values.shape)


@lru_cache(maxsize=2)
def _session(source: str, target: str) -> Any:
    """A network that does nothing but convert numbers."""
    from onnx import TensorProto, helper  # heavy, as all of onnx

    types = {"float16": TensorProto.FLOAT16, "float32": TensorProto.FLOAT}
    values = helper.make_tensor_value_info("values", types[source], [None])
    converted = helper.make_tensor_value_info("converted", types[target], [None])
    cast = helper.make_node("Cast", ["values"], ["converted"], to=types[target])
    graph = helper.make_graph([cast], "cast", [values], [converted])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    return open_cpu_session(model.SerializeToString(), threads=1)
