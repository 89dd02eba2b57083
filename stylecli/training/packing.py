"""A finished training as a style pack."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from stylecli.card import CARD_FILE, Card, ModelFile, sha256_of, write_card
from stylecli.engine import Engine
from stylecli.errors import MediaError, PackError, UsageError
from stylecli.images import Picture, write_picture
from stylecli.look import Look
from stylecli.pack import StylePack, open_pack
from stylecli.pack_safety import verify
from stylecli.stylize import stylize_picture
from stylecli.training.checkpoints import WEIGHTS, read_tensors, write_tensors
from stylecli.training.exporting import export_onnx
from stylecli.training.loop import RECIPE, TrainingFacts
from stylecli.training.network import StyleNetwork, count_parameters, network_from_weights, network_name
from stylecli.training.recipe import Recipe, read_recipe, write_recipe

MODEL = "fast.onnx"
PREVIEW = "preview.jpg"
PREVIEW_QUALITY = 85


def export_pack(run: Path, folder: Path, *, preview_of: Picture, overwrite: bool = False) -> StylePack:
    """Make a style pack of a finished training: the model, the weights, the recipe, a preview, the card.

    The style's name is that of `folder`, which appears only when the pack is whole.

    Raises:
        MediaError: the run is not finished or cannot be read, the folder cannot be written.
        UsageError: the folder exists, or its name is none for a style.
    """
    weights, metadata = read_tensors(run / WEIGHTS)
    facts = _facts_in(metadata, run / WEIGHTS)
    recipe = read_recipe(run / RECIPE)
    network = network_from_weights(weights)
    _check_target(folder, overwrite=overwrite)
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        model = export_onnx(network)
        (partial / MODEL).write_bytes(model)
        write_tensors({name: tensor.half() for name, tensor in weights.items()}, partial / WEIGHTS, metadata)
        write_recipe(recipe, partial / RECIPE)
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
        licence=recipe.licence or "not stated",
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


def _facts_in(metadata: Mapping[str, str], weights: Path) -> TrainingFacts:
    try:
        return TrainingFacts.from_metadata(metadata)
    except KeyError as err:
        raise MediaError(
            f"{weights}: does not tell how it was trained ({err} is missing)",
            hint="Finish the training with the same `stylecli train` command.",
        ) from err


def _check_target(folder: Path, *, overwrite: bool) -> None:
    if not folder.exists():
        return
    if not overwrite:
        raise UsageError(f"{folder}: exists already", hint="Use --overwrite to replace it.")
    if not (folder / CARD_FILE).is_file():  # whatever it is, it is not ours to remove
        raise UsageError(f"{folder}: is not a style, so it is not replaced", hint="Choose another name with -o.")
