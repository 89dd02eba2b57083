"""A trained network as an ONNX model and as a style pack.

Input `image`, output `stylized`: float32 (N, 3, H, W), sRGB-encoded 0..1, every dimension but the channels dynamic,
any size from 1x1 on.
"""

from __future__ import annotations

import hashlib
import io
import logging
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from stylecli.card import CARD_FILE, Card, ModelFile, sha256_of, write_card
from stylecli.engine import Engine
from stylecli.errors import MediaError, PackError, UsageError
from stylecli.images import Picture, write_picture
from stylecli.look import Look
from stylecli.pack import StylePack, open_pack
from stylecli.pack_safety import verify
from stylecli.stylize import stylize_picture
from stylecli.training.checkpoints import WEIGHTS, read_tensors, write_tensors
from stylecli.training.loop import RECIPE, TrainingFacts
from stylecli.training.network import (
    SizedNetwork,
    StyleNetwork,
    count_parameters,
    network_from_weights,
    network_name,
)
from stylecli.training.recipe import Recipe, read_recipe, write_recipe

MODEL = "fast.onnx"
PREVIEW = "preview.jpg"
PREVIEW_QUALITY = 85
LICENCE = "MIT"  # of a style made with the bundled recipes; a card can be edited

OPSET = 20
PARITY_TOLERANCE = 1e-3  # of 0..1: a quarter of an 8-bit level; float32 in another order of operations stays far below
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


def export_pack(run: Path, folder: Path, *, preview_of: Picture, overwrite: bool = False) -> StylePack:
    """Make a style pack of a finished training: the model, the weights, the recipe, a preview, the card.

    The style's name is that of `folder`, which appears only when the pack is whole.

    Raises:
        MediaError: the run is not finished or cannot be read, the folder cannot be written.
        UsageError: the folder exists, or its name is none for a style.
    """
    weights, metadata = read_tensors(run / WEIGHTS)
    facts = TrainingFacts.from_metadata(metadata)
    recipe = read_recipe(run / RECIPE)
    network = network_from_weights(weights)
    if folder.exists() and not overwrite:
        raise UsageError(f"{folder}: exists already", hint="Use --overwrite to replace it.")
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        model = export_onnx(network)
        (partial / MODEL).write_bytes(model)
        write_tensors({name: tensor.half() for name, tensor in weights.items()}, partial / WEIGHTS, metadata)
        write_recipe(
            replace(recipe, painting=replace(recipe.painting, file=Path(recipe.painting.file).name)), partial / RECIPE
        )
        card = _card(folder.name, recipe, facts, network, model)
        with Engine(StylePack(partial, card), device="cpu") as engine:
            write_picture(stylize_picture(preview_of, engine, Look()), partial / PREVIEW, quality=PREVIEW_QUALITY)
        files = {path.name: sha256_of(path) for path in sorted(partial.iterdir()) if path.name != CARD_FILE}
        write_card(replace(card, files=files), partial)
        if problems := verify(partial):
            raise PackError("; ".join(problems), hint="Report this as a defect.")
        if folder.exists():
            shutil.rmtree(folder)
        partial.replace(folder)
    except OSError as err:
        raise MediaError(f"{folder}: {err.strerror}", hint="Make room or choose another folder.") from err
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return open_pack(folder)


def _card(name: str, recipe: Recipe, facts: TrainingFacts, network: StyleNetwork, model: bytes) -> Card:
    painting = recipe.painting
    digest = hashlib.sha256(model).hexdigest()
    return Card(
        name=name,
        title=painting.title or name,
        artist=painting.artist or "unknown",
        year=painting.year,
        licence=LICENCE,
        source=f"{painting.source or painting.file} ({painting.licence or 'terms unknown'})",
        photos=recipe.photos or "not named",
        models=(ModelFile("fast", "fp32", MODEL, digest, len(model), "live"),),
        default="fast",
        network=network_name(network),
        parameters=count_parameters(network),
        recipe=RECIPE,
        loss_network=facts.loss_network,
        loss_network_sha256=facts.loss_network_sha256,
        training_device=facts.device,
        training_seconds=facts.seconds,
        measured={},
        files={},  # filled in when all are there
    )


def parity_error(model: bytes, network: StyleNetwork) -> float:
    """Largest difference, of 0..1, between an ONNX model in onnxruntime on the CPU and the network in PyTorch."""
    import onnxruntime

    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    reference = SizedNetwork(network).eval()
    random = np.random.default_rng(0)
    worst = 0.0
    for height, width in PARITY_SIZES:
        # A picture of one stride is a single pixel in the trunk, which PyTorch refuses to normalise: repeated there.
        image = random.random((1, 3, height, width), np.float32)
        (stylized,) = session.run(["stylized"], {"image": image})
        if stylized.shape != image.shape:
            return float("inf")
        if min(height, width) > 4:
            with torch.no_grad():
                expected = reference(torch.from_numpy(image)).numpy()
            worst = max(worst, float(np.abs(stylized - expected).max()))
    return worst


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
