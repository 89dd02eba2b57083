"""The parity gate: an exported model is written only if it paints what the trained network paints."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from stylecli.core.errors import PackError
from stylecli.inference.int8_as_float import float_twin
from stylecli.inference.normalization import statistics_model, with_statistics
from stylecli.inference.sessions import open_cpu_session
from stylecli.training.losses.loss_network import load_loss_network
from stylecli.training.losses.names import STYLE_LAYERS
from stylecli.training.losses.perceptual import gram_matrix, style_loss
from stylecli.training.networks.any_size import AnySizeNetwork
from stylecli.training.networks.style_network import StyleNetwork

TOLERANCE = 1e-3  # of 0..1: a quarter of an 8-bit level; reordered float32 operations differ by far less
# (pictures, height, width) that are compared. A single pixel has no variance: what is left of it is rounding.
SHAPES = ((1, 1, 2), (1, 3, 5), (2, 61, 83), (3, 128, 96))
PSNR_MIN = {"fp16": 45.0, "int8": 36.0}  # dB against the float32 model, mean over the photos
STYLE_SHIFT_MAX = 0.03  # largest change of the Gram matrices, relative to the float32 model's; mean over the photos


def check_against_network(model: bytes, network: StyleNetwork) -> None:
    """Compare a float32 ONNX model with its network in PyTorch, at the sizes of SHAPES.

    Raises:
        PackError: they differ by more than TOLERANCE.
    """
    reference, random = AnySizeNetwork(network).eval(), np.random.default_rng(0)
    session = open_cpu_session(model)
    for count, height, width in SHAPES:
        image = random.random((count, 3, height, width), np.float32)
        (stylized,) = session.run(["stylized"], {"image": image})
        with torch.no_grad():
            expected = reference(torch.from_numpy(image)).numpy()
        error = np.abs(stylized - expected).max() if stylized.shape == image.shape else np.inf
        if not error <= TOLERANCE:
            raise PackError(
                f"the exported model differs from the trained one by {error:.2g} of 0..1",
                hint="Report this as a defect.",
            )


def check_precision(model: bytes, precise: bytes, photos: Sequence[NDArray[np.float32]], *, precision: str) -> None:
    """Compare a model of lower precision with its float32 model, both with statistics that are taken once a photo.

    Args:
        model: the model of lower precision.
        precise: the float32 model.
        photos: pictures (1, 3, H, W) in 0..1.
        precision: a key of PSNR_MIN.

    Raises:
        PackError: they differ by more than PSNR_MIN and STYLE_SHIFT_MAX allow.
    """
    pairs = [(_painted(model, photo), _painted(precise, photo)) for photo in photos]
    psnr = float(np.mean([-10 * np.log10(np.mean((one - other) ** 2) + 1e-12) for one, other in pairs]))
    shift = float(np.mean([_style_shift(one, other) for one, other in pairs]))
    if psnr < PSNR_MIN[precision] or shift > STYLE_SHIFT_MAX:
        raise PackError(
            f"{precision} loses too much: {psnr:.1f} dB against fp32, style moved by {shift:.1%}; allowed are "
            f"{PSNR_MIN[precision]:g} dB and {STYLE_SHIFT_MAX:.0%}",
            hint="Give other `photos` to calibrate on, or keep fp32.",
        )


def _painted(model: bytes, photo: NDArray[np.float32]) -> NDArray[np.float32]:
    statistics = open_cpu_session(statistics_model(float_twin(model))).run(None, {"image": photo})
    stylized: NDArray[np.float32] = open_cpu_session(with_statistics(model, statistics)).run(None, {"image": photo})[0]
    return stylized


@torch.no_grad()
def _style_shift(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Return the root of the relative Gram distance of two pictures, by the loss network that ships."""
    network = load_loss_network("distilled", STYLE_LAYERS)
    features, targets = (network(torch.from_numpy(picture), STYLE_LAYERS) for picture in (one, other))
    grams = {layer: gram_matrix(target) for layer, target in targets.items()}
    return float((style_loss(features, grams) / len(grams)).sqrt())
