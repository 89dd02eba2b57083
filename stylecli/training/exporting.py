"""A trained network as an ONNX model that keeps the contract of style packs.

Input `image`, output `stylized`: float32 (N, 3, H, W), sRGB-encoded 0..1, every dimension but the channels dynamic,
any size from 1x1 on.
"""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout

import numpy as np
import torch
from torch import nn

from stylecli.errors import PackError
from stylecli.training.network import STRIDE, NormalizedConvolution, SizedNetwork, StyleNetwork

OPSET = 20
PARITY_TOLERANCE = 1e-3  # of 0..1: a quarter of an 8-bit level; float32 in another order of operations stays far below
REACH_MAX = 512  # pixels, a multiple of STRIDE: no network here sees as far
PARITY_SIZES = ((1, 1), (3, 5), (61, 83), (128, 96))  # (height, width) that the parity gate tries


def export_onnx(network: StyleNetwork) -> bytes:
    """The ONNX model of a style network, checked against PyTorch on odd sizes (the parity gate).

    Raises:
        PackError: the two disagree by more than PARITY_TOLERANCE.
    """
    import onnxslim

    exported = SizedNetwork(network).eval()
    example = torch.rand(2, 3, 66, 70, generator=torch.Generator().manual_seed(0))
    dynamic = {"image": {0: torch.export.Dim.DYNAMIC, 2: torch.export.Dim.DYNAMIC, 3: torch.export.Dim.DYNAMIC}}
    with _quiet(), torch.no_grad():
        program = torch.onnx.export(
            exported,
            (example,),
            input_names=["image"],
            output_names=["stylized"],
            dynamic_shapes=dynamic,
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
        assert program is not None  # only the old exporter returns None
        slim = onnxslim.slim(program.model_proto)
    _name_dimensions(slim)
    model: bytes = slim.SerializeToString()
    error = parity_error(model, network)
    if error > PARITY_TOLERANCE:
        raise PackError(
            f"the exported model differs from the trained one by {error:.2g} of 0..1", hint="Report this as a defect."
        )
    return model


def parity_error(model: bytes, network: StyleNetwork) -> float:
    """Largest difference, of 0..1, between an ONNX model in onnxruntime on the CPU and the network in PyTorch."""
    import onnxruntime

    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    reference = SizedNetwork(network).eval()
    random = np.random.default_rng(0)
    worst = 0.0
    for height, width in PARITY_SIZES:
        image = random.random((1, 3, height, width), np.float32)
        (stylized,) = session.run(["stylized"], {"image": image})
        if stylized.shape != image.shape:
            return float("inf")
        if min(height, width) > STRIDE:  # smaller is one pixel in the trunk, which PyTorch refuses to normalise
            with torch.no_grad():
                expected = reference(torch.from_numpy(image)).numpy()
            worst = max(worst, float(np.abs(stylized - expected).max()))
    return worst


def reach_of(network: StyleNetwork) -> int:
    """How many pixels away a pixel of the photo can matter to one of the result, statistics aside.

    Measured: where the gradient of the pixels of one stride is not zero, in a copy whose weights are all positive and
    which does not normalise.
    """
    copied = SizedNetwork(network).network.double()
    for module in [*copied.modules()]:
        if isinstance(module, nn.Conv2d):
            nn.init.constant_(module.weight, 1 / module.weight[0].numel())  # a mean: nothing overflows or vanishes
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        if isinstance(module, NormalizedConvolution):
            module.register_module("norm", nn.Identity())
    image = torch.ones(
        1, 3, STRIDE, REACH_MAX * 2, dtype=torch.float64, requires_grad=True
    )  # all act alike on both axes
    middle = slice(REACH_MAX, REACH_MAX + STRIDE)
    copied(image)[..., middle].sum().backward()
    assert image.grad is not None
    (touched,) = image.grad.sum((0, 1, 2)).nonzero(as_tuple=True)
    return max(REACH_MAX - int(touched[0]), int(touched[-1]) - (REACH_MAX + STRIDE - 1))


def _name_dimensions(model: object) -> None:
    """Give the dynamic dimensions of the contract their names, and forget the intermediate shapes of the exporter."""
    graph = model.graph  # type: ignore[attr-defined]  # onnx.ModelProto, which onnxslim does not annotate
    for value in (*graph.input, *graph.output):
        for dimension, name in zip(value.type.tensor_type.shape.dim, ("N", "", "H", "W"), strict=True):
            if name:
                dimension.dim_param = name
    del graph.value_info[:]


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporter and its helpers print and warn about their own insides."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
