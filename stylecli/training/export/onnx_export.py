"""A trained network as an ONNX model that keeps the contract of style packs.

Input `image`, output `stylized`: float32 (N, 3, H, W), sRGB-encoded 0..1, every dimension but the channels dynamic,
any size from 1x1 on.
"""

from __future__ import annotations

import copy
import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout

import torch
from torch import nn

from stylecli.training.export.parity import check_against_network
from stylecli.training.networks.any_size import AnySizeNetwork
from stylecli.training.networks.blocks import STRIDE, NormalizedConvolution
from stylecli.training.networks.style_network import StyleNetwork

OPSET = 20
REACH_MAX = 2048  # pixels, a multiple of STRIDE: farther than any network here sees


def export_onnx(network: StyleNetwork) -> bytes:
    """Export a style network to an ONNX model in float32.

    Returns:
        The serialized model. It has passed the parity gate.

    Raises:
        PackError: the model does not paint what the network paints.
    """
    model = export_unchecked(network)
    check_against_network(model, network)
    return model


def export_unchecked(network: StyleNetwork, *, size: tuple[int, int] | None = None) -> bytes:
    """Export as `export_onnx` does, without the parity gate.

    size: width and height of the only picture that the model takes; None: it takes any.
    """
    import onnxslim

    exported = AnySizeNetwork(network).eval()
    shape = (1, 3, size[1], size[0]) if size else (2, 3, 66, 70)
    example = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    dynamic = {"image": {0: torch.export.Dim.DYNAMIC, 2: torch.export.Dim.DYNAMIC, 3: torch.export.Dim.DYNAMIC}}
    with _quiet(), torch.no_grad():
        program = torch.onnx.export(
            exported,
            (example,),
            input_names=["image"],
            output_names=["stylized"],
            dynamic_shapes=None if size else dynamic,
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
        assert program is not None  # only the old exporter returns None
        slim = onnxslim.slim(program.model_proto)
    if not size:
        _name_dimensions(slim)
    model: bytes = slim.SerializeToString()
    return model


def reach_of(network: StyleNetwork) -> int:
    """Measure the reach: how many pixels away a pixel of the photo can affect a pixel of the result.

    Statistics are left aside. The gradient of the pixels of one stride is taken in a copy with positive weights and
    without normalisation; the reach is where it becomes zero.
    """
    copied = copy.deepcopy(network).double()
    for module in [*copied.modules()]:
        if isinstance(module, nn.Conv2d):
            module.padding_mode = "zeros"
            nn.init.constant_(module.weight, 1 / module.weight[0].numel())  # a mean: values neither overflow nor vanish
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        if isinstance(module, NormalizedConvolution):
            module.register_module("norm", nn.Identity())
    row = torch.ones(
        1, 3, STRIDE, REACH_MAX * 2, dtype=torch.float64, requires_grad=True
    )  # one axis is enough: both behave alike
    middle = slice(REACH_MAX, REACH_MAX + STRIDE)
    copied(row)[..., middle].sum().backward()
    assert row.grad is not None
    (touched,) = row.grad.sum((0, 1, 2)).nonzero(as_tuple=True)
    return max(REACH_MAX - int(touched[0]), int(touched[-1]) - (REACH_MAX + STRIDE - 1))


def _name_dimensions(model: object) -> None:
    """Name the dynamic dimensions of the contract and remove the exporter's intermediate shapes."""
    graph = model.graph  # type: ignore[attr-defined]  # onnx.ModelProto, which onnxslim does not annotate
    for value in (*graph.input, *graph.output):
        for dimension, name in zip(value.type.tensor_type.shape.dim, ("N", "", "H", "W"), strict=True):
            if name:
                dimension.dim_param = name
    del graph.value_info[:]


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the exporter and its helpers, which print and warn about their own internals."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def to_half(content: bytes) -> bytes:
    """Convert a serialized model to half precision; input and output stay float32."""
    import onnx
    from onnxruntime.transformers.float16 import convert_float_to_float16
    from onnxruntime.transformers.onnx_model import OnnxModel

    model = OnnxModel(convert_float_to_float16(onnx.load_model_from_string(content), keep_io_types=True))
    model.topological_sort()  # the converter appends the casts at the end
    serialized: bytes = model.model.SerializeToString()
    return serialized
