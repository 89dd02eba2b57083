"""Export of a finished training as a style pack."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from stylecli.core.errors import PackError, UsageError
from stylecli.core.files import atomic_folder, blamed_on
from stylecli.inference.engine import Engine
from stylecli.media.images.files import Picture, encode_picture
from stylecli.packs.card import CARD_FILE, STYLE_NAME, Card, ModelFile, sha256_of, write_card
from stylecli.packs.pack import PREVIEW_FILE, StylePack, open_pack
from stylecli.packs.safety import verify
from stylecli.stylize.look import Look
from stylecli.stylize.pictures.pages import stylize_picture
from stylecli.training.export.int8 import to_int8
from stylecli.training.export.onnx_export import export_onnx, reach_of, to_half
from stylecli.training.export.parity import check_precision
from stylecli.training.networks.registry import count_parameters, network_name
from stylecli.training.networks.style_network import StyleNetwork
from stylecli.training.runs.checkpoints import WEIGHTS, as_safetensors, read_tensors
from stylecli.training.runs.finished import FinishedRun
from stylecli.training.runs.folder import RECIPE
from stylecli.training.runs.recipe_files import write_recipe

DEFAULT_VARIANT = "fast"
PREVIEW_QUALITY = 85


@dataclass(frozen=True)
class Precision:
    """How the numbers of a model are stored, and the photos it is calibrated and compared on."""

    name: str = "fp32"  # one of card.PRECISIONS
    photos: Sequence[NDArray[np.float32]] = ()  # (1, 3, H, W) each, in 0..1; fp32 needs none


def export_pack(
    run: FinishedRun,
    folder: Path,
    *,
    preview_of: Picture,
    precision: Precision = Precision(),
    overwrite: bool = False,
) -> StylePack:
    """Export a finished training as a style pack: model, weights, recipe, preview, card.

    Args:
        run: the training.
        folder: the folder of the pack, whose name is the style's. It appears only when the pack is complete.
        preview_of: the photo that the preview is painted of.
        precision: of the model.
        overwrite: whether to replace a style that is there.

    Raises:
        MediaError: the folder cannot be written.
        PackError: the model does not paint what the network paints.
        UsageError: the folder exists, or its name cannot be that of a style.
    """
    _check_target(folder, overwrite=overwrite)
    _check_name(folder.name, "a style")
    with blamed_on(folder), atomic_folder(folder, replaces=True) as partial:
        model = _write_network(run, partial, precision, DEFAULT_VARIANT, WEIGHTS, RECIPE)
        card = _card(folder.name, run, replace(model, network="", parameters=0, weights=""))
        with Engine(StylePack(partial, card), device="cpu") as engine:
            preview = stylize_picture(preview_of, engine, Look())
        (partial / PREVIEW_FILE).write_bytes(encode_picture(preview, ".jpg", quality=PREVIEW_QUALITY))
        _finish(partial, card)
    return open_pack(folder)


def add_variant(
    run: FinishedRun, folder: Path, variant: str, *, precision: Precision = Precision(), overwrite: bool = False
) -> StylePack:
    """Add the network of a finished training to the style pack in `folder`, as another variant of the style.

    Raises:
        MediaError: the folder cannot be written.
        PackError: `folder` is not a style, or the model does not paint what the network paints.
        UsageError: the style has this variant already, it is its default one, or a variant cannot have this name.
    """
    _check_name(variant, "a variant")
    pack = open_pack(folder)
    others = tuple(model for model in pack.card.models if model.variant != variant)
    if variant == pack.card.default:
        raise UsageError(f"{folder}: {variant} is the style itself", hint="Export it without `variant`.")
    if len(others) < len(pack.card.models) and not overwrite:
        raise UsageError(f"{folder}: has a variant {variant} already", hint="Use `overwrite=True` to replace it.")
    with blamed_on(folder), atomic_folder(folder, replaces=True) as partial:
        shutil.copytree(folder, partial, dirs_exist_ok=True)
        model = _write_network(run, partial, precision, variant, f"{variant}.{WEIGHTS}", f"{variant}.{RECIPE}")
        _finish(partial, replace(pack.card, models=(*others, model)))
    return open_pack(folder)


def _write_network(
    run: FinishedRun, folder: Path, precision: Precision, variant: str, weights: str, recipe: str
) -> ModelFile:
    content = _model_of(run.network, precision)
    (folder / f"{variant}.onnx").write_bytes(content)
    halves = {name: t.half() if t.is_floating_point() else t for name, t in run.weights.items()}
    if _are_in(folder / WEIGHTS, halves):  # another precision of the style's own network
        weights = WEIGHTS
    else:
        (folder / weights).write_bytes(as_safetensors(halves, run.facts.as_metadata()))
        write_recipe(replace(run.recipe, painting=run.painting, others=()), folder / recipe)
    return ModelFile(
        variant=variant,
        precision=precision.name,
        file=f"{variant}.onnx",
        sha256=hashlib.sha256(content).hexdigest(),
        bytes=len(content),
        statistics="patches",
        reach=reach_of(run.network),
        network=network_name(run.network),
        parameters=count_parameters(run.network),
        weights=weights,
    )


def _are_in(file: Path, tensors: Mapping[str, Tensor]) -> bool:
    if not file.exists():
        return False
    there, _ = read_tensors(file)
    return there.keys() == tensors.keys() and all(there[name].equal(tensor) for name, tensor in tensors.items())


def _model_of(network: StyleNetwork, precision: Precision) -> bytes:
    precise = export_onnx(network)
    if precision.name == "fp32":
        return precise
    model = to_half(precise) if precision.name == "fp16" else to_int8(precise, precision.photos)
    check_precision(model, precise, precision.photos, precision=precision.name)
    return model


def _finish(folder: Path, card: Card) -> None:
    """Write the card with the hash of every file, and check the pack like one from a stranger."""
    files = {path.name: sha256_of(path) for path in sorted(folder.iterdir()) if path.name != CARD_FILE}
    write_card(replace(card, files=files), folder)
    if problems := verify(folder):
        raise PackError("; ".join(problems), hint="Report this as a defect.")


def _card(name: str, run: FinishedRun, model: ModelFile) -> Card:
    painting, recipe, facts = run.painting, run.recipe, run.facts
    return Card(
        name=name,
        title=painting.title or name,
        artist=painting.artist or "unknown",
        year=painting.year,
        licence=recipe.licence or "not stated",
        source=f"{painting.source or painting.file} ({painting.licence or 'terms unknown'})",
        photos=recipe.photos or "not named",
        models=(model,),
        default=DEFAULT_VARIANT,
        network=network_name(run.network),
        parameters=count_parameters(run.network),
        recipe=RECIPE,
        loss_network=facts.loss_network,
        loss_network_sha256=facts.loss_network_sha256,
        training_device=facts.device,
        training_seconds=facts.seconds,
        measured={},
        files={},  # `_finish` fills them in
        fill=recipe.fill,
        detail=recipe.detail,
        flow=recipe.flow,
    )


def _check_name(name: str, owner: str) -> None:
    if not STYLE_NAME.fullmatch(name):
        hint = "A name has small letters, digits and single hyphens, such as great-wave."
        raise UsageError(f"{name!r} is no name for {owner}", hint=hint)


def _check_target(folder: Path, *, overwrite: bool) -> None:
    if not folder.exists():
        return
    if not overwrite:
        raise UsageError(f"{folder}: exists already", hint="Use `overwrite=True` to replace it.")
    if not (folder / CARD_FILE).is_file():  # not a style, so not ours to remove
        raise UsageError(f"{folder}: is not a style, so it is not replaced", hint="Choose another name.")
