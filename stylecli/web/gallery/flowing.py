"""The network of the static site that draws out strokes, of a picture that any style has painted.

`stylecli.inference.flow` makes it part of each network. A browser runs it by itself: every visitor loads one file for
all styles, another `flow` does not paint anew, and pictures that were mixed for a blend are drawn out after that, as by
the program.
"""

from __future__ import annotations

from stylecli.inference.flow import OPSET_LEAST, flowing_model
from stylecli.inference.uint8_model import pixel_model

IR_VERSION = 8  # of the ONNX format; read by all releases that know these operators


def flow_network() -> bytes:
    """Return the model that maps `image`, uint8 (N, H, W, 3), and `flow`, float32 (), to `stylized`, as `image`."""
    from onnx import TensorProto, helper  # takes 0.2 s, which only a gallery should cost

    shape: list[str | int | None] = ["N", 3, "H", "W"]
    image, stylized = (helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("image", "stylized"))
    same = helper.make_node("Identity", ["image"], ["stylized"])
    graph = helper.make_graph([same], "flow", [image], [stylized])
    opset = helper.make_opsetid("", OPSET_LEAST)
    model = helper.make_model(graph, ir_version=IR_VERSION, opset_imports=[opset])
    return pixel_model(flowing_model(model.SerializeToString()))
